"""The item of classes about profiles: an account with its past logins, and whether the account is in use."""

from typing import NamedTuple

from logonscope.facts import Account

HISTORY, LOADED = "history", "loaded"
"""Pseudo-facts of a profile. HISTORY: past logins are read; LOADED: the uids that processes run as are read."""


class Profile(NamedTuple):
    """An account with its past logins and its use. A value of None: not read, not known, or hidden from the caller."""

    account: Account
    last_login: int | None = None  # microseconds since the epoch
    last_logout: int | None = None  # microseconds since the epoch
    logins: int | None = None  # the number of past logins
    loaded: bool | None = None  # whether a process that the caller may see runs as the account


NO_HOMES = {"", "/nonexistent"}
"""Home directories in passwd(5) of accounts that have no home directory."""
