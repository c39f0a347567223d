"""Which accounts and groups does a host have that is a folder? Those of its passwd(5) and group(5) files alone."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from logonscope.facts import Account, Group
from logonscope.machine import Needs
from logonscope.sources.linux.parse import parse_account, parse_group
from logonscope.sources.named import groups_named, users_named

PASSWD, GROUP = "etc/passwd", "etc/group"

Row = TypeVar("Row", Account, Group)


def accounts(root: str) -> Mapping[int, Account]:
    """Return the accounts by uid; the first line of a uid counts."""
    return {account.uid: account for account in reversed(list(listed(root, PASSWD, parse_account)))}


def users(root: str, needs: Needs) -> Iterator[Account]:
    """Yield the accounts that the needs name."""
    if needs.all_users or needs.users is not None:
        for account in users_named(listed(root, PASSWD, parse_account), needs):
            yield account._replace(local=True)


def groups(root: str, needs: Needs) -> Iterator[Group]:
    """Yield the groups that the needs name."""
    if needs.all_groups or needs.groups is not None or needs.groups_of is not None:
        for group in groups_named(listed(root, GROUP, parse_group), listed(root, PASSWD, parse_account), needs):
            yield group._replace(local=True)


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
