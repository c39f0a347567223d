"""Suspended machines: the clock since boot, in which starts are counted, goes ahead of the clock of events."""

from collections.abc import Iterable

import pytest

from logonscope.sources.live.entries import Change, ProcessReader, ReadFacts
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.records import EXIT, FORK, Batch, Writes

TICK, HOUR = 10_000_000, 3600 * 10**9


class Proc(ProcessReader):
    """Processes as /proc shows them, with starts in ticks since boot."""

    def __init__(self) -> None:
        self.facts = {1: ReadFacts(1, 0, 4294967295, 4294967295, "/init.scope"), 7: ReadFacts(500, 1, 3, 1000, "/a")}

    def read(self, pid: int) -> ReadFacts | None:
        """Read a process."""
        return self.facts.get(pid)

    def read_thread(self, thread: int) -> None:
        """No thread writes here."""

    def exists(self, pid: int) -> bool:
        """Return whether there is such a process."""
        return pid in self.facts

    def existing(self, pids: Iterable[int]) -> set[int]:
        """Return those of the processes that exist."""
        return {pid for pid in pids if pid in self.facts}

    def members(self, cgroup: str) -> Iterable[int]:
        """Return the processes in a cgroup."""
        return [pid for pid, facts in self.facts.items() if facts.cgroup == cgroup]

    def pids(self) -> Iterable[int]:
        """Return all processes."""
        return list(self.facts)


@pytest.mark.parametrize("suspended", [0, 50 * TICK, HOUR])
def test_a_process_that_starts_after_the_machine_was_suspended_is_the_one_of_proc(suspended: int) -> None:
    proc, changes = Proc(), list[Change]()
    index = LiveIndex(proc, lambda _: False, TICK, clock=lambda: 0)
    index.rescan()
    index.report = changes.append
    moment = 1000 * TICK
    index.apply(Batch([(FORK, moment, 7, 7, 20, 20)], Writes(until=moment + 1), boot_offset=0))
    # 20 was forked before, 21 after; both have ended when they are read, 22 lives
    after = moment + 10 * TICK
    proc.facts[22] = ReadFacts((after + 2 * TICK + suspended) // TICK, 7, 3, 1000, "/a")
    records = [
        (EXIT, after, 20, 20, 0, 0),
        (FORK, after + TICK, 7, 7, 21, 21),
        (EXIT, after + TICK, 21, 21, 0, 0),
        (FORK, after + 2 * TICK, 7, 7, 22, 22),
    ]
    index.apply(Batch(records, Writes(until=after + 3 * TICK), boot_offset=suspended))
    ended = {change.before.pid: change.before for change in changes if change.after is None and change.before}
    assert {pid: (state.ses, state.start) for pid, state in ended.items()} == {
        20: (3, moment // TICK),
        21: (3, (after + TICK + suspended) // TICK),
    }
    assert index.entries[22].start == proc.facts[22].start
    assert index.differing(proc.pids()) == []


def test_nothing_is_mended_after_a_machine_was_suspended() -> None:
    proc = Proc()
    index = LiveIndex(proc, lambda _: False, TICK, clock=lambda: 0)
    index.rescan()
    index.apply(Batch((), Writes(until=2000 * TICK), boot_offset=HOUR))
    assert index.rescan() == 0
