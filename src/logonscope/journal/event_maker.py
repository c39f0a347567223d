"""Events made of the rows of the journal, for readers that resume.

These events have the facts of the live events, as far as the history keeps these facts. There are two differences. The
start of a process can have the program that the process executed right after its start. And a logon session is
described with what is known now.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LOGON_TYPES, LogonSession
from logonscope.facts import Machine, Process
from logonscope.journal import rows
from logonscope.journal.event_codes import FOLDED, EventCode
from logonscope.journal.logon_rows import decode_login
from logonscope.journal.moments import Moments
from logonscope.journal.reader import Boot, Reader, make_process
from logonscope.journal.report_rows import RecordTimes, make_failed_logon, make_user_change
from logonscope.journal.rows import CHANGES, COMMAND, CREDENTIAL, ID, LASTED, PARENT, PLACE, PROGRAM, STATUS, TICKS
from logonscope.machine import Owner
from logonscope.machine.events import (
    Event,
    EventHead,
    EventMark,
    EventsLost,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.machine.identity import logon_guid
from logonscope.machine.kernel_numbers import datetime_of_microseconds

_PROCESS_KINDS = {rows.STARTED, rows.PROCESS_ENDED, FOLDED}
_LOGON_EVENTS: Mapping[int, type[LogonStarted] | type[LoggedOut] | type[LogonEnded]] = {
    rows.LOGON_STARTED: LogonStarted,
    rows.LOGGED_OUT: LoggedOut,
    rows.LOGON_ENDED: LogonEnded,
}
_TIME_COLUMNS = {rows.LOGON_STARTED: "started", rows.LOGGED_OUT: "logged_out", rows.LOGON_ENDED: "ended"}

Row = Sequence[Any]


class _Change(NamedTuple):
    """A row of ``change``, with the states of its process before and after the change."""

    ms: int
    before: Row
    after: Row


class EventMaker:
    """Makes events from codes; all codes are of one boot."""

    def __init__(self, reader: Reader, boot: Boot, machine: Machine, epoch: int, *, is_this_boot: bool) -> None:
        """Create it.

        Args:
            reader: reads the journal.
            boot: the boot.
            machine: the facts of the machine in that boot.
            epoch: the run of the service that recorded the events.
            is_this_boot: the boot is the present one.
        """
        self._reader, self._boot, self._machine, self._epoch = reader, boot, machine, epoch
        self._moments: Moments | None = None if is_this_boot else reader.moments()
        self._processes: dict[int, Row] = {}
        self._last_states: dict[int, Row] = {}  # rows of processes, with their state after the last change
        self._changes: dict[int, _Change] = {}
        self._logons: dict[int, dict[str, Any]] = {}
        self._parents: dict[int, tuple[int, int]] = {}
        self._reports: dict[int, Row] = {}  # rows of ``failed_logon`` and ``user_change``
        self._losses: dict[int, Row] = {}

    def make(self, codes: Sequence[EventCode]) -> list[Event]:
        """Return the events of codes; an event whose row does not exist any more is left out."""
        self._load(codes)
        events = []
        for code in codes:
            event = self._make(code)
            if event is not None:
                events.append(event)
        return events

    def _load(self, codes: Sequence[EventCode]) -> None:
        """Read all rows that the events need."""
        reader = self._reader
        numbers: dict[int, list[int]] = {}
        for code in codes:
            numbers.setdefault(code.kind, []).append(code.row)
        changes = list(reader.by_numbers("SELECT * FROM change WHERE id IN ({})", numbers.get(rows.CHANGED, [])))
        ids = {row for kind in _PROCESS_KINDS for row in numbers.get(kind, ())} | {change[1] for change in changes}
        for table in ("failed_logon", "user_change"):
            query = f"SELECT * FROM {table} WHERE id IN ({{}})"
            self._reports |= {row[0]: row for row in reader.by_numbers(query, numbers.get(rows.REPORTED, []))}
        ids |= {row[2] for row in self._reports.values() if _is_user_change(row) and row[2] is not None}
        self._processes = {
            row[ID]: row for row in reader.by_numbers("SELECT * FROM every WHERE id IN ({})", sorted(ids))
        }
        self._load_states()
        self._losses = {
            row[0]: row for row in reader.by_numbers("SELECT * FROM loss WHERE seq IN ({})", numbers.get(rows.LOST, []))
        }
        logons = {row for kind in _LOGON_EVENTS for row in numbers.get(kind, ())}
        self._load_owners(logons)
        self._parents = reader.parents([*self._processes.values()])

    def _load_states(self) -> None:
        """Compute the states of the processes before and after each change."""
        self._last_states = dict(self._processes)
        # all changes of these processes are read: the state after a change is the state before the next change
        changed = sorted(number for number, row in self._processes.items() if row[CHANGES])
        for row in self._reader.by_numbers("SELECT * FROM change WHERE process IN ({}) ORDER BY id", changed):
            number, process, ms = row[:3]
            before = self._last_states[process]
            after = list(before)
            after[PLACE], after[PROGRAM], after[CREDENTIAL], after[COMMAND] = row[3:7]
            self._last_states[process] = after
            self._changes[number] = _Change(ms, before, after)

    def _load_owners(self, logons: set[int]) -> None:
        """Read the logon sessions, and the shared values (dictionaries.py) of the processes."""
        reader = self._reader
        states = [*self._processes.values(), *(change.after for change in self._changes.values())]
        reader.load_dictionaries(states)
        reader.load_commands(state[COMMAND] for state in states)
        user_places = [row[3] for row in self._reports.values() if _is_user_change(row)]
        reader.load_places(user_places)
        places = [*(state[PLACE] for state in states), *user_places]
        logons = logons | {logon for place in places if (logon := reader.place(place).logon) is not None}
        logons |= {row[2] for row in self._reports.values() if not _is_user_change(row) and row[2] is not None}
        numbers = ",".join(map(str, sorted(logons))) or "NULL"
        self._logons = {row["id"]: row for row in reader.logons(f"id IN ({numbers})")}

    def _make(self, code: EventCode) -> Event | None:
        if code.kind in _PROCESS_KINDS:
            row = self._processes.get(code.row)
            return None if row is None else self._process_event(code, row)
        if code.kind == rows.CHANGED:
            change = self._changes.get(code.row)
            if change is None:
                return None
            return ProcessChanged(self._head(code, change.ms), self._pair(change.before), self._pair(change.after))
        if code.kind in _LOGON_EVENTS:
            logon = self._logons.get(code.row)
            return None if logon is None else self._logon_event(code, logon)
        if code.kind == rows.LOST:
            loss = self._losses.get(code.row)
            if loss is None:
                return None
            _, _, count, _, ms, _ = loss
            return EventsLost(self._head(code, ms or 0), count)
        report = self._reports.get(code.row)
        return None if report is None else self._report_event(code, report)

    def _process_event(self, code: EventCode, row: Row) -> Event:
        started_ms = row[TICKS] * 1000 // self._boot.ticks
        if code.kind == rows.STARTED:
            return ProcessStarted(self._head(code, started_ms), *self._pair(row), self._parents.get(row[PARENT]))
        if code.kind == FOLDED:
            # The process executed a program, which the row has already. The history does not keep the program and the
            # command line that it had before.
            before = list(row)
            before[PROGRAM] = before[COMMAND] = None
            return ProcessChanged(self._head(code, started_ms), self._pair(before), self._pair(row))
        ended_ms = started_ms + (row[LASTED] or 0)
        return ProcessEnded(self._head(code, ended_ms), *self._pair(self._last_states[row[ID]]), row[STATUS])

    def _logon_event(self, code: EventCode, logon: dict[str, Any]) -> Event:
        head = self._head(code, logon[_TIME_COLUMNS[code.kind]] or 0)
        session = self._session(logon, is_logged_out=code.kind != rows.LOGON_STARTED)
        return _LOGON_EVENTS[code.kind](head, session, self._owner_of(logon["id"], "audit"))

    def sessions(self) -> dict[str, LogonSession]:
        """Return the logon sessions of the events that were made, by LogonId."""
        return {
            str(logon["logonid"]): self._session(logon, is_logged_out=logon["logged_out"] is not None)
            for logon in self._logons.values()
        }

    def _session(self, logon: dict[str, Any], *, is_logged_out: bool) -> LogonSession:
        wall = logon["wall"] or self._wall(logon["started"] or 0)
        login = self._owner_of(logon["id"], "audit").login
        return LogonSession(
            str(logon["logonid"]), logon["user"], logon["login_uid"], logon["type"], LOGON_TYPES.get(logon["type"]),
            start=datetime_of_microseconds(wall), state="logged out" if is_logged_out else None, seat=logon["seat"],
            tty=logon["tty"], remote_host=logon["remote_host"], service=logon["service"],
            login=login.id if login is not None and login.recorded else None,
            guid=logon_guid(self._machine, str(logon["logonid"]), logon["generation"] or None),
            # a uid of a container has no name of this host
            is_foreign=logon["user"] is None and logon["login_uid"] is not None,
            remote_address=logon["remote_address"], remote_port=logon["remote_port"],
            authentication_method=logon["method"], key_type=logon["key_type"], key_fingerprint=logon["key"],
        )  # fmt: skip

    def _report_event(self, code: EventCode, row: Row) -> Event:
        times = RecordTimes(self._reader)
        head = self._head(code, row[1])
        if not _is_user_change(row):
            return LogonFailed(head, make_failed_logon(times, row).attempt, self._owner_of(row[2], "audit"))
        record = make_user_change(times, self._reader, row)
        # as in live events: only a few facts
        process_row, place = self._processes.get(record.process_record or 0), self._reader.place(row[3])
        process = Process(
            record.pid, ses=place.ses, loginuid=place.loginuid, cgroup=place.cgroup,
            start=None if process_row is None else process_row[TICKS], comm=record.change.program,
        )  # fmt: skip
        return UserChanged(head, process, self._owner_of(place.logon, place.evidence), record.change)

    def _pair(self, row: Row) -> tuple[Process, Owner]:
        """Return the process of a row with its owner."""
        parent, place = self._parents.get(row[PARENT]), self._reader.place(row[PLACE])
        process = make_process(self._reader, row, None if parent is None else parent[0])
        return process, self._owner_of(place.logon, place.evidence)

    def _owner_of(self, number: int | None, evidence: str) -> Owner:
        logon = self._logons.get(number or 0)
        if logon is None:
            return Owner(None, "unread")
        login = None if logon["record"] is None else decode_login(logon["record"])
        return Owner(str(logon["logonid"]), evidence, login)

    def _head(self, code: EventCode, ms: int) -> EventHead:
        mark = EventMark(self._epoch, code.position, code.part)
        if self._moments is None:
            return EventHead(ms * 1_000_000, 0, code.position, mark)
        # kernel_ns is the time since the present boot, also for an event of an earlier boot
        offset = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return EventHead((self._wall(ms) or 0) * 1000 - offset, 0, code.position, mark)

    def _wall(self, ms: int) -> int | None:
        moments = self._moments or self._reader.moments()
        return moments.wall(self._boot.id, ms)


_USER_CHANGE_COLUMNS = 14


def _is_user_change(row: Row) -> bool:
    """Return whether a row is of ``user_change``, not of ``failed_logon``, by its number of columns."""
    return len(row) == _USER_CHANGE_COLUMNS
