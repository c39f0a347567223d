"""Conditions in SQL for past logon sessions."""

from collections.abc import Iterable, Sequence
from typing import Any

from logonscope.journal.moments import Moments
from logonscope.journal.process_rows import time_limits
from logonscope.journal.reader import Reader
from logonscope.machine.history import LogonRecordQuery


def logon_conditions(reader: Reader, moments: Moments, query: LogonRecordQuery) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a query for logon sessions, and its parameters."""
    users: Iterable[str] | None = query.users
    if query.users is not None and query.fold_case:
        users = _spellings(reader, query.users)
    # a query may have only the beginning of a fingerprint
    keys = None if query.keys is None else _keys_beginning_with(reader, query.keys, fold_case=query.fold_case)
    conditions, parameters = planned_conditions(query, users, keys)
    _add_times(conditions, parameters, moments, query)
    return " AND ".join(conditions), parameters


def planned_conditions(
    query: LogonRecordQuery, users: Iterable[str] | None, keys: Iterable[str] | None
) -> tuple[list[str], list[Any]]:
    """Return the conditions on all columns but times, and their parameters.

    Args:
        query: the query.
        users: the allowed values of the column ``user``; None: any.
        keys: the allowed values of the column ``key``; None: any.
    """
    conditions, parameters = ["1"], list[Any]()
    for column, values in (
        ("id", query.ids),
        ("logonid", query.logon_ids and {int(word) for word in query.logon_ids}),
        ("user", users),
        ("login_uid", query.login_uids),
        ("key", keys),
    ):
        if values is not None:
            allowed = sorted(values)
            conditions.append(f"{column} IN ({','.join('?' * len(allowed))})")
            parameters += allowed
    return conditions, parameters


def _add_times(conditions: list[str], parameters: list[Any], moments: Moments, query: LogonRecordQuery) -> None:
    limits = time_limits(moments, query.since, query.until)
    if limits is None:
        return
    until = 1 << 62 if query.until is None else int(query.until.timestamp() * 1e6)
    parts = []
    for boot, (low, high) in limits.items():
        # the login record can name an earlier start (``wall``) than that of the first event (``started``)
        parts.append("boot = ? AND (wall < ? OR started < ?) AND (ended IS NULL OR ended >= ?)")
        parameters += [boot, until, high, low]
    conditions.append("(" + " OR ".join(parts or ["0"]) + ")")


def _spellings(reader: Reader, names: Iterable[str]) -> Sequence[str]:
    """Return the account names in the journal that equal one of these names, ignoring case."""
    folded = {name.lower() for name in names}
    users = reader.rows("SELECT DISTINCT user FROM logon WHERE user IS NOT NULL")
    return [user for (user,) in users if user.lower() in folded]


def _keys_beginning_with(reader: Reader, beginnings: Iterable[str], *, fold_case: bool) -> Sequence[str]:
    """Return the keys in the journal that begin with one of these texts."""
    texts = tuple(text.lower() if fold_case else text for text in beginnings)
    keys = [key for (key,) in reader.rows("SELECT DISTINCT key FROM logon WHERE key IS NOT NULL")]
    return [key for key in keys if (key.lower() if fold_case else key).startswith(texts)]
