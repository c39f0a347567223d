"""Accounts and groups of a host that is a folder: only those of its passwd(5) and group(5) files."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from logonscope.facts import Account, Group
from logonscope.sources.linux.parse import parse_account, parse_group

PASSWD, GROUP = "etc/passwd", "etc/group"

Row = TypeVar("Row", Account, Group)


def read_users(root: str) -> Iterator[Account]:
    """Return the accounts of the passwd file below a root."""
    return (account._replace(local=True) for account in read_rows(root, PASSWD, parse_account))


def read_groups(root: str) -> Iterator[Group]:
    """Return the groups of the group file below a root."""
    return (group._replace(local=True) for group in read_rows(root, GROUP, parse_group))


def read_rows(root: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    """Yield the rows of a file below a root; none if the file cannot be read. Invalid lines are skipped."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            yield from parse_rows(lines, parse_line)
    except OSError:
        return


def parse_rows(lines: Iterable[bytes], parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    """Yield the rows that lines contain; invalid lines are skipped, as the C library skips them."""
    for line in lines:
        try:
            row = parse_line(line)
        except ValueError:
            continue
        yield row
