"""Records of failed logons and of changes of user for a query, read by pages."""

from collections.abc import Iterator, Sequence
from typing import Any

from logonscope.facts import FailedLogon, UserChange
from logonscope.facts.history import FailedLogonRecord, UserChangeRecord
from logonscope.journal.process_rows import PAGE, Lend, boot_position, number_span
from logonscope.journal.reader import Reader
from logonscope.machine import Look
from logonscope.machine.history import FailedLogonQuery, UserChangeQuery


class FailedLogonRows:
    """The failed logons of one query."""

    def __init__(self, lend: Lend, look: Look, query: FailedLogonQuery) -> None:
        self._lend, self._look, self._query = lend, look, query

    def __repr__(self) -> str:
        return f"<FailedLogonRows {self._query}>"

    def records(self) -> Iterator[FailedLogonRecord]:
        """Yield the failed logons in the order of their numbers."""
        with self._lend() as reader:
            low, high = number_span(reader, self._query.since, self._query.until)
        where, names = failed_logon_conditions(self._query)
        query = f"SELECT * FROM failed_logon WHERE {where} AND id > ? AND id < ? ORDER BY id LIMIT ?"
        while True:
            self._look.check()
            with self._lend() as reader:
                page = reader.rows(query, (*names, low, high, PAGE))
                times = RecordTimes(reader)
                records = [make_failed_logon(times, row) for row in page]
            if not page:
                return
            low = page[-1][0]
            yield from records


class UserChangeRows:
    """The changes of user of one query."""

    def __init__(self, lend: Lend, look: Look, query: UserChangeQuery) -> None:
        self._lend, self._look, self._query = lend, look, query

    def __repr__(self) -> str:
        return f"<UserChangeRows {self._query}>"

    def records(self) -> Iterator[UserChangeRecord]:
        """Yield the changes of user in the order of their numbers."""
        logons = self._query.logon_records
        with self._lend() as reader:
            low, high = number_span(reader, self._query.since, self._query.until)
            where = user_change_conditions(self._query, None if logons is None else reader.places_of(sorted(logons)))
        query = f"SELECT * FROM user_change WHERE {where} AND id > ? AND id < ? ORDER BY id LIMIT ?"
        while True:
            self._look.check()
            with self._lend() as reader:
                page = reader.rows(query, (low, high, PAGE))
                reader.load_places(row[3] for row in page)
                times = RecordTimes(reader)
                records = [make_user_change(times, reader, row) for row in page]
            if not page:
                return
            low = page[-1][0]
            yield from records


class RecordTimes:
    """The boot and the time of rows."""

    def __init__(self, reader: Reader) -> None:
        self._boots, self._moments = reader.boots(), reader.moments()

    def boot_and_time(self, number: int, ms: int) -> tuple[str, int | None]:
        """Return the boot id and the wall time of a row, in microseconds; None: see ``Moments.wall``."""
        boot = self._boots[boot_position(self._boots, number)]
        return boot.uuid, self._moments.wall(boot.id, ms)


def make_failed_logon(times: RecordTimes, row: Sequence[Any]) -> FailedLogonRecord:
    """Return the record of a row of ``failed_logon``."""
    number, ms, _, service, pid, user, is_known_user, *details, attempts, source = row
    address, port, remote_host, method, tty, by_user, command, reason = details
    attempt = FailedLogon(
        service, pid or 0, user, None if is_known_user is None else bool(is_known_user), address, port, remote_host,
        method, tty, by_user, command, reason, attempts, source or "",
    )  # fmt: skip
    return FailedLogonRecord(number, *times.boot_and_time(number, ms), attempt)


def make_user_change(times: RecordTimes, reader: Reader, row: Sequence[Any]) -> UserChangeRecord:
    """Return the record of a row of ``user_change``, whose place was loaded."""
    number, ms, process, place, pid, from_uid, from_user, to_uid, to_user, is_complete, *words = row
    program, through, command, source = words
    change = UserChange(
        from_uid, from_user, to_uid, to_user, bool(is_complete), program, through, command, source or ""
    )  # fmt: skip
    boot_id, time = times.boot_and_time(number, ms)
    return UserChangeRecord(number, process, reader.place(place).logon, boot_id, time, pid, change)


def failed_logon_conditions(query: FailedLogonQuery) -> tuple[str, Sequence[str]]:
    """Return the WHERE clause of a query for failed logons, and its parameters."""
    parts, names = ["1"], sorted(query.users or ())
    if query.ids is not None:
        parts.append(f"id IN ({','.join(map(str, sorted(query.ids)))})")
    # NOCASE ignores the case of ASCII letters only: if a name has other characters, all rows are returned, and the
    # broker filters them
    if query.users is not None and all(map(str.isascii, names)):
        parts.append(f"user COLLATE NOCASE IN ({','.join('?' * len(names))})")
        return " AND ".join(parts), names
    return " AND ".join(parts), ()


def user_change_conditions(query: UserChangeQuery, places: Sequence[int] | None) -> str:
    """Return the WHERE clause of a query for changes of user; ``places``: those of its logon sessions, None: any."""
    parts = ["1"]
    for column, values in (("id", query.ids), ("process", query.process_records), ("place", places)):
        if values is not None:
            parts.append(f"{column} IN ({','.join(map(str, sorted(values)))})")
    return " AND ".join(parts)
