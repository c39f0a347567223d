"""History: the queries for past logon sessions and processes, on read-only connections to the journal."""

import json
import os
import sqlite3
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from logonscope.answers.check import Check
from logonscope.errors import RecordingError, TimedOutError
from logonscope.facts.history import ChangeRecord, LogonRecord, ProcessRecord, ProgramCount
from logonscope.journal.activity import ActivityReader
from logonscope.journal.files import JournalFiles
from logonscope.journal.forget import Forgetter
from logonscope.journal.moments import Moments
from logonscope.journal.reader import Reader, make_process
from logonscope.journal.rows import COMMAND, CREDENTIAL, ID, LASTED, PARENT, PLACE, SOURCE, STATUS, TICKS
from logonscope.journal.schema import BOOT_ENDED, FOUND, SWEPT
from logonscope.journal.source import PastSource
from logonscope.journal.verify import Verifier
from logonscope.journal.writer import Writer
from logonscope.machine import Look, Source
from logonscope.machine.history import (
    Activity,
    ActivityQuery,
    Forgotten,
    History,
    HistoryState,
    LogonRecordQuery,
    ProcessRecordQuery,
    Verification,
)

PAGE = 2000
MAX_IDLE = 4
FORGET_SECONDS = 600.0

Limits = Mapping[int, tuple[int, int]]
"""Boot -> ms since that boot: the first and the last one of a range of wall times."""


class JournalHistory(History):
    """The history of this machine."""

    def __init__(
        self,
        folder: str,
        command_lines: str = "name",
        open_reader: Callable[[], Reader] | None = None,
        problem: Callable[[], str] | None = None,
        stop: Callable[[], object] | None = None,
    ) -> None:
        """Create the history; nothing is opened yet.

        Args:
            folder: of the journal.
            command_lines: how much of command lines is kept; see Policy.
            open_reader: opens a reader; None: a plain one.
            problem: returns why nothing is written now; "" if it is.
            stop: called when the history is closed.
        """
        self._files = JournalFiles(folder)
        self._command_lines = command_lines
        self._open = open_reader or self._open_plain
        self._problem, self._stop = problem, stop
        self._idle: list[Reader] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<JournalHistory {self._files.folder}>"

    def _open_plain(self) -> Reader:
        return Reader(self._files)

    def open_reader(self) -> Reader:
        """Open a reader.

        Raises:
            RecordingError: the journal cannot be read.
        """
        try:
            return self._open()
        except sqlite3.Error as error:
            raise RecordingError(
                f"cannot read the history in {self._files.folder}: {error}", "run it as root"
            ) from None

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        """Lend a reader of the pool."""
        # a connection is lent to one thread at a time
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        reader = reader or self.open_reader()
        try:
            yield reader
        except sqlite3.Error as error:
            reader.close()
            raise RecordingError(f"cannot read the history: {error}", "try again") from None
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(reader)
                return
        reader.close()

    def close(self) -> None:
        if self._stop is not None:
            self._stop()
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def at(self, moment: datetime, present: Source) -> PastSource:
        return PastSource(self.open_reader, moment, present, self._command_lines)

    def logons(self, look: Look, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        with self._reader() as reader:
            moments = reader.moments()
            limits = _limits(moments, query.since, query.until)
            conditions, parameters = _logon_conditions(query)
            rows = reader.logons(f"{conditions} ORDER BY id", parameters)
            records = [
                _make_logon(reader, moments, row) for row in rows if limits is None or _is_logon_within(row, limits)
            ]
        for record in records:
            look.check()
            if query.keys is None or any((record.key or "").startswith(key) for key in query.keys):
                yield record

    def processes(self, look: Look, query: ProcessRecordQuery) -> Iterator[ProcessRecord]:
        for page in self._pages(look, query):
            with self._reader() as reader:
                records = _make_processes(reader, page, command_lines=query.command_lines)
            yield from records

    def _pages(self, look: Look, query: ProcessRecordQuery) -> Iterator[list[Any]]:
        """Yield the rows of a query by pages; no statement stays open between two of them."""
        with self._reader() as reader:
            moments = reader.moments()
            limits = _limits(moments, query.since, query.until)
            conditions = _process_conditions(reader, query)
            boots = {boot.id: boot for boot in reader.boots()}
        if conditions is None:
            return
        newest = query.newest
        if newest is not None:
            yield self._newest(conditions, newest)
            return
        # by number: a page needs no open statement to go on
        first = -1
        while True:
            look.check()
            with self._reader() as reader:
                page = _read_page(reader, conditions, first)
            if not page:
                return
            first = page[-1][ID]
            if limits is not None:
                page = [row for row in page if _is_process_within(row, boots, limits)]
            yield page

    def _newest(self, conditions: tuple[str, list[Any]], count: int) -> list[Any]:
        where, parameters = conditions
        with self._reader() as reader:
            rows: list[Any] = []
            for table in ("recent", "process"):
                rows += reader.rows(
                    f"SELECT * FROM {table} WHERE {where} ORDER BY id DESC LIMIT ?",
                    [*parameters, count],
                )
        return sorted(rows, key=_id_of)[-count:]

    def changes(self, look: Look, process_ids: Sequence[int]) -> Iterator[ChangeRecord]:
        look.check()
        with self._reader() as reader:
            query = "SELECT * FROM change WHERE process IN ({}) ORDER BY id"
            changes = list(reader.by_numbers(query, sorted(process_ids)))
            processes = {
                row[ID]: row for row in reader.by_numbers("SELECT * FROM every WHERE id IN ({})", sorted(process_ids))
            }
            changed = []
            for change in changes:
                row = processes.get(change[1])
                if row is not None:
                    after = list(row)
                    after[PLACE], after[5], after[CREDENTIAL], after[COMMAND] = change[3:7]
                    changed.append((change, after))
            reader.load_dictionaries(row for _, row in changed)
            reader.load_commands(row[COMMAND] for _, row in changed)
            moments, boots = reader.moments(), reader.boots()
            records = [
                ChangeRecord(
                    change[0], change[1], reader.place(row[PLACE]).logon,
                    moments.wall(_boot_of(boots, change[0]), change[2]), make_process(reader, row, None),
                    reader.credential(row[CREDENTIAL]).user,
                )
                for change, row in changed
            ]  # fmt: skip
        yield from records

    def programs(self, look: Look, logons: Sequence[int]) -> Mapping[int, Sequence[ProgramCount]]:
        look.check()
        counts: dict[int, dict[int, list[Any]]] = defaultdict(dict)
        with self._reader() as reader:
            for table in ("process", "recent"):
                query = (
                    f"SELECT place.logon, t.program, count(*), count(nullif(t.status, 0)), min(t.id), max(t.id)"
                    f" FROM place JOIN {table} t ON t.place = place.id WHERE place.logon IN ({{}}) GROUP BY 1, 2"
                )
                for logon, program, *new in reader.by_numbers(query, sorted(logons)):
                    old = counts[logon].get(program, [0, 0, new[2], new[3]])
                    counts[logon][program] = [
                        old[0] + new[0], old[1] + new[1], min(old[2], new[2]), max(old[3], new[3])
                    ]  # fmt: skip
            return self._describe_programs(reader, counts)

    def _describe_programs(
        self, reader: Reader, counts: Mapping[int, Mapping[int, Sequence[int]]]
    ) -> dict[int, list[ProgramCount]]:
        programs = {program for by_program in counts.values() for program in by_program}
        reader.load_programs(programs)
        moments = reader.moments()
        groups = [group for by_program in counts.values() for group in by_program.values()]
        walls = SeqWalls(moments, reader, (number for group in groups for number in group[2:4]))
        result = {}
        for logon, by_program in counts.items():
            merged: dict[Any, list[int]] = {}
            for number, (count, failed, first, last) in by_program.items():
                program = reader.program(number)
                key = (program.name or program.comm, program.exe)
                old = merged.setdefault(key, [0, 0, first, last])
                merged[key] = [old[0] + count, old[1] + failed, min(old[2], first), max(old[3], last)]
            result[logon] = [
                ProgramCount(name, exe, count, failed, walls.wall(first), walls.wall(last))
                for (name, exe), (count, failed, first, last) in sorted(merged.items(), key=_most_first)
            ]
        return result

    def activity(self, look: Look, query: ActivityQuery) -> Iterator[Activity]:
        with self._reader() as reader:
            activities = ActivityReader(reader, query).read(look)
        yield from activities

    def state(self) -> HistoryState:
        with self._reader() as reader:
            (recent,) = reader.rows("SELECT count(*) FROM recent")[0]
            (losses,) = reader.rows("SELECT count(*) FROM loss")[0]
            (through,) = reader.rows("SELECT max(seq + n - 1) FROM eventlog")[0]
            (sealed,) = reader.rows("SELECT coalesce(sum(n) - sum(coalesce(removed, 0)), 0) FROM seal")[0]
            (epoch,) = reader.rows("SELECT max(epoch) FROM run")[0]
            return HistoryState(
                str(reader.value("id") or ""), epoch or 0, through or 0, reader.value("kept_since"),
                self._files.size(), sealed + recent, losses, self._problem() if self._problem else "",
            )  # fmt: skip

    def checks(self) -> Iterator[Check]:
        state = self.state()
        since = (
            "never"
            if state.since is None
            else datetime.fromtimestamp(state.since / 1e6).astimezone().isoformat(sep=" ", timespec="minutes")
        )
        if state.problem:
            yield Check("history", False, f"nothing is written: {state.problem}", "make room, or see the service's log")
        else:
            yield Check(
                "history", True,
                f"kept since {since}, {state.bytes >> 20} MiB, "
                f"through {state.journal_id}.{state.epoch}.{state.last_event}", "",
            )  # fmt: skip
        if state.losses:
            yield Check("history: gaps", None, f"{state.losses} gaps, in which events were not seen", "")
        yield _check_sqlite()

    def verify(self) -> Verification:
        with self._reader() as reader:
            return Verifier(reader.database).verify()

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        try:
            lock = self._files.lock()
        except BlockingIOError:
            # the service writes: it deletes, too
            try:
                return Forgotten(**self._files.request_forget(user, caller_uid, FORGET_SECONDS))
            except TimeoutError:
                raise TimedOutError(f"cannot forget {user!r}: the service did not answer", "see its log") from None
        try:
            writer = Writer(self._files)
            try:
                return Forgetter(writer).forget(user, caller_uid)
            finally:
                writer.close()
        finally:
            os.close(lock)


def _check_sqlite() -> Check:
    version = sqlite3.sqlite_version_info
    is_mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    text = f"SQLite {sqlite3.sqlite_version}"
    if is_mended:
        return Check("history: SQLite", True, text, "")
    fault = "has the WAL-reset bug, which a single writer avoids"
    return Check("history: SQLite", True, f"{text} {fault}", "")


class SeqWalls:
    """Wall times of the starts of processes by their numbers; they are read together."""

    def __init__(self, moments: Moments, reader: Reader, numbers: Iterable[int]) -> None:
        self._boots = reader.boots()
        self._ticks = {boot.id: boot.ticks for boot in self._boots}
        self._clock = MinuteClock(moments)
        query = "SELECT id, ticks FROM every WHERE id IN ({})"
        self._starts: dict[int, int] = dict(reader.by_numbers(query, sorted(set(numbers))))

    def wall(self, number: int) -> int | None:
        """Return the wall time of the start of a process."""
        start = self._starts.get(number)
        if start is None:
            return None
        boot = _boot_of(self._boots, number)
        return self._clock.wall(boot, start * 1000 // self._ticks[boot])


class MinuteClock:
    """Wall times of times since a boot, by the clock of their minute, which is read once."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._walls: dict[tuple[int, int], int] = {}  # boot and minute -> wall time of the beginning of the minute

    def wall(self, boot: int, ms: int) -> int:
        """Return a wall time in microseconds."""
        key = boot, ms // 60_000
        base = self._walls.get(key)
        if base is None:
            base = self._walls[key] = (self._moments.wall(boot, ms) or 0) - ms % 60_000 * 1000
        return base + ms % 60_000 * 1000


def _boot_of(boots: Sequence[Any], number: int) -> int:
    position = bisect_right(boots, number, key=_first_seq)
    return int(boots[max(position - 1, 0)].id)


def _first_seq(boot: Any) -> int:
    return int(boot.first_seq)


def _most_first(item: tuple[Any, Sequence[int]]) -> tuple[int, str]:
    return -item[1][0], str(item[0])


def _id_of(row: Sequence[Any]) -> int:
    return int(row[ID])


def _limits(moments: Moments, since: datetime | None, until: datetime | None) -> Limits | None:
    """Return the range of wall times as ms since each boot; None: there is no limit."""
    if since is None and until is None:
        return None
    low = -(1 << 62) if since is None else int(since.timestamp() * 1e6)
    high = 1 << 62 if until is None else int(until.timestamp() * 1e6)
    limits: dict[int, tuple[int, int]] = {}
    for line in moments.lines:
        if line.first_wall > high or (line.last_seq is not None and line.last_wall < low):
            continue
        # a process can have begun long before the first row of the line
        first = line.first_ms + (max(low, -(1 << 60)) - line.first_wall) // 1000
        last = line.first_ms + (min(high, 1 << 60) - line.first_wall) // 1000
        before = limits.get(line.boot)
        limits[line.boot] = (first, last) if before is None else (min(first, before[0]), max(last, before[1]))
    return limits


def _is_logon_within(row: Mapping[str, Any], limits: Limits) -> bool:
    low, high = limits.get(row["boot"], (0, -1))
    return (row["started"] or 0) < high and (row["ended"] is None or row["ended"] >= low)


def _is_process_within(row: Sequence[Any], boots: Mapping[int, Any], limits: Limits) -> bool:
    boot = _boot_of(list(boots.values()), row[ID])
    low, high = limits.get(boot, (0, -1))
    start = row[TICKS] * 1000 // boots[boot].ticks
    return bool(start < high and (row[LASTED] is None or start + row[LASTED] >= low))


def _logon_conditions(query: LogonRecordQuery) -> tuple[str, list[Any]]:
    conditions, parameters = ["1"], list[Any]()
    for column, values in (
        ("id", query.ids),
        ("logonid", query.logon_ids and {int(word) for word in query.logon_ids}),
        ("user", query.users),
        ("login_uid", query.login_uids),
    ):
        if values is not None:
            conditions.append(f"{column} IN ({','.join('?' * len(values))})")
            parameters += sorted(values)
    if query.keys is not None:
        conditions.append("key IS NOT NULL AND (" + " OR ".join(["key >= ? AND key < ?"] * len(query.keys)) + ")")
        for key in sorted(query.keys):
            parameters += [key, key + "\U0010ffff"]
    return " AND ".join(conditions), parameters


def _process_conditions(reader: Reader, query: ProcessRecordQuery) -> tuple[str, list[Any]] | None:
    """Return the WHERE clause of a query for processes, and its parameters; None: nothing can match."""
    conditions, parameters = ["1"], list[Any]()
    places = None if query.logons is None else reader.places_of(sorted(query.logons))
    programs = (
        None
        if query.names is None and query.name_prefix is None
        else reader.programs_named(query.names, query.name_prefix)
    )
    for column, values in (("id", query.ids), ("pid", query.pids), ("place", places), ("program", programs)):
        if values is None:
            continue
        if not values:
            return None
        # a long list as numbers: they are the journal's own
        conditions.append(f"{column} IN ({','.join(str(int(value)) for value in sorted(values))})")
    return " AND ".join(conditions), parameters


def _read_page(reader: Reader, conditions: tuple[str, list[Any]], first: int) -> list[Any]:
    where, parameters = conditions
    order = "ORDER BY id LIMIT ?"
    page = reader.rows(f"SELECT * FROM process WHERE {where} AND id > ? {order}", [*parameters, first, PAGE])
    if len(page) == PAGE:
        return page
    last = page[-1][ID] if page else first
    # rows of ``recent`` are newer than all others
    rest = reader.rows(f"SELECT * FROM recent WHERE {where} AND id > ? {order}", [*parameters, last, PAGE])
    return page + rest


def _make_logon(reader: Reader, moments: Moments, row: Mapping[str, Any]) -> LogonRecord:
    boot = row["boot"]
    start = row["wall"] or (None if row["started"] is None else moments.wall(boot, row["started"]))
    login = json.loads(row["record"])["id"] if row["record"] else None
    return LogonRecord(
        row["id"], reader.boot(boot).uuid, str(row["logonid"]), row["generation"] or None, start,
        None if row["logged_out"] is None else moments.wall(boot, row["logged_out"]),
        None if row["ended"] is None else moments.wall(boot, row["ended"]),
        bool((row["source"] or 0) & (SWEPT | BOOT_ENDED)), row["login_uid"], row["user"], row["type"], row["service"],
        row["tty"], row["seat"], row["remote_host"], row["remote_address"], row["remote_port"], row["method"],
        row["key_type"], row["key"], login,
    )  # fmt: skip


def _make_processes(reader: Reader, rows: list[Any], *, command_lines: bool) -> list[ProcessRecord]:
    reader.load_dictionaries(rows)
    if command_lines:
        reader.load_commands(row[COMMAND] for row in rows)
    # the parents first: a child names its parent by record, people by pid
    parents, moments, boots = reader.parents(rows), reader.moments(), reader.boots()
    by_id = {boot.id: boot for boot in boots}
    clock = MinuteClock(moments)
    records = []
    for row in rows:
        boot = by_id[_boot_of(boots, row[ID])]
        start_ms = row[TICKS] * 1000 // boot.ticks
        start = clock.wall(boot.id, start_ms)
        source = row[SOURCE] or 0
        parent = parents.get(row[PARENT])
        records.append(
            ProcessRecord(
                row[ID], reader.place(row[PLACE]).logon, row[PARENT], boot.uuid,
                make_process(reader, row, parent and parent[0]), reader.credential(row[CREDENTIAL]).user, start,
                bool(source & FOUND), None if row[LASTED] is None else start + row[LASTED] * 1000,
                bool(source & (SWEPT | BOOT_ENDED)), row[LASTED], row[STATUS],
            )
        )  # fmt: skip
    return records
