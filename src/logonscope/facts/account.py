"""Accounts and groups, as passwd(5) and group(5) have them."""

from typing import NamedTuple


class Account(NamedTuple):
    """A line of passwd(5), from whatever name service."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str
    local: bool | None = None  # it stands in /etc/passwd; None: not looked up


class Group(NamedTuple):
    """A line of group(5), from whatever name service; ``members`` lacks those whose primary group it is."""

    name: str
    gid: int
    members: tuple[str, ...] = ()
    local: bool | None = None  # it stands in /etc/group; None: not looked up
