"""Keeper: the thread that writes the journal while the service runs.

Events wait in a queue of limited length. If a batch cannot be written, it stays in memory, and the keeper tries again.
If the queue is full, further events are counted as lost; later, the recorded processes are compared with the running
ones.
"""

import json
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import InvalidParameterError, RecordingError
from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.journal.clock import Clock, read_clocks
from logonscope.journal.database import damaged_error, is_damage, is_damaged_error
from logonscope.journal.files import JournalFiles
from logonscope.journal.forget import Forgetter
from logonscope.journal.logon_rows import decode_login
from logonscope.journal.policy import Policy
from logonscope.journal.reader import Reader
from logonscope.journal.recorder import Recorder
from logonscope.journal.retention import Retention
from logonscope.journal.rows import Batch
from logonscope.journal.writer import Writer
from logonscope.machine import Owner, Ownership
from logonscope.machine.events import Event

MAX_QUEUED = 100_000
"""Maximum number of events in the queue. If it is full, further events are lost."""

BATCH_EVENTS = 1000
BATCH_SECONDS = 1.0
RETRY_SECONDS = 2.0
RETENTION_SECONDS = 3600.0
CORRECT_SECONDS = 5.0
"""Minimum seconds between two corrections after lost events. Each correction reads all processes."""

STOP_SECONDS = 25.0
"""Seconds for which ``stop`` waits for the thread, which may be deleting rows. The unit's TimeoutStopSec is longer."""

COMPARE_SECONDS = 60.0
"""Seconds between two comparisons with the processes that run, while the source has no events."""


class KeeperLimits(NamedTuple):
    """Limits of files and the disk, in bytes."""

    # if the write-ahead log is longer, readers in this process are interrupted: an open reader keeps the log from
    # shrinking
    wal_interrupt: int = 32 << 20
    # if the write-ahead log is longer, no rows are moved: moves are most of what the log contains. A reader in another
    # process keeps the log from shrinking, too, but cannot be interrupted
    wal_pause: int = 48 << 20
    # with less free space, the reserve file is deleted; without a reserve file, nothing is written
    min_free: int = 32 << 20


_log = logging.getLogger(__name__)

ReadProcesses = Callable[[], Iterable[tuple[Process, Owner]]]
ReadLogons = Callable[[], Iterable[tuple[LogonSession, Owner]]]


class JournalFault(NamedTuple):
    """Why a journal cannot be written any more and must be opened anew."""

    reason: str
    is_damaged: bool  # True: the database is damaged, and will be set aside


class KeeperState(NamedTuple):
    """The state of the journal, for ``doctor`` and the metrics."""

    journal_id: str
    epoch: int
    last_event: int  # the number of the last committed event
    lost_events: int
    queued: int
    bytes: int
    wal_bytes: int
    problem: str  # why the last write or move of rows failed; empty: it did not fail


class Keeper:
    """Writes the events of a source into the journal, in a thread of its own."""

    def __init__(
        self,
        folder: str,
        machine: Machine,
        ownership: Ownership,
        policy: Policy,
        *,
        account_name: Callable[[int], str | None],
        version: str = "",
        read_clock: Clock = read_clocks,
        batch_seconds: float = BATCH_SECONDS,
        limits: KeeperLimits = KeeperLimits(),  # noqa: B008 -- immutable
        fault: JournalFault | None = None,
    ) -> None:
        """Open the journal; damaged files are set aside, and a new journal begins.

        Args:
            folder: the folder of the files.
            machine: the facts of the machine, with the boot id.
            ownership: the rules that determine owners.
            policy: what is kept.
            account_name: returns the account name of a uid.
            version: the version of Logonscope.
            read_clock: reads the clocks.
            batch_seconds: how long events wait for further events, before they are committed together.
            limits: limits of files and the disk.
            fault: why the previous keeper of this service ended; None: there was none.

        Raises:
            LogonscopeError: the files cannot be used.
            OSError, sqlite3.Error: the files cannot be opened.
        """
        self.files = JournalFiles(folder)
        self.policy = policy
        self._read_clock, self._batch_seconds, self._limits = read_clock, batch_seconds, limits
        self.files.make_folder()
        try:
            self._lock = self.files.lock()
        except BlockingIOError:
            raise InvalidParameterError(
                f"cannot keep history in {folder}: another process writes there", "stop it, or give another directory"
            ) from None
        with ExitStack() as opened:
            # if this fails, on a full disk for example, a later attempt must find nothing open
            opened.callback(os.close, self._lock)
            self._machine, self._ownership, self._account_name = machine, ownership, account_name
            self._version = version
            self.writer, self.recorder = self._open_journal(fault)
            opened.callback(self.writer.close)
            self._reader = Reader(self.files)
            opened.callback(self._reader.close)
            self._retention = Retention(self.writer, self._reader, policy, self._drop_command_lines)
            for loss in self.writer.losses:
                _log.error("history: %s", loss)
                self.recorder.add_loss(loss, None)
            self.files.make_reserve()
            opened.pop_all()
        self._retention_steps: Iterator[int] | None = None
        self._next_retention = 0.0
        self._queue: deque[Event] = deque()
        self._lost = self._lost_before = 0
        self._condition = threading.Condition()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._read_processes: ReadProcesses | None = None
        self._read_logons: ReadLogons | None = None
        self._has_events: Callable[[], bool] | None = None
        self._compare_seconds, self._next_comparison = COMPARE_SECONDS, 0.0
        self._corrected_losses, self._next_correction = 0, 0.0
        self._unwritten: Batch | None = None
        self.written_position = 0
        self._problem = ""
        self._problem_since = 0
        self.fault: JournalFault | None = None
        self._on_fault: Callable[[], None] | None = None
        self._interruptible_readers: set[sqlite3.Connection] = set()

    def __repr__(self) -> str:
        return f"<Keeper of {self.files.folder}>"

    def _open_journal(self, fault: JournalFault | None) -> tuple[Writer, Recorder]:
        """Open the journal and begin a run; a damaged journal is renamed, and a new one begins."""
        if fault is None or not fault.is_damaged:
            try:
                writer, recorder = self._begin_run()
            except RecordingError as error:
                if not is_damaged_error(error):
                    raise
                fault = JournalFault(error.message, is_damaged=True)
            else:
                if fault is not None:
                    writer.losses.append(fault.reason)
                return writer, recorder
        loss = "the journal was damaged: all of it is lost"
        if self.files.exists:
            # nothing is deleted: an administrator may recover rows from it
            aside = self.files.set_aside(time.strftime("%Y%m%d-%H%M%S"))
            _log.error("history: %s; set aside as %s, and a new journal begins", fault.reason, aside)
            loss += f", except what can be read from {aside}"
        writer, recorder = self._begin_run()
        writer.losses.append(loss)
        return writer, recorder

    def _begin_run(self) -> tuple[Writer, Recorder]:
        writer = Writer(self.files)
        try:
            return writer, self._make_recorder(writer)
        except BaseException as error:
            writer.close()
            if is_damage(error):
                raise damaged_error(self.files, error) from None
            raise

    def _make_recorder(self, writer: Writer) -> Recorder:
        machine = self._machine
        facts = {name: value for name, value in machine._asdict().items() if isinstance(value, (str, int, bool))}
        state = writer.begin_run(
            machine.boot_id or "unknown", json.dumps(facts), machine.ticks, machine.machine_id, self._version
        )
        writer.set_values(max_bytes=self.policy.max_bytes)
        return Recorder(state, machine, self._ownership, self.policy, self._account_name)

    def _begin_again(self, error: sqlite3.Error, batch: Batch) -> None:
        """Drop a batch whose content the database rejects; continue from the rows that the database holds."""
        _log.error("history: a batch was not accepted and is lost: %s", error)
        self._unwritten = None
        self.recorder = self._make_recorder(self.writer)
        self._corrected_losses = 0
        # the rows that conflict with this batch may have its numbers
        self.recorder.skip_to(batch.next_seq)
        self.recorder.add_loss(f"a batch was not accepted: {error}", None)
        if self._read_processes is not None:
            self.recorder.compare(self._read_processes(), self._read_clock().ms)

    @property
    def state(self) -> KeeperState:
        """Return the state of the journal."""
        writer = self.writer
        return KeeperState(
            writer.journal_id, writer.epoch, writer.last_event, self._lost_before + self._lost, len(self._queue),
            self.files.size(), self.files.wal_bytes(), self._problem,
        )  # fmt: skip

    def start(
        self,
        read_processes: ReadProcesses,
        read_logons: ReadLogons | None = None,
        has_events: Callable[[], bool] | None = None,
        compare_seconds: float = COMPARE_SECONDS,
        on_fault: Callable[[], None] | None = None,
    ) -> None:
        """Compare the recorded processes with those that run, describe the logon sessions, and start the thread.

        Args:
            read_processes: reads the processes that run.
            read_logons: describes the logon sessions that exist; None: they are not described.
            has_events: returns whether the source has events now; None: it always has.
            compare_seconds: the seconds between two comparisons while the source has no events.
            on_fault: called when the thread ends because of ``fault``; it must not wait for the thread.
        """
        self._on_fault = on_fault
        self._read_processes, self._read_logons = read_processes, read_logons
        self._has_events, self._compare_seconds = has_events, compare_seconds
        self._compare("the service was not running")
        self._describe_logons()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Add an event, or count it as lost if the queue is full; never waits."""
        # the live host must never wait for a disk
        if len(self._queue) >= MAX_QUEUED:
            self._lost += 1
            return
        self._queue.append(event)
        if len(self._queue) == BATCH_EVENTS:
            with self._condition:
                self._condition.notify()

    def remembered_logins(self) -> list[Login]:
        """Return the login records of this boot whose logon sessions had not ended when the service stopped."""
        (number,) = self.writer.database.execute("SELECT max(id) FROM boot").fetchone()
        rows = self._reader.logons("boot = ? AND ended IS NULL AND record IS NOT NULL", (number,))
        return [_remembered_login(row) for row in rows]

    def open_reader(self) -> Reader:
        """Return a new reader, whose query is interrupted if the write-ahead log becomes too long."""
        reader = Reader(self.files)
        self._interruptible_readers = {*filter(_is_open, self._interruptible_readers), reader.database}
        return reader

    def flush(self) -> None:
        """Write what is queued. Only for a keeper whose thread was not started, as in tests."""
        self._step()

    def stop(self) -> None:
        """Write what is queued, and close the journal."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                # not closed, because the thread uses the database. The request to forget a user remains in its file
                _log.warning("history: a deletion is still running; it is repeated after the next start")
                return
        elif self.fault is None:
            self._step()
        self._reader.close()
        self.writer.close()
        os.close(self._lock)

    def _run(self) -> None:
        while not self._is_stopping and self.fault is None:
            with self._condition:
                if len(self._queue) < BATCH_EVENTS and not self._is_stopping:
                    self._condition.wait(RETRY_SECONDS if self._problem else self._batch_seconds)
            try:
                self._compare_without_events()
                self._step()
                # from here on, no row waits for a commit, unless the disk accepts none
                if self.fault is None:
                    self._retain()
                    self.answer_requests()
            except Exception:  # noqa: BLE001 -- logged with its traceback
                # an error here must not end the thread: the live host goes on, and the loss is counted
                _log.exception("history: unexpected error")
                self._lost += len(self._queue)
                self._queue.clear()
        if self.fault is None:
            self._step()
        elif self._on_fault is not None:
            self._on_fault()

    def _step(self) -> None:
        """Write the queued events in batches."""
        queue = self._queue
        while True:
            if self._unwritten is not None and not self._write(self._unwritten):
                return
            recorder, count = self.recorder, min(len(queue), BATCH_EVENTS)
            for _ in range(count):
                recorder.add(queue.popleft())
            # the gap has ended: running processes are found now; a process that began and ended in the gap is not
            if self._lost and not queue:
                self._compare("events were lost while the history could not be written")
            if not queue:
                self._correct_after_loss()
            recorder.add_clock(self._read_clock())
            batch = recorder.take_batch()
            # an empty batch would cost a commit
            if not batch.is_empty and not self._write(batch):
                return
            # set after the commit: a reader that resumes waits for this position, and then reads from the database
            self.written_position = batch.stream.last
            self._move()
            if not queue:
                return

    def _describe_logons(self) -> None:
        self.recorder.describe_logons(() if self._read_logons is None else self._read_logons())

    def _compare_without_events(self) -> None:
        """Compare with the processes at intervals while the source has no events."""
        if self._has_events is None or self._read_processes is None or self._has_events():
            self._next_comparison = 0.0
            return
        if time.monotonic() < self._next_comparison:
            return
        is_first = not self._next_comparison
        self._next_comparison = time.monotonic() + self._compare_seconds
        self.recorder.compare(self._read_processes(), self._read_clock().ms)
        self._describe_logons()
        if is_first:
            self.recorder.add_loss("no kernel events: what begins and ends between two comparisons is missing", None)

    def _correct_after_loss(self) -> None:
        """Read the state of all processes after events were lost: programs and users can have changed."""
        recorder = self.recorder
        if recorder.losses_of_events == self._corrected_losses or self._read_processes is None:
            return
        if time.monotonic() < self._next_correction:
            return
        self._next_correction = time.monotonic() + CORRECT_SECONDS
        self._corrected_losses = recorder.losses_of_events
        recorder.correct(self._read_processes(), self._read_clock().ms)

    def _compare(self, reason: str) -> None:
        """Compare the recorded processes with the running ones, and store a loss if there was a gap."""
        recorder, lost = self.recorder, self._lost
        had_rows = bool(recorder.alive)
        self._lost_before, self._lost = self._lost_before + lost, 0
        since = self._problem_since or None
        if self._read_processes is None:
            return
        ended, new = recorder.compare(self._read_processes(), self._read_clock().ms)
        if lost or (had_rows and (ended or new)):
            recorder.add_loss(reason, lost or None, since)

    def _write(self, batch: Batch) -> bool:
        """Write a batch; return False if that failed, and the batch waits for another attempt.

        A batch whose content the database rejects is dropped; then return True.
        """
        self._unwritten = batch
        try:
            self._check_in_place()
            if self.files.free_bytes() < self._limits.min_free:
                self._make_room()
            self.writer.write(batch)
        except sqlite3.IntegrityError as error:
            self._begin_again(error, batch)
            return True
        except (sqlite3.Error, OSError) as error:
            self._note_damage(error)
            self._note_problem(str(error), batch)
            return False
        self._unwritten = None
        if self._problem:
            _log.warning("history: writing resumed; the problem was: %s", self._problem)
            self._problem = ""
            self.recorder.add_loss("the history could not be written for a time", None, self._problem_since)
            self._problem_since = 0
            self.files.make_reserve()
        return True

    def _check_in_place(self) -> None:
        """Check that the file of the open database still has its name.

        Raises:
            OSError: the file was removed or replaced.
        """
        if not self.writer.is_in_place:
            reason = f"{self.files.database} was removed or replaced while the service ran"
            self.fault = JournalFault(reason, is_damaged=False)
            raise OSError(reason)

    def _note_damage(self, error: Exception) -> None:
        """Set ``fault`` if an error shows that the database is damaged: nothing can be written any more."""
        if is_damage(error):
            self.fault = JournalFault(str(error), is_damaged=True)

    def _make_room(self) -> None:
        """Delete the reserve file of a nearly full disk, and start retention.

        Raises:
            OSError: there is no reserve file any more.
        """
        if self.files.delete_reserve():
            _log.error("history: the disk is nearly full: the reserve of 16 MiB is used to delete old rows")
            self._retention_steps, self._next_retention = None, 0.0
            return
        raise OSError(f"less than {self._limits.min_free >> 20} MiB are free in {self.files.folder}")

    def _note_problem(self, problem: str, batch: Batch) -> None:
        if problem != self._problem:
            again = f"writing is tried again every {RETRY_SECONDS:g} s; events are kept until then"
            _log.error("cannot write the history: %s; %s", problem, "it is opened anew" if self.fault else again)
        if not self._problem:
            self._problem_since = batch.ms
        self._problem = problem

    def _move(self) -> None:
        """Move rows in short steps, and keep the write-ahead log short."""
        try:
            while self.writer.needs_move and self.files.wal_bytes() < self._limits.wal_pause:
                self.writer.move_step()
        except (sqlite3.Error, OSError) as error:
            self._note_damage(error)
            if str(error) != self._problem:
                _log.error("cannot move rows of the history to the indexed table: %s", error)
                self._problem = str(error)
        # stat(2) of the log, not its content: see files.py
        if self.files.wal_bytes() > self._limits.wal_interrupt:
            self._interrupt_readers()

    def _interrupt_readers(self) -> None:
        """Interrupt readers: a reader with an open transaction keeps the write-ahead log from being written back."""
        for database in tuple(self._interruptible_readers):
            try:
                database.interrupt()
            except sqlite3.ProgrammingError:
                self._interruptible_readers.discard(database)
        try:
            # PASSIVE does not wait for readers; the log begins anew once it is written back
            self.writer.database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            _log.warning("cannot shorten the log of the history: %s", error)

    def _drop_command_lines(self, number: int) -> bool:
        """Forget command lines with smaller numbers; return False, and forget none, if a waiting batch may use them."""
        if self._unwritten is not None:
            return False
        self.recorder.drop_command_lines(number)
        return True

    def answer_requests(self) -> None:
        """Delete the history of the users that ``logonscope history forget`` has requested."""
        requests = self.files.forget_requests()
        if not requests:
            return
        # first: rows that wait for a commit already have numbers, and refer to values that may be deleted below
        self._step()
        if self._unwritten is not None:
            return
        for path, user, caller_uid in requests:
            # the remaining requests are answered after the next start
            if self._is_stopping:
                return
            forgetter = Forgetter(self.writer)
            try:
                result = forgetter.forget(user, caller_uid)
            except (sqlite3.Error, OSError) as error:
                self._note_damage(error)
                _log.error("history: cannot delete the history of user %r: %s", user, error)
                self.files.answer_forget(path, {"error": str(error)})
                continue
            finally:
                # the audit line took a number: the next event gets a greater one
                self.recorder.skip_to(self.writer.last_event + 1)
                self.recorder.drop_values(forgetter.deleted_values)
            _log.warning(
                "history: uid %s deleted the history of user %r: %d logins, %d processes, %d failed logons,"
                " %d changes of user",
                caller_uid,
                user,
                result.logins,
                result.processes,
                result.failed_logons,
                result.user_changes,
            )
            self.files.answer_forget(path, result._asdict())

    def _retain(self) -> None:
        """Run a few steps of retention, if it is due."""
        if self._retention_steps is None:
            if time.monotonic() < self._next_retention:
                return
            # the monotonic clock decides when retention runs, because the wall clock can be set; the wall clock decides
            # which rows are too old
            self._next_retention = time.monotonic() + RETENTION_SECONDS
            self._retention_steps = self._retention.steps(time.time_ns() // 1000)
        # events come first: a quarter of the time between two batches is left for deleting
        end = time.monotonic() + self._batch_seconds / 4
        try:
            for _ in self._retention_steps:
                if time.monotonic() > end or len(self._queue) >= BATCH_EVENTS:
                    return
        except (sqlite3.Error, OSError) as error:
            self._note_damage(error)
            _log.error("cannot delete old history: %s", error)
        self._retention_steps = None


def _remembered_login(row: dict[str, Any]) -> Login:
    login = decode_login(row["record"])
    kernel_id = row["logonid"] if row["logonid"] < UNSET else None
    return login._replace(
        process=None, remembered=kernel_id or login.remembered, gone=row["logged_out"] is not None or None
    )


def _is_open(database: sqlite3.Connection) -> bool:
    try:
        _ = database.total_changes
    except sqlite3.ProgrammingError:
        return False
    return True
