"""Past logins of an account, as the databases of logins count them."""

from typing import NamedTuple


class LoginHistory(NamedTuple):
    """What one database has about the logins of one account; times in microseconds since the epoch."""

    source: str  # lastlog, lastlog2, wtmpdb, wtmp
    uid: int | None = None  # lastlog has the uid alone, the others the name alone
    user: str | None = None
    last_login: int | None = None
    last_logout: int | None = None
    logins: int | None = None  # their number since the database was begun; None: it does not count them
