"""The item of classes about profiles: an account with its past logins, and whether it is in use."""

from typing import NamedTuple

from logonscope.facts import Account

HISTORY, LOADED = "history", "loaded"
"""Pseudo-facts of a profile: past logins are read; the uids that processes run as are read."""


class Profile(NamedTuple):
    """An account with its past logins. None: not read, not known, or hidden from the caller."""

    account: Account
    last_login: int | None = None  # microseconds since the epoch
    last_logout: int | None = None  # microseconds since the epoch
    logins: int | None = None  # their number
    loaded: bool | None = None  # whether a process that the caller sees runs as the account


NO_HOMES = {"", "/nonexistent"}
"""Values of the home directory of accounts without one."""
