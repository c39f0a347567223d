"""Details of processes in events: what /proc shows of a process while it runs, kept until the process ends.

The kernel's events have the pid of a process and the facts that decide its logon session. Name, arguments and users
are read shortly after the event. If the process has ended by then, it gets the name, arguments and users of its parent;
but if it had executed a program, it gets neither a name nor arguments.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from logonscope.errors import LogonscopeError
from logonscope.facts import Process
from logonscope.machine import Deadline, Look, Owner, Ownership, ProcessQuery, Source
from logonscope.machine.events import (
    EVENT_FACTS,
    MAX_CMDLINE_BYTES,
    Event,
    LoggedOut,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.logon_describer import LogonDescriber

READ_SECONDS = 2.0
"""Maximum seconds for reading the processes of one batch of events."""

SLACK_TICKS = 2
"""Maximum difference in clock ticks between the start of a process in an event and in /proc."""

ENDED = "the process ended before it could be read"
"""Why facts of a process are not known."""

MAX_INHERITANCES = 256
"""Maximum number of parents whose Inheritance is kept."""


def read_boot_clock() -> int:
    """Return the nanoseconds since the boot, the clock of events."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


_FACTS_OF_EVENT = frozenset({"ses", "loginuid", "cgroup", "ppid"})
_FACTS_OF_PROGRAM = ("comm", "name", "exe", "cmdline")

NOT_READ = dict.fromkeys(EVENT_FACTS.difference(_FACTS_OF_EVENT, {"start"}), ENDED)
"""For a process of which nothing was read: the reason why each fact is missing, by the name of the fact."""


class ProcessDetails:
    """The details of all processes, in their state after the last event that was passed on."""

    def __init__(self, source: Source, ownership: Ownership, read_clock: Callable[[], int] = read_boot_clock) -> None:
        """Read all processes.

        Args:
            source: reads the machine itself.
            ownership: the rules that determine owners.
            read_clock: returns the nanoseconds since the boot.
        """
        self._read_clock = read_clock
        self._source, self._ownership = source, ownership
        self._describer = LogonDescriber(source, ownership)
        self._logon_ids: dict[int, str | None] = {}
        self._inheritances: dict[int, Inheritance] = {}  # by the pid of the parent
        self._began = read_clock()  # the moment before the last reading
        self._processes = {process.pid: process for process in source.processes(Look(), _query(None))}
        # by pid: a moment before the stored facts were read; if the process executed a program before this moment, the
        # stored facts have that program
        self._read_since = dict.fromkeys(self._processes, self._began)
        index = ownership.index(source.logins(Look()), source.machine(Look()))
        for pid, process in self._processes.items():
            self._logon_ids[pid] = index.owner(process).logon_id

    def __repr__(self) -> str:
        return f"<ProcessDetails of {len(self._processes)} processes>"

    def add(self, events: Sequence[Event]) -> list[Event]:
        """Return the events of one batch with details; a start and the execution that follows it become one event."""
        batch = _fold_executions(events)
        # By pid: the position in the batch of the last event of each process that still runs. What is read of the
        # process now is its state after that event.
        newest: dict[int, int] = {}
        # event[1] of a start or an end is its Process. event[2][0] of a change is the Process after the change. Item 0
        # of a Process is its pid.
        for position, (event, _) in enumerate(batch):
            if isinstance(event, ProcessStarted):
                newest[event[1][0]] = position
            elif isinstance(event, ProcessChanged):
                newest[event[2][0][0]] = position
            elif isinstance(event, ProcessEnded):
                newest.pop(event[1][0], None)
        # a process that ended within the batch is not in ``newest``: nothing of it is left to read
        read_processes = self._read(newest)
        detailed: list[Event] = []
        for position, (event, has_executed) in enumerate(batch):
            if isinstance(event, ProcessStarted):
                head, process, owner, parent = event
                is_newest = newest.get(process[0]) == position
                read_process = read_processes.get(process[0]) if is_newest else None
                started = self._started_process(process, owner, read_process, has_executed=has_executed)
                detailed.append(_new(ProcessStarted, (head, started, owner, parent)))
            elif isinstance(event, ProcessEnded):
                head, process, owner, status = event
                self._logon_ids.pop(process[0], None)
                self._read_since.pop(process[0], None)
                merged = _merge(self._processes.pop(process[0], None), process)
                detailed.append(_new(ProcessEnded, (head, merged, owner, status)))
            elif isinstance(event, ProcessChanged):
                is_newest = newest.get(event.after[0].pid) == position
                read_process = read_processes.get(event.after[0].pid) if is_newest else None
                detailed.append(self._detailed_change(event, read_process))
            else:
                detailed.append(self._with_details(event))
        return detailed

    def _read(self, pids: Iterable[int]) -> dict[int, Process]:
        if not pids:
            return {}
        look, self._began = Look(Deadline(READ_SECONDS)), self._read_clock()
        processes: dict[int, Process] = {}
        try:
            for process in self._source.processes(look, _query(frozenset(pids))):
                processes[process.pid] = process
        except LogonscopeError:
            pass  # a process that was not read keeps its stored details, or gets those of its parent
        return processes

    def _with_details(self, event: Event) -> Event:
        if isinstance(event, LogonStarted | LoggedOut | LogonEnded):
            session = event.session
            if isinstance(event, LogonStarted):
                session = self._describer.add_details(session, event.owner)
            is_foreign = self._describer.may_be_foreign(event.owner, self._members(event.owner))
            return event._replace(session=session._replace(is_foreign=is_foreign))
        return event

    def _started_process(
        self, process: Process, owner: Owner, read_process: Process | None, *, has_executed: bool
    ) -> Process:
        # the pid can belong to a later process by now
        if read_process is not None and _is_same(read_process, process):
            merged = _merge(read_process, process)
            self._read_since[process.pid] = self._began
        else:
            self._read_since.pop(process.pid, None)
            merged = self._inherit(process, has_executed=has_executed)
        self._processes[process.pid] = merged
        self._logon_ids[process.pid] = owner.logon_id
        return merged

    def _inherit(self, process: Process, *, has_executed: bool) -> Process:
        """Return a process of which nothing was read: it has the facts of its parent, until it executes a program."""
        parent = self._processes.get(process.ppid or 0)
        if parent is None or process.start is None or process.unread:
            merged = _merge(parent and parent._replace(pid=process.pid, start=process.start), process)
            return _without_program(merged) if has_executed else merged
        # on a busy machine most processes end before they are read, and few parents start them all
        inheritance = self._inheritances.get(parent.pid)
        if inheritance is None or inheritance.parent is not parent:
            if len(self._inheritances) >= MAX_INHERITANCES:
                self._inheritances.clear()
            inheritance = self._inheritances[parent.pid] = Inheritance(parent)
        return inheritance.child(process, has_executed=has_executed)

    def _detailed_change(self, event: ProcessChanged, read_process: Process | None) -> ProcessChanged:
        (before, owner_before), (after, owner_after) = event.before, event.after
        stored_process = self._processes.get(after.pid)
        old_process = _merge(stored_process, before)
        if read_process is not None and _is_same(read_process, after):
            new_process = _merge(read_process, after)
            self._read_since[after.pid] = self._began
        else:
            # equal facts mean that the process executed a program; that program is not known, unless the stored facts
            # were read after the execution
            is_program_unknown = before == after and event.head.kernel_ns > self._read_since.get(after.pid, -1)
            new_process = _merge(stored_process, after)
            if is_program_unknown:
                new_process = _without_program(new_process)
        self._processes[after.pid], self._logon_ids[after.pid] = new_process, owner_after.logon_id
        return event._replace(before=(old_process, owner_before), after=(new_process, owner_after))

    def _members(self, owner: Owner) -> Iterator[Process]:
        """Yield the processes of a logon session, as far as they are known."""
        for pid, logon_id in self._logon_ids.items():
            if logon_id == owner.logon_id:
                yield self._processes[pid]


class Inheritance:
    """The facts that the children of a process inherit if nothing was read of the children."""

    def __init__(self, parent: Process) -> None:
        self.parent = parent
        # the same reasons as _merge would make for each child
        copy = parent._replace(unread=_merge_reasons(parent.unread, None))
        # for a child that has not executed a program (index 0), and for one that has (index 1)
        self._forms = tuple(
            # three parts: comm and state; the facts from pgrp up to start; the facts after start, with the reasons of
            # missing facts
            (form[_COMM:_PPID], form[_PPID + 1 : _START], form[_START + 1 :])
            for form in (copy, _without_program(copy))
        )

    def __repr__(self) -> str:
        return f"<Inheritance from {self.parent.pid}>"

    def child(self, process: Process, *, has_executed: bool) -> Process:
        """Return a child with the facts of its event (``process``, whose ``unread`` must be empty)."""
        parent = self.parent
        comm_and_state, from_pgrp, from_vsize = self._forms[has_executed]
        pid, ses, loginuid, cgroup = process[:_COMM]
        return _new(Process, (
            pid,
            parent[_SES] if ses is None else ses,
            parent[_LOGINUID] if loginuid is None else loginuid,
            parent[_CGROUP] if cgroup is None else cgroup,
            *comm_and_state,
            parent[_PPID] if process[_PPID] is None else process[_PPID],
            *from_pgrp,
            process[_START],
            *from_vsize,
        ))  # fmt: skip


def _fold_executions(events: Sequence[Event]) -> list[tuple[Event, bool]]:
    """Return the events; True beside a start: the process executed a program in the same batch.

    The start is then reported with that program, and the execution is no event of its own.
    """
    batch: list[tuple[Event, bool]] = []
    starts: dict[int, int] = {}
    for event in events:
        if isinstance(event, ProcessStarted):
            starts[event[1][0]] = len(batch)
        elif isinstance(event, ProcessChanged) and event[2][0][0] in starts:
            # only the first change can be the execution that belongs to the start
            position = starts.pop(event[2][0][0])
            start = batch[position][0]
            if event[1] == event[2] and isinstance(start, ProcessStarted):
                batch[position] = start, True
                continue
        elif isinstance(event, ProcessEnded):
            starts.pop(event[1][0], None)
        batch.append((event, False))
    return batch


def _query(pids: frozenset[int] | None) -> ProcessQuery:
    return ProcessQuery(EVENT_FACTS, pids=pids, max_cmdline_bytes=MAX_CMDLINE_BYTES)


def _is_same(read_process: Process, process: Process) -> bool:
    start, event_start = read_process.start, process.start
    return start is not None and event_start is not None and abs(start - event_start) <= SLACK_TICKS


def _merge(stored_process: Process | None, process: Process) -> Process:
    """Return a process with its stored details, unless these are the details of another process with its pid."""
    if stored_process is None or not _is_same(stored_process, process):
        return process._replace(unread={**NOT_READ, **process.unread} if process.unread else NOT_READ)
    # what an event shows is newer than what was read before it
    _, ses, loginuid, cgroup = process[:_COMM]
    unread = _merge_reasons(stored_process.unread, process.unread)
    owner_facts = (
        stored_process[_SES] if ses is None else ses,
        stored_process[_LOGINUID] if loginuid is None else loginuid,
        stored_process[_CGROUP] if cgroup is None else cgroup,
    )
    ppid = stored_process[_PPID] if process[_PPID] is None else process[_PPID]
    # Mostly nothing is new. Then the stored object itself is returned: the row of an event is made once for each object
    # (broker/event_process_rows.py).
    if owner_facts == stored_process[_SES:_COMM] and ppid == stored_process[_PPID] and unread is stored_process.unread:
        return stored_process
    return _new(
        Process,
        (stored_process[0], *owner_facts, *stored_process[_COMM:_PPID], ppid, *stored_process[_PPID + 1 : -1], unread),
    )


def _merge_reasons(
    stored_reasons: Mapping[str, str] | None, new_reasons: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    """Return why facts of a process are missing: the new reasons, and the stored reasons for facts that events lack."""
    if stored_reasons and not _FACTS_OF_EVENT.isdisjoint(stored_reasons):
        stored_reasons = {fact: reason for fact, reason in stored_reasons.items() if fact not in _FACTS_OF_EVENT}
    return {**(stored_reasons or {}), **new_reasons} if new_reasons else stored_reasons or None


def _without_program(process: Process) -> Process:
    unread = {**(process.unread or {}), **dict.fromkeys(_FACTS_OF_PROGRAM, ENDED)}
    return process._replace(comm=None, name=None, exe=None, cmdline=None, unread=unread)


_new = tuple.__new__

_SES, _LOGINUID, _CGROUP, _COMM, _PPID, _START = map(
    Process._fields.index, ("ses", "loginuid", "cgroup", "comm", "ppid", "start")
)
"""Positions of facts in a Process. They are used because ``_replace`` takes 4 µs to change one fact, and this code runs
for every process of the machine."""
