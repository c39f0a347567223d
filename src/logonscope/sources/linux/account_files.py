"""Accounts and groups of a host that is a folder: those of its passwd(5) and group(5) files alone."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from logonscope.facts import Account, Group
from logonscope.sources.linux.parse import parse_account, parse_group

PASSWD, GROUP = "etc/passwd", "etc/group"

Row = TypeVar("Row", Account, Group)


def users(root: str) -> Iterator[Account]:
    """Yield the accounts."""
    return (account._replace(local=True) for account in listed(root, PASSWD, parse_account))


def groups(root: str) -> Iterator[Group]:
    """Yield the groups."""
    return (group._replace(local=True) for group in listed(root, GROUP, parse_group))


def listed(root: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    """Yield the lines of a file below a root; those of another form are passed over."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            yield from parsed(lines, parse_line)
    except OSError:
        return


def parsed(lines: Iterable[bytes], parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    """Yield what the lines say; those of another form are passed over."""
    for line in lines:
        try:
            row = parse_line(line)
        except ValueError:
            continue
        yield row
