"""sources/live/process_details.py: details that are read, inherited, or not known."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Account, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.machine.events import (
    EVENT_FACTS,
    Event,
    EventHead,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.live.process_details import ENDED, ProcessDetails
from tests.broker.memory import Memory

SYSTEM = Owner("4294967295", "none")
SHELL = Process(
    10, ses=5, loginuid=1000, cgroup="/", comm="bash", ppid=1, start=100, uids=(1000,) * 4, gids=(1000,) * 4,
    pid_namespaces=1, cmdline=b"bash\0", exe="/bin/bash", name="bash",
)  # fmt: skip
MACHINE = Machine("h", None, 0)


def host(*later: Process) -> ProcessDetails:
    """Return details of a host with a shell, on which these processes are read later."""
    snapshots = [
        Snapshot(
            MACHINE, processes, (), users=(Account("a", 1000, 1000, "", "/", ""),), sockets=(), groups=(), troubles=[]
        )
        for processes in ((SHELL,), (SHELL,), (SHELL, *later))
    ]
    return ProcessDetails(Memory(*snapshots), LINUX, lambda: 0)


def bare(pid: int, start: int, ppid: int = 10) -> Process:
    """Return what an event says of a process."""
    return Process(pid, ses=5, loginuid=1000, cgroup="/", ppid=ppid, start=start)


def started(pid: int, start: int) -> ProcessStarted:
    return ProcessStarted(EventHead(1, 0), bare(pid, start), SYSTEM, (10, 100))


def executed(pid: int, start: int) -> ProcessChanged:
    return ProcessChanged(EventHead(2, 0), (bare(pid, start), SYSTEM), (bare(pid, start), SYSTEM))


def ended(pid: int, start: int) -> ProcessEnded:
    return ProcessEnded(EventHead(3, 0), bare(pid, start), SYSTEM, 0)


def process_of(event: Event) -> Process:
    assert isinstance(event, ProcessStarted | ProcessEnded)
    return event.process


def test_a_start_has_the_program_that_it_executed_at_once() -> None:
    ls = SHELL._replace(pid=20, ppid=10, start=201, comm="ls", name="ls", cmdline=b"ls\0", exe="/bin/ls")
    (event,) = host(ls).add([started(20, 200), executed(20, 200)])
    assert (process_of(event).name, process_of(event).cmdline, process_of(event).start) == ("ls", b"ls\0", 201)


def test_a_child_that_ended_is_what_its_parent_was_unless_it_executed_a_program() -> None:
    details = host()
    begin, end = details.add([started(20, 200), ended(20, 200)])
    assert [process_of(event).name for event in (begin, end)] == ["bash", "bash"]
    assert process_of(begin).pid == 20
    begin, end = details.add([started(21, 200), executed(21, 200), ended(21, 200)])
    for event in (begin, end):
        process = process_of(event)
        assert (process.name, process.cmdline, process.uids) == (None, None, (1000,) * 4)
        assert (process.unread or {})["cmdline"] == ENDED


def test_an_end_has_the_details_that_were_read_before() -> None:
    details = host()
    (event,) = details.add([ended(10, 100)])
    assert (process_of(event).name, process_of(event).cmdline) == ("bash", b"bash\0")
    (event,) = details.add([ended(10, 100)])
    assert process_of(event).name is None


def test_details_of_an_earlier_process_with_the_pid_are_not_used() -> None:
    reused = SHELL._replace(pid=20, start=900, comm="other", name="other")
    (event,) = host(reused).add([started(20, 200)])
    assert process_of(event).name == "bash"
    (event,) = host().add([ended(10, 777)])
    assert process_of(event).name is None


def test_a_program_that_a_known_process_executes_is_a_change_of_its_own() -> None:
    vim = SHELL._replace(comm="vim", name="vim", cmdline=b"vim\0")
    snapshots = [
        Snapshot(MACHINE, (process,), (), users=(), sockets=(), groups=(), troubles=[])
        for process in (SHELL, SHELL, vim)
    ]
    (event,) = ProcessDetails(Memory(*snapshots), LINUX, lambda: 0).add([executed(10, 100)])
    assert isinstance(event, ProcessChanged)
    assert (event.before[0].name, event.after[0].name) == ("bash", "vim")


@pytest.mark.parametrize(("read_at", "name"), [(1, None), (2, "ls")])
def test_a_program_that_was_read_before_its_event_came_is_known(read_at: int, name: str | None) -> None:
    clock = iter((0, read_at))
    ls = SHELL._replace(pid=20, ppid=10, start=201, comm="ls", name="ls", cmdline=b"ls\0", exe="/bin/ls")
    snapshots = [
        Snapshot(MACHINE, processes, (), users=(), sockets=(), groups=(), troubles=[])
        for processes in ((SHELL,), (SHELL,), (SHELL, ls))
    ]
    details = ProcessDetails(Memory(*snapshots), LINUX, lambda: next(clock))
    (begin,) = details.add([started(20, 200)])
    assert process_of(begin).name == "ls"
    # the execution was at 2; it ends in the same batch, so that nothing more can be read
    change, end = details.add([executed(20, 200), ended(20, 200)])
    assert isinstance(change, ProcessChanged)
    assert (change.after[0].name, process_of(end).name) == (name, name)


def test_of_two_programs_of_one_batch_the_first_is_not_known() -> None:
    ls = SHELL._replace(comm="ls", name="ls", cmdline=b"ls\0", exe="/bin/ls")
    snapshots = [
        Snapshot(MACHINE, (process,), (), users=(), sockets=(), groups=(), troubles=[])
        for process in (SHELL, SHELL, ls)
    ]
    clock = iter((0, 9))
    details = ProcessDetails(Memory(*snapshots), LINUX, lambda: next(clock))
    first, second = details.add([executed(10, 100), executed(10, 100)])
    assert isinstance(first, ProcessChanged)
    assert isinstance(second, ProcessChanged)
    assert [event.after[0].name for event in (first, second)] == [None, "ls"]


def test_a_logon_session_without_a_record_may_be_foreign_unless_a_process_shows_that_it_is_not() -> None:
    details = host()
    recorded = Owner("6", "audit", Login("6", 1000, recorded=True))
    for owner, expected in ((Owner("5", "audit"), False), (Owner("6", "audit"), True), (recorded, False)):
        (event,) = details.add([LogonStarted(EventHead(1, 0), LogonSession(owner.logon_id or ""), owner)])
        assert isinstance(event, LogonStarted)
        assert event.session.is_foreign is expected


class Ordinary:
    """The details of processes by their rules alone, fact by fact: nothing is kept for later."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self.known = {process.pid: process._asdict() for process in processes}

    @staticmethod
    def combine(kept: dict[str, Any] | None, event: Process) -> dict[str, Any]:
        """Return what is known of a process, with what an event says."""
        reasons = dict(event.unread or {})
        if kept is None or kept["start"] is None or event.start is None or abs(kept["start"] - event.start) > 2:
            unknown = sorted(EVENT_FACTS - {"ses", "loginuid", "cgroup", "ppid", "start"})
            return event._asdict() | {"unread": dict.fromkeys(unknown, ENDED) | reasons}
        newer = {name: getattr(event, name) for name in ("ses", "loginuid", "cgroup", "ppid")}
        old_reasons = {fact: why for fact, why in (kept["unread"] or {}).items() if fact not in newer}
        known = {name: value for name, value in newer.items() if value is not None}
        return kept | known | {"unread": (old_reasons | reasons) or None}

    @staticmethod
    def without_program(kept: dict[str, Any]) -> dict[str, Any]:
        program = ("comm", "name", "exe", "cmdline")
        return kept | dict.fromkeys(program) | {"unread": (kept["unread"] or {}) | dict.fromkeys(program, ENDED)}

    def add(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Return the processes of the events of a batch, of which nothing can be read."""
        processes, events = list[dict[str, Any]](), list(events)
        while events:
            event = events.pop(0)
            if isinstance(event, ProcessStarted):
                process = event.process
                executed = self._execution(process, events)
                if executed is not None:
                    del events[executed]
                parent = self.known.get(process.ppid or 0)
                kept = self.combine(parent and parent | {"pid": process.pid, "start": process.start}, process)
                self.known[process.pid] = self.without_program(kept) if executed is not None else kept
                processes.append(self.known[process.pid])
            elif isinstance(event, ProcessEnded):
                processes.append(self.combine(self.known.pop(event.process.pid, None), event.process))
            elif isinstance(event, ProcessChanged):
                (before, _), (after, _) = event.before, event.after
                kept = self.known.get(after.pid) or {"start": None}
                processes.append(self.combine(kept, before))
                new = self.combine(kept, after)
                self.known[after.pid] = self.without_program(new) if before == after else new
                processes.append(self.known[after.pid])
        return processes

    @staticmethod
    def _execution(process: Process, later: Sequence[Event]) -> int | None:
        """Return the place of the first event of a process, if it executed a program then."""
        for place, event in enumerate(later):
            if isinstance(event, ProcessChanged) and event.after[0].pid == process.pid:
                return place if event.before == event.after else None
            if isinstance(event, ProcessStarted | ProcessEnded) and event.process.pid == process.pid:
                return None
        return None


OWNER_FACTS: dict[str, tuple[Any, ...]] = {
    "ses": (None, 5, 6), "loginuid": (None, 1000), "cgroup": (None, "/", "/a"), "ppid": (None, 10, 11, 12),
}  # fmt: skip


class Chance:
    """Random processes and events: of few pids, and also such as cannot follow one after the other."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- for a test

    def running(self) -> list[Process]:
        """Return the processes that are read at first."""
        pids, choice = self._random.sample(range(10, 15), self._random.randint(0, 3)), self._random.choice
        return [
            self._with_owner_facts(Process(
                pid, start=choice((100, 200)), comm=choice(("sh", None)), exe="/bin/sh", cmdline=b"sh\0", name="sh",
                utime=choice((1, 2)), unread=choice((None, {}, {"exe": "no"}, {"cgroup": "no", "exe": "no"})),
            ))
            for pid in pids
        ]  # fmt: skip

    def batch(self) -> list[Event]:
        """Return a batch of events."""
        return [self._event(EventHead(number, number)) for number in range(self._random.randint(0, 12))]

    def _event(self, head: EventHead) -> Event:
        kind, choice = self._random.randrange(4), self._random.choice
        process = self._with_owner_facts(
            Process(choice(range(10, 15)), start=choice((None, 100, 101, 200)), unread=choice((None, {"ses": "ended"})))
        )
        if kind == 0:
            return ProcessStarted(head, process, SYSTEM, None)
        if kind == 1:
            return ProcessEnded(head, process, SYSTEM, head.number)
        after = process if kind == 2 else self._with_owner_facts(process)
        return ProcessChanged(head, (process, SYSTEM), (after, SYSTEM))

    def _with_owner_facts(self, process: Process) -> Process:
        return process._replace(**{name: self._random.choice(values) for name, values in OWNER_FACTS.items()})


# a seed in place of strategies for each fact, which take a hundred times as long
@given(st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_what_is_inherited_and_kept_is_what_the_rules_say(seed: int) -> None:
    chance = Chance(seed)
    processes = chance.running()
    snapshots = [
        Snapshot(MACHINE, seen, (), users=(), sockets=(), groups=(), troubles=[]) for seen in (processes, processes, ())
    ]
    details, ordinary = ProcessDetails(Memory(*snapshots), LINUX, lambda: -1), Ordinary(processes)
    for batch in [chance.batch() for _ in range(4)]:
        shown = list[Process]()
        for event in details.add(batch):
            pair = (event.before[0], event.after[0]) if isinstance(event, ProcessChanged) else (process_of(event),)
            shown += pair
        assert [process._asdict() for process in shown] == ordinary.add(batch)
