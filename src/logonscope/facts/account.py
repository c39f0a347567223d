"""Accounts and groups, with the fields of passwd(5) and group(5), and the state of passwords from shadow(5)."""

from typing import NamedTuple


class Account(NamedTuple):
    """An account: a line of passwd(5), from any name service.

    Attributes:
        local: the account is in /etc/passwd; None: not looked up.
        password: the state of the password: "usable", "locked", "unusable" or "none". None here and below: not read.
        password_min_days: days for which a new password cannot be changed; None also if the password does not age.
        password_max_days: days for which a password is valid; None also if the password does not age.
        expired: the account has expired: logging in with it is refused.
    """

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str
    local: bool | None = None
    password: str | None = None
    password_min_days: int | None = None
    password_max_days: int | None = None
    expired: bool | None = None


class Group(NamedTuple):
    """A group: a line of group(5), from any name service; ``members`` lacks accounts whose primary group it is.

    Attributes:
        local: the group is in /etc/group; None: not looked up.
    """

    name: str
    gid: int
    members: tuple[str, ...] = ()
    local: bool | None = None
