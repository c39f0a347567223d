"""Stream of typed events from the changes of the index: bounded, with a cursor for each event.

Events are made only while there is a reader. A reader that is too slow, or comes back too late, gets EventsLost.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Process
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
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.login_reports import LoginReports
from logonscope.sources.live.ring import EventRing, RingReader
from logonscope.sources.live.user_changes import UserChanges, attempt_makers

MAX_EVENTS = 65_536
"""Maximum number of events that are kept for slow readers."""

SETTLE_SECONDS = 2.0
"""Seconds for which a new logon session without a login record is not reported yet: the record comes after it."""

EventMaker = Callable[[EventHead], Event]


class EventStream:
    """The events of a live host, for any number of readers."""

    def __init__(self, host: LiveHost, log_root: str = "/") -> None:
        """Create a stream without readers.

        Args:
            host: whose events are reported.
            log_root: the root directory below which login programs log.
        """
        self._host = host
        self._ring = EventRing(MAX_EVENTS)
        self._cursor = 0
        self._changes: list[Change] = []
        self._logons: dict[str, tuple[LogonSession, Owner]] = {}  # those that were reported
        self._new_logons: dict[str, float] = {}  # LogonId -> when it is reported at the latest
        self._known_ids: frozenset[str] = frozenset()
        self._lost = 0
        self._user_changes = UserChanges(host.direct)
        self.login_reports = LoginReports(log_root, host.call_soon)

    def __repr__(self) -> str:
        return f"<EventStream at {self._cursor}>"

    def events(self, since: int | None = None) -> RingReader:
        """Return a reader of the events after a cursor, or from now on."""
        rung = self._host.status.rung
        reader = self._ring.reader(since, "no kernel events" if rung is None else rung.name, self._unsubscribe)
        self._subscribe()
        return reader

    @property
    def host(self) -> LiveHost:
        """Return the host that the events are of."""
        return self._host

    def close(self) -> None:
        """Close all readers."""
        self._ring.close()

    def _subscribe(self) -> None:
        with self._host.locked:
            self._host.subscribers += 1
            if self._host.subscribers == 1:
                self._host.after_batch = self._make_events
                self.login_reports.start()
                if self._host.index is not None:
                    self._report_to(self._host.index)
                    self._lost = self._host.index.counts.losses
                # those that exist already are no news
                self._logons = {logon_id: self._describe(owner) for logon_id, owner in self._current_owners().items()}
                self._known_ids = frozenset(self._logons)
        self._host.wake()

    def _unsubscribe(self) -> None:
        with self._host.locked:
            self._host.subscribers -= 1
            if self._host.subscribers == 0:
                self._host.after_batch = None
                self._changes.clear()
                self._user_changes.clear()
                self.login_reports.stop()
                if self._host.index is not None:
                    self._host.index.report = self._host.index.users.report = None
                # what happens from now on is missed
                self._cursor += 1
                self._ring.forget(self._cursor)

    def _report_to(self, index: LiveIndex) -> None:
        """Have an index report its changes."""
        index.report, index.users.report = self._changes.append, self._user_changes.add

    def _make_events(self) -> float | None:
        """Make the events of the changes of a batch; called by the live host with its lock held."""
        index = self._host.index
        reports = self.login_reports.take(_never if index is None else index.users.was_elevated)
        self._user_changes.add_commands(reports)
        if index is None:
            self._publish(attempt_makers(reports, _no_process, self._owner_of()))
            return None
        if index.report is None:  # a new index, after the feed had ended
            self._report_to(index)
        changes = self._changes[:]
        self._changes.clear()
        has_news = changes or reports or self._new_logons or self._user_changes.next_due is not None
        if not has_news and index.counts.losses == self._lost:
            return None
        owner_of = self._owner_of()
        makers: list[tuple[int, EventMaker]] = []
        if index.counts.losses != self._lost:
            self._lost = index.counts.losses
            makers.append((time.monotonic_ns(), _LostMaker().make))
        now = time.monotonic_ns()
        makers += [(change.kernel_ns or now, _ChangeMaker(change, owner_of).make) for change in changes]
        makers += attempt_makers(reports, index.process_at, owner_of)
        makers += self._user_changes.makers(owner_of)
        makers += self._logon_events()
        self._publish(makers)
        due = self._user_changes.next_due
        return min((*self._new_logons.values(), *(() if due is None else (due,))), default=None)

    def _owner_of(self) -> Callable[[Process], Owner]:
        look = Look()
        logins = self._host.logins(look)
        return self._host.ownership.index(logins, self._host.direct.machine(look)).owner

    def _publish(self, makers: Iterable[tuple[int, EventMaker]]) -> None:
        """Make events in the order of their moments, and pass them to the readers."""
        boot_offset = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
        events = []
        for moment, make in sorted(makers, key=itemgetter(0)):
            self._cursor += 1
            events.append(make(EventHead(moment + boot_offset, self._cursor)))
        if events:
            self._ring.publish(events, self._cursor)

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
                    session, _ = self._logons[logon_id] = self._describe(owner)
                    yield time.monotonic_ns(), _LogonMaker(LoggedOut, session, owner).make
                continue
            due = self._new_logons.setdefault(logon_id, now + SETTLE_SECONDS)
            if now >= due or (owner.login is not None and owner.login.recorded):
                del self._new_logons[logon_id]
                session, _ = self._logons[logon_id] = self._describe(owner)
                yield time.monotonic_ns(), _LogonMaker(LogonStarted, session, owner).make

    def _current_owners(self) -> dict[str, Owner]:
        """Return the owners that have a process, by LogonId."""
        index = self._host.index
        if index is None:
            return {}
        look = Look()
        logons = self._host.ownership.index(self._host.logins(look), self._host.direct.machine(look))
        places = {(place.ses, place.cgroup) for place in index.places}
        owners = (logons.owner(Process(0, ses=kernel_id, cgroup=cgroup)) for kernel_id, cgroup in places)
        return {owner.logon_id: owner for owner in owners if owner.logon_id is not None}

    def _describe(self, owner: Owner) -> tuple[LogonSession, Owner]:
        """Describe a logon session from its processes."""
        host, look = self._host, Look()
        machine, index = host.direct.machine(look), host.index
        logons = host.ownership.index(host.logins(look), machine)
        members = () if index is None else index.memberships()
        pids = frozenset(
            pid
            for pid, kernel_id, cgroup in members
            if logons.owner(Process(pid, ses=kernel_id, cgroup=cgroup)).logon_id == owner.logon_id
        )
        processes = list(host.direct.processes(look, ProcessQuery(host.ownership.description_facts, pids=pids)))
        uid = host.ownership.login_uid(owner, processes)
        account = None if uid is None else host.direct.account(look, uid)
        return host.ownership.describe(owner, processes, machine, account and account.name), owner


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


def _never(_pid: int, _moment: int) -> bool:
    """Return that no process is known to have run a set-user-ID program: without events, none is."""
    return False


def _no_process(_pid: int, _ns: int) -> None:
    """Return no process: without events, none is known."""


def _process(state: State) -> Process:
    ppid = None if state.parent is None else state.parent[0]
    # why a fact is None: without that, a missing cgroup would mean that the machine has no cgroups
    unread = {"ses": NOT_READ, "cgroup": NOT_READ} if state.ses is None or state.cgroup is None else None
    return Process(
        state.pid, ses=state.ses, loginuid=state.loginuid, cgroup=state.cgroup, ppid=ppid, start=state.start,
        unread=unread,
    )  # fmt: skip


NOT_READ = "logon not determined: the process ended too soon"
"""Why what decides the logon session of an ended process is not known."""
