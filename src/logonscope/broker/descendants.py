"""Descendants of a process that watches the events of a host: the watch leaves out the events of these descendants.

Otherwise a program that the watching process starts for every event would itself cause the next events.
"""

from logonscope.errors import LogonscopeError
from logonscope.facts import Process
from logonscope.machine import Look, ProcessQuery, Source
from logonscope.machine.events import (
    Event,
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

MAX_ENDED = 1_024
"""Maximum number of ended descendants that are kept: some events of a process are reported after its end."""

SLACK_TICKS = 2
"""Maximum difference in clock ticks between the start of a process in an event and in /proc."""


class Descendants:
    """The processes that descend from one process, and the logon sessions that they began.

    The process itself is not one of them. Every event must be passed to ``follow`` once, in the order of the events.
    """

    def __init__(self, source: Source, pid: int) -> None:
        """Read the descendants that run already."""
        self._source, self._root = source, pid
        # pid -> start, because a pid can be reused
        self._running: dict[int, int | None] = {}
        self._ended: dict[int, int | None] = {}
        # logon sessions that a descendant entered: their LogonStarted, if they are new, has not come yet
        self._entered_logon_ids = set[str]()
        self._began_logon_ids = set[str]()
        self._add_running()

    def __repr__(self) -> str:
        return f"<Descendants of {self._root}: {len(self._running)} running>"

    def follow(self, event: Event) -> bool:
        """Note what an event changes; return whether it is about a descendant, or a logon session that one began."""
        if isinstance(event, ProcessStarted):
            return self._add(event)
        if isinstance(event, ProcessEnded):
            return self._remove(event.process)
        if isinstance(event, ProcessChanged):
            return self._note_change(event)
        if isinstance(event, UserChanged):
            return self._has(event.process)
        if isinstance(event, LogonFailed):
            # of the program that reported the attempt, only the pid is known
            return event.attempt.pid in self._running or event.attempt.pid in self._ended
        if isinstance(event, LogonStarted | LoggedOut | LogonEnded):
            return self._has_session(event)
        if isinstance(event, EventsLost):
            # the start of a descendant may be among the lost events
            self._add_running()
        return False

    def _add(self, event: ProcessStarted) -> bool:
        process = event.process
        parent = process.ppid if event.parent is None else event.parent[0]
        is_descendant = parent == self._root or parent in self._running
        # whatever had this pid before has ended
        self._running.pop(process.pid, None)
        self._ended.pop(process.pid, None)
        if is_descendant:
            self._running[process.pid] = process.start
        return is_descendant

    def _remove(self, process: Process) -> bool:
        if not _contains(self._running, process):
            return False
        self._ended[process.pid] = self._running.pop(process.pid)
        if len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]
        return True

    def _note_change(self, event: ProcessChanged) -> bool:
        (process, owner), owner_before = event.after, event.before[1]
        if not self._has(process):
            return False
        if owner.logon_id is not None and owner.logon_id != owner_before.logon_id:
            # if the logon session is new, its LogonStarted event comes later
            self._entered_logon_ids.add(owner.logon_id)
        return True

    def _has(self, process: Process) -> bool:
        return _contains(self._running, process) or _contains(self._ended, process)

    def _has_session(self, event: LogonStarted | LoggedOut | LogonEnded) -> bool:
        logon_id, leader = event.session.logon_id, event.session.leader
        if isinstance(event, LogonStarted):
            if logon_id in self._entered_logon_ids or leader in self._running or leader in self._ended:
                self._began_logon_ids.add(logon_id)
            self._entered_logon_ids.discard(logon_id)
        is_of_descendants = logon_id in self._began_logon_ids
        if isinstance(event, LogonEnded):
            self._began_logon_ids.discard(logon_id)
            self._entered_logon_ids.discard(logon_id)
        return is_of_descendants

    def _add_running(self) -> None:
        """Add the descendants that run now."""
        try:
            processes = list(self._source.processes(Look(), ProcessQuery(frozenset({"ppid", "start"}))))
        except LogonscopeError:
            # the watch continues: it then reports the events of these descendants, too
            return
        children: dict[int | None, list[Process]] = {}
        for process in processes:
            children.setdefault(process.ppid, []).append(process)
        parents = [self._root]
        while parents:
            for process in children.pop(parents.pop(), ()):
                self._running[process.pid] = process.start
                parents.append(process.pid)


def _contains(starts: dict[int, int | None], process: Process) -> bool:
    """Return whether ``starts`` has the pid of a process with nearly the same start; an unknown start is accepted."""
    if process.pid not in starts:
        return False
    start = starts[process.pid]
    return start is None or process.start is None or abs(start - process.start) <= SLACK_TICKS
