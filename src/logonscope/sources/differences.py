"""Events from differences between readings of /proc, where no kernel events can be read.

What begins and ends between two readings is missed, and not counted.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import LogonscopeError
from logonscope.facts import Process
from logonscope.machine import Look, Owner, Ownership, ProcessQuery, Source
from logonscope.machine.events import (
    EVENT_FACTS,
    MAX_CMDLINE_BYTES,
    NO_KERNEL_EVENTS,
    Event,
    EventHead,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.logon_describer import LogonDescriber
from logonscope.sources.logon_changes import SETTLE_SECONDS, LogonChanges

SECONDS = 1.0
"""Seconds between two readings."""

_COMPARED_FACTS = ("comm", "name", "exe", "cmdline", "uids", "gids", "ses", "loginuid", "cgroup")
"""Facts of a process whose change makes an event; a change of the process's owner makes one, too."""

Key = tuple[int, int | None]
"""Pid and start of a process."""


class Reading(NamedTuple):
    """All processes with their owners, at one moment."""

    moment_ns: int  # since the boot
    ticks: int  # clock ticks in a second
    processes: dict[Key, tuple[Process, Owner]]

    def start_ns(self, start: int | None) -> int | None:
        """Return a start in clock ticks as nanoseconds since the boot."""
        return None if start is None else start * 1_000_000_000 // self.ticks

    def members(self) -> dict[str, list[tuple[Process, Owner]]]:
        """Return the processes with their owners, by LogonId."""
        members: dict[str, list[tuple[Process, Owner]]] = {}
        for process, owner in self.processes.values():
            if owner.logon_id is not None:
                members.setdefault(owner.logon_id, []).append((process, owner))
        return members


class DifferenceFeed:
    """Compares each reading of the machine with the one before; see ``live.hub.DetailFeed``."""

    position = 0

    def __init__(self, source: Source, ownership: Ownership, seconds: float = SECONDS) -> None:
        """Read the machine for the first time."""
        self.description = (
            f"{NO_KERNEL_EVENTS}: /proc is compared every {seconds:g} s; misses what begins and ends in between, and"
            " exit statuses"
        )
        self._source, self._ownership, self._seconds = source, ownership, seconds
        self._describer = LogonDescriber(source, ownership)
        self._closed = threading.Event()
        self._last_reading = self._read()
        self._due = time.monotonic() + seconds
        members = self._last_reading.members()
        existing = {logon_id: self._describe(members, logon_id) for logon_id in members}
        # less than SETTLE_SECONDS: a new logon session may have existed for ``seconds`` when a reading first shows it
        self._logons = LogonChanges(existing, SETTLE_SECONDS - seconds)

    def __repr__(self) -> str:
        return f"<DifferenceFeed every {self._seconds:g} s>"

    def read(self, seconds: float) -> Sequence[Event]:
        """See ``DetailFeed``."""
        seconds_left = self._due - time.monotonic()
        if self._closed.wait(max(0.0, min(seconds, seconds_left))) or seconds < seconds_left:
            return ()
        try:
            reading = self._read()
        except LogonscopeError:
            reading = self._last_reading
        self._due = time.monotonic() + self._seconds
        events = [*self._process_events(reading), *self._logon_events(reading)]
        self._last_reading = reading
        return sorted(events, key=_moment)

    def close(self) -> None:
        """See ``DetailFeed``."""
        self._closed.set()

    def _read(self) -> Reading:
        look = Look()
        machine = self._source.machine(look)
        moment_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        query = ProcessQuery(EVENT_FACTS, max_cmdline_bytes=MAX_CMDLINE_BYTES)
        processes = list(self._source.processes(look, query))
        index = self._ownership.index(self._source.logins(look), machine)
        return Reading(
            moment_ns,
            machine.ticks,
            {(process.pid, process.start): (process, index.owner(process)) for process in processes},
        )

    def _process_events(self, reading: Reading) -> Iterator[Event]:
        old, new = self._last_reading.processes, reading.processes
        start_by_pid = {pid: start for pid, start in new if start is not None}
        for key, (process, owner) in old.items():
            if key not in new:
                # If a new process has the pid, the old one had ended when the new one started. The end is yielded
                # first, and stays first when the events are sorted by time.
                end = reading.start_ns(start_by_pid.get(process.pid)) or reading.moment_ns
                yield ProcessEnded(EventHead(end, 0), process, owner, None)
        for key, (process, owner) in new.items():
            if key not in old:
                start_ns = reading.start_ns(process.start)
                parent_start = start_by_pid.get(process.ppid or 0)
                parent = None if process.ppid is None or parent_start is None else (process.ppid, parent_start)
                yield ProcessStarted(EventHead(start_ns or reading.moment_ns, 0), process, owner, parent)
            elif _compared_values(old[key][0]) != _compared_values(process) or old[key][1].logon_id != owner.logon_id:
                yield ProcessChanged(EventHead(reading.moment_ns, 0), old[key], (process, owner))

    def _logon_events(self, reading: Reading) -> Iterator[Event]:
        members, head = reading.members(), EventHead(reading.moment_ns, 0)
        owners = {logon_id: pairs[0][1] for logon_id, pairs in members.items()}
        for event_class, session, owner in self._logons.changes(owners, partial(self._describe, members)):
            yield event_class(head, session, owner)

    def _describe(
        self, members: Mapping[str, Sequence[tuple[Process, Owner]]], logon_id: str
    ) -> tuple[LogonSession, Owner]:
        processes, owner = [process for process, _ in members[logon_id]], members[logon_id][0][1]
        session = self._describer.describe(owner, processes)
        return session._replace(is_foreign=self._describer.may_be_foreign(owner, processes)), owner


def _compared_values(process: Process) -> tuple[object, ...]:
    return tuple([getattr(process, name) for name in _COMPARED_FACTS])


def _moment(event: Event) -> int:
    return event.head.kernel_ns
