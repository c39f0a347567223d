"""Stream of typed, numbered events, made from changes of the index and of users, from logins, and from log lines.

Events are made only while there is a reader. A reader that is too slow, or comes back too late, gets EventsLost.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Account, Process
from logonscope.machine import Look, Owner, ProcessQuery
from logonscope.machine.events import (
    Event,
    EventHead,
    EventsLost,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.logon_describer import may_be_foreign_session
from logonscope.sources.live.entries import Change, State
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.login_reports import LoginReports
from logonscope.sources.live.place_owners import PlaceOwners
from logonscope.sources.live.ring import EventRing, RingReader
from logonscope.sources.live.user_changes import UserChanges, attempt_makers
from logonscope.sources.logon_changes import LogonChanges

MAX_EVENTS = 65_536
"""Maximum number of events that are kept for slow readers."""

EventMaker = Callable[[EventHead], Event]
"""Makes an event from its EventHead, which has its number and moment."""


class EventStream:
    """The events of a live host, for any number of readers."""

    def __init__(self, host: LiveHost, log_root: str = "/") -> None:
        """Create a stream without readers.

        Args:
            host: the host whose events are reported.
            log_root: the root directory below which login programs log.
        """
        self._host = host
        self._ring = EventRing(MAX_EVENTS)
        self._number = 0
        self._changes: list[Change] = []
        self._logons = LogonChanges({})
        self._known_losses = 0  # index.counts.losses when the first reader came, or when EventsLost was last reported
        self._user_changes = UserChanges(host.direct, host.ownership)
        self.login_reports = LoginReports(log_root, host.call_soon)

    def __repr__(self) -> str:
        return f"<EventStream at {self._number}>"

    def events(self, after: int | None = None) -> RingReader:
        """Return a reader of the events with a number greater than ``after``; None: of the events from now on."""
        event_source = self._host.status.event_source
        reader = self._ring.reader(
            after, "no kernel events" if event_source is None else event_source.name, self._unsubscribe
        )
        self._subscribe()
        return reader

    @property
    def host(self) -> LiveHost:
        """Return the host whose events are reported."""
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
                    self._collect_changes_of(self._host.index)
                    self._known_losses = self._host.index.counts.losses
                # no event reports the start of a logon session that exists already
                look = Look()
                members = self._members(look)
                described = self._describe_each(look, members, set())
                self._logons.reported = dict(described)
            else:
                members, described = {}, {}
        self._host.wake()
        if not members:
            return
        # All processes are read without the lock: this takes long, and meanwhile answers, and the reading of events,
        # need the lock.
        complete = self._describe_each(Look(), members, None)
        with self._host.locked:
            for logon_id, provisional in described.items():
                if self._logons.reported.get(logon_id) is provisional:
                    self._logons.reported[logon_id] = complete[logon_id]

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
                # no events are made from now on: a reader that comes back later has missed some
                self._number += 1
                self._ring.forget(self._number, self._number)

    def _collect_changes_of(self, index: LiveIndex) -> None:
        """Collect the changes that an index reports from now on."""
        index.report, index.users.report = self._changes.append, self._user_changes.add

    def _make_events(self) -> float | None:
        """Make the events for a batch. The live host calls this with its lock held.

        Return the monotonic second at which to call this again even if no batch comes; None: only with the next batch.
        """
        index = self._host.index
        reports = self.login_reports.take(_never if index is None else index.users.was_elevated)
        self._user_changes.add_commands(reports)
        if index is None:
            owner_of = self._owner_lookup()
            self._publish(attempt_makers(reports, _no_process, owner_of), ChangeEvents(owner_of))
            return None
        if index.report is None:  # a new index, after the feed had ended
            self._collect_changes_of(index)
        changes = self._changes[:]
        self._changes.clear()
        has_waiting = self._logons.due is not None or self._user_changes.next_due is not None
        if not (changes or reports or has_waiting) and index.counts.losses == self._known_losses:
            return None
        owner_of = self._owner_lookup()
        makers: list[tuple[int, EventMaker | Change]] = []
        if index.counts.losses != self._known_losses:
            self._known_losses = index.counts.losses
            makers.append((time.monotonic_ns(), partial(EventsLost, missed_events=None)))
        now = time.monotonic_ns()
        # nearly all events come from changes; ChangeEvents makes these events without a maker for each
        makers += [(change[0] or now, change) for change in changes]
        makers += attempt_makers(reports, index.process_at, owner_of)
        makers += self._user_changes.makers(owner_of)
        makers += self._logon_events()
        self._publish(makers, ChangeEvents(owner_of))
        dues = (self._logons.due, self._user_changes.next_due)
        return min((due for due in dues if due is not None), default=None)

    def _owner_lookup(self) -> Callable[[Process], Owner]:
        """Return a function that finds the owner of a process with the present logins."""
        look = Look()
        logins = self._host.logins(look)
        return self._host.ownership.index(logins, self._host.direct.machine(look)).owner

    def _publish(self, makers: Iterable[tuple[int, EventMaker | Change]], change_events: "ChangeEvents") -> None:
        """Make events in the order of their moments, and pass them to the readers."""
        boot_offset = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
        events: list[Event] = []
        number, make_change = self._number, change_events.make
        for moment, maker in sorted(makers, key=itemgetter(0)):
            number += 1
            head = _new(EventHead, (moment + boot_offset, number, number, None))
            events.append(make_change(maker, head) if type(maker) is Change else maker(head))  # type: ignore[operator]  # mypy does not narrow by "is"
        self._number = number
        if events:
            self._ring.publish(events, number)

    def _logon_events(self) -> Iterator[tuple[int, EventMaker]]:
        """Yield the moment and the maker of each event about a logon session."""
        owners = self._host.owners(Look())
        if owners is None:
            return
        touched = owners.take_touched()
        if touched is not None:
            touched.update(self._logons.unreported)
        logon_ids = owners.logon_ids() if touched is None else touched
        present = {logon_id: owner for logon_id in logon_ids if (owner := owners.owner(logon_id)) is not None}
        describe = partial(self._describe, owners)
        for event_type, session, owner in self._logons.changes(present, describe, touched):
            yield time.monotonic_ns(), partial(event_type, session=session, owner=owner)

    def _members(self, look: Look) -> dict[str, tuple[Owner, set[int]]]:
        """Return the Owner and the pids of each logon session, by LogonId."""
        owners = self._host.owners(look)
        if owners is None:
            return {}
        return {
            logon_id: (owner, owners.pids(logon_id))
            for logon_id in owners.logon_ids()
            if (owner := owners.owner(logon_id)) is not None
        }

    def _describe(self, owners: PlaceOwners, logon_id: str) -> tuple[LogonSession, Owner]:
        owner, pids = owners.owner(logon_id), owners.pids(logon_id)
        assert owner is not None  # noqa: S101 -- only logon sessions that have a process are described
        return self._describe_each(Look(), {logon_id: (owner, pids)}, pids)[logon_id]

    def _describe_each(
        self, look: Look, members: dict[str, tuple[Owner, set[int]]], pids: set[int] | None
    ) -> dict[str, tuple[LogonSession, Owner]]:
        """Describe logon sessions from their processes.

        Args:
            look: the state of this reading.
            members: for the LogonId of each logon session to describe, its Owner and the pids of its processes.
            pids: the processes to read; empty: describe from the login records alone; None: read all.
        """
        host, sessions, accounts = self._host, {}, dict[int, Account | None]()
        machine = host.direct.machine(look)
        query = ProcessQuery(host.ownership.description_facts, pids=None if pids is None else frozenset(pids))
        processes = {process.pid: process for process in host.direct.processes(look, query)}
        for logon_id, (owner, own_pids) in members.items():
            own_processes = [processes[pid] for pid in own_pids if pid in processes]
            uid = host.ownership.login_uid(owner, own_processes)
            if uid is not None and uid not in accounts:
                accounts[uid] = host.direct.account(look, uid)
            is_foreign = may_be_foreign_session(host.ownership, owner, own_processes, machine)
            account = None if uid is None or is_foreign else accounts[uid]
            session = host.ownership.describe(owner, own_processes, machine, account and account.name)
            sessions[logon_id] = session, owner
        return sessions


class ChangeEvents:
    """Makes the events of changes, with the owners that the processes had."""

    def __init__(self, owner_of: Callable[[Process], Owner]) -> None:
        self._owner_of = owner_of

    def __repr__(self) -> str:
        return f"<ChangeEvents by {self._owner_of!r}>"

    def make(self, change: Change, head: EventHead) -> Event:
        """Make the event of a change."""
        _, before, after, status = change
        if after is None and before is not None:
            process = _process(before)
            return _new(ProcessEnded, (head, process, self._owner_of(process), status))
        if before is None and after is not None:
            process = _process(after)
            return _new(ProcessStarted, (head, process, self._owner_of(process), after[2]))
        assert before is not None  # noqa: S101 -- a change has at least one state
        assert after is not None  # noqa: S101 -- a change has at least one state
        old = self._with_owner(before)
        # if a process executed a program, ``after`` is the same object as ``before``
        return _new(ProcessChanged, (head, old, old if after is before else self._with_owner(after)))

    def _with_owner(self, state: State) -> tuple[Process, Owner]:
        process = _process(state)
        return process, self._owner_of(process)


def _never(_pid: int, _moment: int) -> bool:
    """Return False: without kernel events, it is not known that a process ran a set-user-ID program."""
    return False


def _no_process(_pid: int, _ns: int) -> None:
    """Return None: without kernel events, no process is known."""


def _process(state: State) -> Process:
    pid, start, parent, ses, loginuid, cgroup = state
    # the reason is needed: without it, a missing cgroup would mean that the machine has no cgroups
    unread = _UNREAD if ses is None or cgroup is None else None
    ppid = None if parent is None else parent[0]
    # Process(...) with names takes five times as long, and this runs for every process of the machine
    return _new(Process, (pid, ses, loginuid, cgroup, None, None, ppid, *_FROM_PGRP, start, *_FROM_VSIZE, unread))


NOT_READ = "logon not determined: the process ended too soon"
"""The reason that is given if ``ses`` or ``cgroup`` of a process is None. In rare cases the process still runs, but its
reading hangs."""

_UNREAD = {"ses": NOT_READ, "cgroup": NOT_READ}

_new = tuple.__new__

# The values of the facts between ppid and start, and between start and unread: a change does not have these facts.
_FIELD = Process._fields.index
_FROM_PGRP = (None,) * (_FIELD("start") - _FIELD("pgrp"))
_FROM_VSIZE = (None,) * (_FIELD("unread") - _FIELD("vsize"))
