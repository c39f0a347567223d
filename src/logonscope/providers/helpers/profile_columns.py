"""The item of classes about profiles: an account with its past logins."""

from typing import NamedTuple

from logonscope.facts import Account

HISTORY, LOADED = "history", "loaded"
"""Facts of a profile that are read only if a column names them: past logins; the uids that processes run as."""


class Profile(NamedTuple):
    """An account with its past logins, in microseconds since the epoch. None: not known, or hidden from the caller."""

    account: Account
    last_login: int | None = None
    last_logout: int | None = None
    logins: int | None = None
    loaded: bool | None = None


NO_HOMES = {"", "/nonexistent"}
"""Home directories of accounts that have none."""
