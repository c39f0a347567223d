"""History: queries on read-only connections to the journal, and the deletion of a user's history."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logonscope.answers.check import Check
from logonscope.errors import RecordingError, TimedOutError
from logonscope.facts.history import (
    ChangeRecord,
    FailedLogonRecord,
    LogonRecord,
    ProcessRecord,
    ProgramCount,
    UserChangeRecord,
)
from logonscope.journal.activity import ActivityReader
from logonscope.journal.change_rows import ChangeRows
from logonscope.journal.files import JournalFiles
from logonscope.journal.forget import Forgetter
from logonscope.journal.growth import bytes_a_day, check_growth, size_text
from logonscope.journal.indexes import used_indexes
from logonscope.journal.logon_conditions import logon_conditions
from logonscope.journal.moments import Moments
from logonscope.journal.process_rows import ProcessRows
from logonscope.journal.program_counter import ProgramCounter
from logonscope.journal.reader import Reader
from logonscope.journal.record_maker import RecordMaker
from logonscope.journal.report_rows import FailedLogonRows, UserChangeRows
from logonscope.journal.schema import BOOT_ENDED, SWEPT
from logonscope.journal.source import PastSource
from logonscope.journal.verify import Verifier
from logonscope.journal.writer import Writer
from logonscope.machine import Look, Source
from logonscope.machine.history import (
    Activity,
    ActivityQuery,
    ChangeRecordQuery,
    FailedLogonQuery,
    Forgotten,
    History,
    HistoryState,
    LogonRecordQuery,
    ProcessRecordQuery,
    RecordKind,
    RecordQuery,
    UserChangeQuery,
    Verification,
)

if TYPE_CHECKING:
    from logonscope.journal.record_cipher import RecordCipher

MAX_IDLE = 4
FORGET_SECONDS = 600.0


class JournalHistory(History):
    """The history of this machine."""

    def __init__(
        self,
        folder: str,
        command_lines: str = "name",
        open_reader: Callable[[], Reader] | None = None,
        problem: Callable[[], str] | None = None,
        stop: Callable[[], object] | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Create the history; nothing is opened yet.

        Args:
            folder: the folder of the journal.
            command_lines: how much of command lines the history keeps: "off", "name" or "full".
            open_reader: opens a reader; None: a reader of the files in ``folder`` is opened.
            problem: returns the reason if nothing is written now, or ""; None: there is never a problem.
            stop: called when the history is closed.
            now: returns the wall time in seconds.
        """
        self._files = JournalFiles(folder)
        self._command_lines = command_lines
        self._open = open_reader or self._open_plain
        self._problem, self._stop, self._now = problem, stop, now
        self._idle: list[Reader] = []
        self._generation = 0  # how often the pool was closed
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
    def lend_reader(self) -> Iterator[Reader]:
        """Lend a reader of the pool.

        Raises:
            RecordingError: the journal cannot be read.
        """
        # a connection is lent to one thread at a time
        with self._lock:
            reader, generation = self._idle.pop() if self._idle else None, self._generation
        reader = reader or self.open_reader()
        try:
            yield reader
        except sqlite3.Error as error:
            reader.close()
            raise RecordingError(f"cannot read the history: {error}", "try again") from None
        with self._lock:
            if len(self._idle) < MAX_IDLE and generation == self._generation:
                self._idle.append(reader)
                return
        reader.close()

    def close_readers(self) -> None:
        """Close the readers of the pool. Later calls of ``lend_reader`` open the journal anew."""
        with self._lock:
            self._generation += 1  # a reader that is lent now is closed when it is returned
            while self._idle:
                self._idle.pop().close()
        # another journal may replace this one: the cached cipher has the key of this one
        self.__dict__.pop("_cipher", None)

    def close(self) -> None:
        if self._stop is not None:
            self._stop()
        self.close_readers()

    def at(self, moment: datetime, present: Source) -> PastSource:
        return PastSource(self.open_reader, moment, present, self._command_lines)

    def logons(self, look: Look, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        with self.lend_reader() as reader:
            moments = reader.moments()
            conditions, parameters = logon_conditions(reader, moments, query)
            rows = reader.logons(f"{conditions} ORDER BY id", parameters)
            records = [_make_logon(reader, moments, row) for row in rows]
        for record in records:
            look.check()
            yield record

    def processes(self, look: Look, query: ProcessRecordQuery) -> Iterator[ProcessRecord]:
        for page in ProcessRows(self.lend_reader, look, query).pages():
            with self.lend_reader() as reader:
                records = RecordMaker(reader).make(page, command_lines=query.command_lines)
            yield from records

    def changes(self, look: Look, query: ChangeRecordQuery) -> Iterator[ChangeRecord]:
        yield from ChangeRows(self.lend_reader, look, query).records()

    def failed_logons(self, look: Look, query: FailedLogonQuery) -> Iterator[FailedLogonRecord]:
        yield from FailedLogonRows(self.lend_reader, look, query).records()

    def user_changes(self, look: Look, query: UserChangeQuery) -> Iterator[UserChangeRecord]:
        yield from UserChangeRows(self.lend_reader, look, query).records()

    def indexes(self, query: RecordQuery) -> Sequence[str]:
        with self.lend_reader() as reader:
            return used_indexes(reader, query)

    def hide_number(self, kind: RecordKind, number: int) -> str:
        return self._cipher.hide(kind, number)

    def reveal_number(self, kind: RecordKind, key: str) -> int | None:
        return self._cipher.reveal(kind, key)

    @cached_property
    def _cipher(self) -> "RecordCipher":
        from logonscope.journal.record_cipher import RecordCipher  # noqa: PLC0415 -- administrators do not need it

        with self.lend_reader() as reader:
            return RecordCipher(reader.value("cursor_key"), str(reader.value("id") or ""))

    def programs(self, look: Look, logon_records: Sequence[int]) -> Mapping[int, Sequence[ProgramCount]]:
        look.check()
        with self.lend_reader() as reader:
            return ProgramCounter(reader).count(logon_records)

    def activity(self, look: Look, query: ActivityQuery) -> Iterator[Activity]:
        with self.lend_reader() as reader:
            activities = ActivityReader(reader, query).read(look)
        yield from activities

    def state(self) -> HistoryState:
        with self.lend_reader() as reader:
            (recent,) = reader.rows("SELECT count(*) FROM recent")[0]
            (losses,) = reader.rows("SELECT count(*) FROM loss")[0]
            (last_event,) = reader.rows("SELECT max(seq + n - 1) FROM eventlog")[0]
            (sealed,) = reader.rows("SELECT coalesce(sum(n) - sum(coalesce(removed, 0)), 0) FROM seal")[0]
            (epoch,) = reader.rows("SELECT max(epoch) FROM run")[0]
            return HistoryState(
                str(reader.value("id") or ""), epoch or 0, last_event or 0, reader.value("kept_since"),
                self._files.size(), sealed + recent, losses, self._problem() if self._problem else "",
                bytes_a_day(reader, self._files.size(), sealed + recent, self._now()), reader.value("max_bytes"),
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
                f"kept since {since}, {size_text(state.bytes)}, last event {state.last_event} "
                f"(journal {state.journal_id}, start {state.epoch} of the service)", "", _figures(state),
            )  # fmt: skip
        yield from check_growth(state)
        if state.losses:
            yield Check("history: gaps", None, f"{state.losses} gaps, in which events were not seen", "")
        if copies := self._files.earlier_copies():
            finding = f"{', '.join(copies)}: neither history_keep nor `history forget` applies to them"
            yield Check(
                "history: copies", None, finding, f"if they are not needed, remove them from {self._files.folder}"
            )
        yield _check_sqlite()

    def verify(self) -> Verification:
        with self.lend_reader() as reader:
            return Verifier(reader.database).verify()

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        try:
            lock = self._files.lock()
        except BlockingIOError:
            # the service has the lock: only the service writes the journal, so the service must delete the rows
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


def _figures(state: HistoryState) -> dict[str, int]:
    """Return the figures of the check "history" that are known; sizes in bytes."""
    figures = {
        "bytes": state.bytes, "rows": state.rows, "gaps": state.losses, "bytes_a_day": state.bytes_a_day,
        "max_bytes": state.max_bytes, "since_seconds": None if state.since is None else state.since // 1_000_000,
    }  # fmt: skip
    return {name: figure for name, figure in figures.items() if figure is not None}


def _check_sqlite() -> Check:
    version = sqlite3.sqlite_version_info
    is_fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    text = sqlite3.sqlite_version
    if is_fixed:
        return Check("history: SQLite", True, text, "")
    note = "its WAL-reset bug has no effect, because only the service writes"
    return Check("history: SQLite", True, f"{text}; {note}", "")


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
