"""Past logins of an account, as the databases of logins count them."""

from typing import NamedTuple


class LoginHistory(NamedTuple):
    """What one database has about the logins of one account; times in microseconds since the epoch.

    Attributes:
        source: lastlog, lastlog2, wtmpdb, wtmp.
        uid: only lastlog has it, without the name; the other databases have only the name, ``user``.
        logins: number of logins since the database was begun; None: the database does not count them.
    """

    source: str
    uid: int | None = None
    user: str | None = None
    last_login: int | None = None
    last_logout: int | None = None
    logins: int | None = None
