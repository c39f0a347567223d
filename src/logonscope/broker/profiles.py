"""Profiles of accounts: the account, its past logins, and whether it is in use, as far as the caller may see them."""

from collections.abc import Iterator

from logonscope.broker.request import Request
from logonscope.facts import Account, LoginHistory
from logonscope.machine import AccountQuery, Facts, ProcessQuery
from logonscope.providers.helpers.profile_item import HISTORY, LOADED, Profile

_COUNTING_SOURCES = ("wtmpdb", "wtmp")
"""The databases that count logins. The first one keeps logins longer."""


def read_profiles(request: Request, facts: Facts, query: AccountQuery) -> Iterator[tuple[Profile]]:
    """Yield the profile of each account, without past logins and use if the caller may not see its history."""
    users, _ = request.source.accounts(request.look, query)
    history = list(request.source.login_history(request.look)) if HISTORY in facts else []
    by_key: dict[int | str | None, list[LoginHistory]] = {}
    for row in history:
        by_key.setdefault(row.user if row.uid is None else row.uid, []).append(row)
    loaded_uids = _read_loaded_uids(request) if LOADED in facts else None
    # the loop is over accounts, because the databases of past logins also have accounts that were removed since
    for account in users:
        if not request.visibility.sees_account_history(account.uid):
            yield (Profile(account),)
            continue
        # lastlog has uids, the other databases names
        rows = [*by_key.get(account.uid, ()), *by_key.get(account.name, ())]
        loaded = None if loaded_uids is None else account.uid in loaded_uids
        yield (_make_profile(account, rows, loaded=loaded),)


def _read_loaded_uids(request: Request) -> set[int]:
    """Return the real and effective uids of the processes that the caller may see."""
    pairs = request.read(ProcessQuery(frozenset({"uids"})), with_owners=False).pairs
    return {uid for process, _ in pairs for uid in (process.uids or ())[:2] if uid is not None}


def _make_profile(account: Account, rows: list[LoginHistory], *, loaded: bool | None) -> Profile:
    logins = [row.last_login for row in rows if row.last_login is not None]
    logouts = [row.last_logout for row in rows if row.last_logout is not None]
    counts = {row.source: row.logins for row in rows}
    count = next((counts[source] for source in _COUNTING_SOURCES if counts.get(source) is not None), None)
    return Profile(account, max(logins, default=None), max(logouts, default=None), count, loaded)
