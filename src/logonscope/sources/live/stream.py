"""Stream of typed events from the changes of the index: bounded, with a cursor for each event.

Events are made only while there is a reader. A reader that is too slow, or comes back too late, gets EventsLost.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from operator import itemgetter

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Account, Process
from logonscope.machine import Look, Owner, ProcessQuery
from logonscope.machine.events import (
    Event,
    EventHead,
    EventsLost,
    LoggedOut,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.sources.live.entries import Change, State
from logonscope.sources.live.host import LiveHost

MAX_EVENTS = 65_536
"""Maximum number of events that are kept for slow readers."""

SETTLE_SECONDS = 2.0
"""Seconds for which a new logon session without a login record is not reported yet: the record comes after it."""

EventMaker = Callable[[EventHead], Event]


class EventStream:
    """The events of a live host, for any number of readers."""

    def __init__(self, host: LiveHost) -> None:
        self._host = host
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._cursor = 0
        self._changes: list[Change] = []
        self._condition = threading.Condition()
        self._logons: dict[str, tuple[LogonSession, Owner]] = {}  # those that were reported
        self._new_logons: dict[str, float] = {}  # LogonId -> when it is reported at the latest
        self._lost = 0

    def __repr__(self) -> str:
        return f"<EventStream at {self._cursor}>"

    def events(self, since: int | None = None) -> Iterator[Event]:
        """Yield events after a cursor, or from now on; closing the iterator ends it."""
        with self._condition:
            cursor = self._cursor if since is None else since
            # a cursor of another run of the service
            if cursor > self._cursor:
                cursor = -1
        self._subscribe()
        try:
            while True:
                with self._condition:
                    while cursor == self._cursor:
                        self._condition.wait()
                    first = self._cursor - len(self._events) + 1
                    missed = max(0, first - cursor - 1) if cursor >= 0 else None
                    start = max(cursor + 1, first) if cursor >= 0 else first
                    batch = [event for event in self._events if event.head.cursor >= start]
                    cursor = self._cursor
                if missed is None or missed:
                    yield EventsLost(EventHead(time.monotonic_ns(), start - 1), missed)
                yield from batch
        finally:
            self._unsubscribe()

    def _subscribe(self) -> None:
        with self._host.locked:
            self._host.subscribers += 1
            if self._host.subscribers == 1:
                self._host.after_batch = self._make_events
                if self._host.index is not None:
                    self._host.index.report = self._changes.append
                    self._lost = self._host.index.counts.losses
                # those that exist already are no news
                look = Look()
                members = self._members(look)
                self._logons = self._describe_each(look, members, set())
                described = dict(self._logons)
            else:
                members, described = {}, {}
        self._host.wake()
        if not members:
            return
        # Reading all processes takes long: without the lock, which answers and the reading of events need.
        complete = self._describe_each(Look(), members, None)
        with self._host.locked:
            for logon_id, provisional in described.items():
                if self._logons.get(logon_id) is provisional:
                    self._logons[logon_id] = complete[logon_id]

    def _unsubscribe(self) -> None:
        with self._host.locked:
            self._host.subscribers -= 1
            if self._host.subscribers == 0:
                self._host.after_batch = None
                self._changes.clear()
                if self._host.index is not None:
                    self._host.index.report = None
                # what happens from now on is missed
                self._events.clear()
                self._cursor += 1

    def _make_events(self) -> float | None:
        """Make the events of the changes of a batch; called by the live host with its lock held."""
        index = self._host.index
        if index is None:
            return None
        if index.report is None:  # a new index, after the feed had ended
            index.report = self._changes.append
        changes, boot_offset = self._changes[:], time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
        self._changes.clear()
        if not changes and not self._new_logons and index.counts.losses == self._lost:
            return None
        look = Look()
        logins = self._host.logins(look)
        owner_of = self._host.ownership.index(logins, self._host.direct.machine(look)).owner
        makers: list[tuple[int, EventMaker]] = []
        if index.counts.losses != self._lost:
            self._lost = index.counts.losses
            makers.append((time.monotonic_ns(), _LostMaker().make))
        now = time.monotonic_ns()
        makers += [(change.kernel_ns or now, _ChangeMaker(change, owner_of).make) for change in changes]
        makers += self._logon_events()
        makers.sort(key=itemgetter(0))
        with self._condition:
            for moment, make in makers:
                self._cursor += 1
                self._events.append(make(EventHead(moment + boot_offset, self._cursor)))
            self._condition.notify_all()
        return min(self._new_logons.values(), default=None)

    def _logon_events(self) -> Iterator[tuple[int, EventMaker]]:
        """Yield what happened to logon sessions."""
        now, owners = time.monotonic(), self._current_owners()
        for logon_id in [logon_id for logon_id in self._logons if logon_id not in owners]:
            session, owner = self._logons.pop(logon_id)
            yield time.monotonic_ns(), _LogonMaker(LogonEnded, session, owner).make
        self._new_logons = {logon_id: due for logon_id, due in self._new_logons.items() if logon_id in owners}
        for logon_id, owner in owners.items():
            if logon_id in self._logons:
                before, _ = self._logons[logon_id]
                is_gone = owner.login is not None and bool(owner.login.gone)
                if is_gone and before.state != "logged out":
                    session, _ = self._logons[logon_id] = self._describe(logon_id)
                    yield time.monotonic_ns(), _LogonMaker(LoggedOut, session, owner).make
                continue
            due = self._new_logons.setdefault(logon_id, now + SETTLE_SECONDS)
            if now >= due or (owner.login is not None and owner.login.recorded):
                del self._new_logons[logon_id]
                session, _ = self._logons[logon_id] = self._describe(logon_id)
                yield time.monotonic_ns(), _LogonMaker(LogonStarted, session, owner).make

    def _current_owners(self) -> dict[str, Owner]:
        """Return the owners that have a process, by LogonId."""
        return {logon_id: owner for logon_id, (owner, _) in self._members(Look()).items()}

    def _members(self, look: Look) -> dict[str, tuple[Owner, set[int]]]:
        """Return each owner that has a process, with its processes, by LogonId."""
        host, index, members = self._host, self._host.index, dict[str, tuple[Owner, set[int]]]()
        if index is None:
            return members
        logons = host.ownership.index(host.logins(look), host.direct.machine(look))
        for place in index.places:
            owner = logons.owner(Process(0, ses=place.ses, cgroup=place.cgroup))
            if owner.logon_id is not None:
                members.setdefault(owner.logon_id, (owner, set()))[1].update(place.pids)
        return members

    def _describe(self, logon_id: str) -> tuple[LogonSession, Owner]:
        """Describe a logon session from its processes."""
        look = Look()
        owner, pids = self._members(look)[logon_id]
        return self._describe_each(look, {logon_id: (owner, pids)}, pids)[logon_id]

    def _describe_each(
        self, look: Look, members: dict[str, tuple[Owner, set[int]]], pids: set[int] | None
    ) -> dict[str, tuple[LogonSession, Owner]]:
        """Describe logon sessions from those of their processes that are read: these, or every one (None)."""
        host, sessions, accounts = self._host, {}, dict[int, Account | None]()
        machine = host.direct.machine(look)
        query = ProcessQuery(host.ownership.description_facts, pids=None if pids is None else frozenset(pids))
        processes = {process.pid: process for process in host.direct.processes(look, query)}
        for logon_id, (owner, own_pids) in members.items():
            own_processes = [processes[pid] for pid in own_pids if pid in processes]
            uid = host.ownership.login_uid(owner, own_processes)
            if uid is not None and uid not in accounts:
                accounts[uid] = host.direct.account(look, uid)
            account = None if uid is None else accounts[uid]
            session = host.ownership.describe(owner, own_processes, machine, account and account.name)
            sessions[logon_id] = session, owner
        return sessions


class _ChangeMaker:
    """Makes the event of a change, with the owners that the process had."""

    def __init__(self, change: Change, owner_of: Callable[[Process], Owner]) -> None:
        self._change, self._owner_of = change, owner_of

    def make(self, head: EventHead) -> Event:
        """Make the event."""
        _, before, after, status = self._change
        if after is None and before is not None:
            process = _process(before)
            return ProcessEnded(head, process, self._owner_of(process), status)
        if before is None and after is not None:
            process = _process(after)
            return ProcessStarted(head, process, self._owner_of(process), after.parent)
        old, new = (_process(state) for state in (before, after) if state is not None)
        return ProcessChanged(head, (old, self._owner_of(old)), (new, self._owner_of(new)))


class _LogonMaker:
    """Makes an event about a logon session."""

    def __init__(
        self, kind: type[LogonStarted] | type[LoggedOut] | type[LogonEnded], session: LogonSession, owner: Owner
    ) -> None:
        self._kind, self._session, self._owner = kind, session, owner

    def make(self, head: EventHead) -> Event:
        """Make the event."""
        return self._kind(head, self._session, self._owner)


class _LostMaker:
    """Makes the event that others were lost."""

    def make(self, head: EventHead) -> Event:
        """Make the event."""
        return EventsLost(head, None)


def _process(state: State) -> Process:
    ppid = None if state.parent is None else state.parent[0]
    # why a fact is None: without that, a missing cgroup would mean that the machine has no cgroups
    unread = {"ses": NOT_READ, "cgroup": NOT_READ} if state.ses is None or state.cgroup is None else None
    return Process(
        state.pid, ses=state.ses, loginuid=state.loginuid, cgroup=state.cgroup, ppid=ppid, start=state.start,
        unread=unread,
    )  # fmt: skip


NOT_READ = "logon not read: the process ended too soon"
"""Why what decides the logon session of an ended process is not known."""
