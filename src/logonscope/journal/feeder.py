"""Feeder: adds facts from /proc to the events of processes, and passes the events on to the keeper.

An event of the live source has the pid of a process and its logon session. The program, user and arguments of the
process are read from /proc a few milliseconds after the event. If the process has ended by then, the recorder gives it
the program, user and arguments of its parent. If it has executed a program before its end, its program and arguments
are not known.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from logonscope.facts import Process
from logonscope.machine import Look, Owner, ProcessQuery, Source
from logonscope.machine.events import Event, EventHead, LogonStarted, ProcessChanged, ProcessEnded, ProcessStarted
from logonscope.machine.logon_describer import LogonDescriber

FACTS = frozenset({
    "comm", "name", "exe", "cmdline", "uids", "gids", "tty_nr", "pid_namespaces", "start", "tgid", "state",
})  # fmt: skip
"""Facts that are read of a running process: after its start or a change, and when all processes are compared."""

BATCH_SECONDS = 0.005
MAX_CMDLINE_BYTES = 32_768
SLACK_TICKS = 2
"""Clock ticks by which the start of a process in an event may differ from the start that is read."""

SECOND_READING_SECONDS = 3.0
"""A process is read again after so many seconds: daemons drop their rights, and rename themselves, without an event."""

MAX_SECOND_READINGS = 20_000
"""Maximum number of processes that wait for their second reading. A new one replaces the one that waits longest."""

_log = logging.getLogger(__name__)


class SecondReading(NamedTuple):
    """A process that is read again."""

    due: float  # monotonic seconds
    process: Process  # as it was read first
    owner: Owner


class Enricher:
    """Adds facts that are read from /proc to the processes of events."""

    def __init__(self, source: Source, describer: LogonDescriber) -> None:
        self._source, self._describer = source, describer
        self._second_readings: dict[int, SecondReading] = {}  # by pid, in the order of their times

    def __repr__(self) -> str:
        return f"<Enricher of {self._source.label}>"

    def enrich(self, events: list[Event]) -> list[Event]:
        """Add facts to the events of a list, in place; return the list.

        The last start or change of each running process gets the facts that are read of the process. The start of a
        logon session gets its details.
        """
        position_by_pid: dict[int, int] = {}
        for position, event in enumerate(events):
            if isinstance(event, LogonStarted):
                session = self._describer.add_details(event.session, event.owner)
                events[position] = event._replace(session=session)
            elif isinstance(event, ProcessStarted):
                position_by_pid[event.process.pid] = position
            elif isinstance(event, ProcessChanged):
                position_by_pid[event.after[0].pid] = position
            elif isinstance(event, ProcessEnded):
                position_by_pid.pop(event.process.pid, None)
        if position_by_pid:
            # one query for all of them, by pid: /proc is not listed
            read = self._read(frozenset(position_by_pid))
            for pid, position in position_by_pid.items():
                if pid in read:
                    events[position] = self._with_facts(events[position], read[pid])
        return events

    def _read(self, pids: frozenset[int]) -> dict[int, Process]:
        query = ProcessQuery(FACTS, pids=pids, max_cmdline_bytes=MAX_CMDLINE_BYTES)
        return {process.pid: process for process in self._source.processes(Look(), query)}

    def _with_facts(self, event: Event, process: Process) -> Event:
        if isinstance(event, ProcessStarted):
            merged = _merge(event.process, process)
            self._read_again_later(merged, event.owner)
            return event if merged is None else event._replace(process=merged)
        if isinstance(event, ProcessChanged):
            # a zombie has no program and arguments any more: the stored ones stay, if it executed none
            if process.state == "Z" and not _is_execution(event):
                return event
            merged = _merge(event.after[0], process)
            self._read_again_later(merged, event.after[1])
            return event if merged is None else event._replace(after=(merged, event.after[1]))
        return event

    def _read_again_later(self, process: Process | None, owner: Owner) -> None:
        if process is None:
            return
        # only one second reading, for the last event: one more for an earlier event would restore that event's owner
        self._second_readings.pop(process.pid, None)
        if len(self._second_readings) >= MAX_SECOND_READINGS:
            del self._second_readings[next(iter(self._second_readings))]
        self._second_readings[process.pid] = SecondReading(time.monotonic() + SECOND_READING_SECONDS, process, owner)

    def read_again(self) -> list[Event]:
        """Read the processes whose second reading is due; return an event ProcessChanged for each that differs."""
        now_seconds = time.monotonic()
        # the readings are in the order of their times, because all wait equally long
        due = [*takewhile(lambda reading: reading.due <= now_seconds, self._second_readings.values())]
        if not due:
            return []
        for reading in due:
            del self._second_readings[reading.process.pid]
        read = self._read(frozenset(reading.process.pid for reading in due))
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        events: list[Event] = []
        for _, process, owner in due:
            again = read.get(process.pid)
            # a zombie has no program and arguments any more: those of the first reading stay
            merged = None if again is None or again.state == "Z" else _merge(process, again)
            if merged is not None and merged != process:
                events.append(ProcessChanged(EventHead(now, 0), (process, owner), (merged, owner)))
        return events


def _merge(process: Process, read: Process) -> Process | None:
    """Return the process as it was read, but with the facts that decide the owner as in the event.

    None: another process with this pid was read. None also if a start is not known: another process may have been read.
    """
    if read.start is None or process.start is None or abs(read.start - process.start) > SLACK_TICKS:
        return None
    return read._replace(
        ses=process.ses, loginuid=process.loginuid, cgroup=process.cgroup, start=process.start, ppid=process.ppid,
        state=None,
    )  # fmt: skip


def _is_execution(event: ProcessChanged) -> bool:
    """Return whether a change is the execution of a program: it leaves the facts that decide the owner unchanged."""
    before, after = event.before[0], event.after[0]
    return (before.ses, before.loginuid, before.cgroup) == (after.ses, after.loginuid, after.cgroup)


class Feeder:
    """Two threads: one takes events from a source, the other enriches them and passes them on."""

    def __init__(self, source: Source, describer: LogonDescriber, put: Callable[[Event], None]) -> None:
        """Create the feeder.

        Args:
            source: has events, and reads processes.
            describer: reads the details of new logon sessions.
            put: takes an event; never waits.
        """
        self._source, self._put = source, put
        self._enricher = Enricher(source, describer)
        self._queue: deque[Event] = deque()
        self._has_events = threading.Event()
        self._is_stopping = False
        self._events: Iterator[Event] | None = None

    def __repr__(self) -> str:
        return f"<Feeder of {self._source.label}>"

    def start(self) -> None:
        """Start the threads; a thread that waits for an event ends with the process."""
        for name, run in (("history-events", self._take), ("history-facts", self._pass_on)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Let the threads end: ``_pass_on`` after its batch, ``_take`` after the next event; do not wait for them."""
        self._is_stopping = True
        self._has_events.set()

    def _take(self) -> None:
        queue, has_events = self._queue, self._has_events
        for event in self._source.events():
            queue.append(event)
            if not has_events.is_set():
                has_events.set()
            if self._is_stopping:
                return

    def _pass_on(self) -> None:
        while not self._is_stopping:
            self._has_events.wait(1.0)
            # the source adds the events of a batch one by one: after this pause, their processes are read together
            time.sleep(BATCH_SECONDS)
            self._has_events.clear()
            try:
                self._pass_batch()
            except Exception:  # noqa: BLE001 -- logged with its traceback; the thread goes on
                _log.exception("history: unexpected error while processes were read")

    def _pass_batch(self) -> None:
        events = [self._queue.popleft() for _ in range(len(self._queue))]
        for event in [*self._enricher.enrich(events), *self._enricher.read_again()]:
            self._put(event)
