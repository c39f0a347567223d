"""The live index: after any history it shows what the kernel shows, and an ended process has its own logon or none."""

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.facts import UNSET
from logonscope.sources.live.entries import Change
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.places import memberships_in
from logonscope.sources.live.records import EXIT, FORK, Batch
from tests.sources.live.kernel_model import CGROUPS, PIDS, TICK, KernelModel, is_login_cgroup

EXAMPLES = int(os.environ.get("LOGONSCOPE_FUZZ", "200"))

NUMBER = st.integers(0, 40)
OPERATIONS = st.one_of(
    st.tuples(st.just("fork"), NUMBER),
    st.tuples(st.just("fork"), NUMBER),
    st.tuples(st.just("clone_parent"), NUMBER),
    st.tuples(st.just("spawn_into"), NUMBER, NUMBER),
    st.tuples(st.just("thread"), NUMBER),
    st.tuples(st.just("login"), NUMBER, st.integers(1, 6)),
    st.tuples(st.just("login"), NUMBER, st.integers(1, 6)),
    st.tuples(st.just("move"), NUMBER, NUMBER),
    st.tuples(st.just("execute"), NUMBER),
    st.tuples(st.just("end_thread"), NUMBER),
    st.tuples(st.just("end_thread"), NUMBER),
    st.tuples(st.just("reap"), NUMBER),
    st.tuples(st.just("reap"), NUMBER),
    st.tuples(st.just("become_subreaper"), NUMBER),
)
LOSS = st.tuples(st.just("lose"), NUMBER)
HANGING = st.tuples(st.just("hang"), NUMBER) | st.tuples(st.just("go_on"), NUMBER)


def steps_of(operations: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return histories: operations, and moments at which the events are read."""
    return st.lists(
        st.tuples(st.sampled_from(["now", "now", "now", "during"]), operations) | st.just("drain"), max_size=60
    )


class Run:
    """A history of a modelled kernel, read by an index; operations "during" happen while it reads."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps = list(steps)
        self.kernel = KernelModel()
        self.kernel.before_read = self.operate_during
        self.index = LiveIndex(self.kernel, is_login_cgroup, TICK, clock=lambda: self.kernel.now)
        self.changes: list[Change] = []
        self.index.report = self.changes.append
        self.drain()

    def operate_during(self) -> None:
        """Perform the next operation if it is one that happens during a reading."""
        if self.steps and self.steps[0] != "drain" and self.steps[0][0] == "during":
            self.operate(self.steps.pop(0)[1])

    def operate(self, operation: tuple[Any, ...]) -> None:
        """Perform an operation."""
        name, *numbers = operation
        kernel = self.kernel
        if name == "clone_parent":
            kernel.fork(*numbers, clone_parent=True)
        elif name == "spawn_into":
            kernel.fork(numbers[0], into=CGROUPS[numbers[1] % len(CGROUPS)])
        else:
            getattr(kernel, name)(*numbers)

    def drain(self) -> None:
        """Read the events, as the live host does."""
        self.index.apply(self.kernel.take_batch(), self.kernel.take_writes)
        if self.index.needs_rescan:
            self.index.rescan()
        self.index.read_unread(10)

    def play(self) -> None:
        """Play all steps, then read all events."""
        while self.steps:
            step = self.steps.pop(0)
            if step == "drain":
                self.drain()
            else:
                self.operate(step[1])
        for _ in range(PIDS):
            self.kernel.go_on(0)
        self.drain()
        self.drain()
        self.drain()


def owner(ses: int | None, cgroup: str | None) -> str:
    """Return a word for the owner of a process, or "unknown"."""
    if ses is None or (ses == UNSET and cgroup is None):
        return "unknown"
    if ses != UNSET:
        return f"audit {ses}"
    return f"scope {cgroup}" if is_login_cgroup(cgroup or "") else "System"


def check(run: Run) -> None:
    """Check the index and the ends that it reported against the history of the kernel."""
    kernel, index = run.kernel, run.index
    shown = {
        pid: (group.start // TICK, 0 if group.parent is None else group.parent.pid, *group.ids)
        for pid, group in kernel.groups.items()
    }
    held = {pid: (e.start, e.parent, e.place.ses, e.place.loginuid, e.place.cgroup) for pid, e in index.entries.items()}
    assert held == shown
    assert sorted(memberships_in(index.places), key=str) == sorted(
        ((pid, facts[2], facts[4]) for pid, facts in shown.items()), key=str
    )
    assert {pid: set(index.children(pid)) for pid in shown} == {
        pid: {child for child, facts in shown.items() if facts[1] == pid} for pid in shown
    }
    for change in run.changes:
        if change.after is None:
            assert change.before is not None
            ended = change.before
            # the event of a fork may come later than the start
            start = max(start for pid, start in kernel.history if pid == ended.pid and start <= ended.start)
            true_ses, _, true_cgroup = kernel.history[ended.pid, start]
            assert owner(ended.ses, ended.cgroup) in {"unknown", owner(true_ses, true_cgroup)}
    # nothing is left over of processes that have ended
    assert all(entry.doubt >= 0 for entry in index.entries.values())


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps_of(OPERATIONS))
def test_the_index_is_what_the_kernel_shows_and_ended_processes_have_their_own_logon(steps: list[Any]) -> None:
    run = Run(steps)
    run.play()
    check(run)


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(steps_of(OPERATIONS | LOSS))
def test_after_a_loss_all_is_read_again_and_what_is_not_known_is_not_guessed(steps: list[Any]) -> None:
    run = Run(steps)
    run.play()
    check(run)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps_of(OPERATIONS | LOSS | HANGING))
def test_a_process_whose_reading_hangs_is_read_later_and_nothing_is_guessed(steps: list[Any]) -> None:
    run = Run(steps)
    run.play()
    check(run)
    assert not run.index.unread


def test_a_process_that_hangs_from_the_beginning_is_counted_until_it_goes_on() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    kernel.hang(1)
    kernel.fork(0)
    kernel.login(1, 1)  # 3
    run.index = LiveIndex(kernel, is_login_cgroup, TICK, clock=lambda: kernel.now)
    kernel.take_batch()
    run.drain()
    assert run.index.unread == {2}
    assert {pid: entry.place.ses for pid, entry in run.index.entries.items()} == {1: UNSET, 3: 1}
    kernel.go_on(0)
    run.drain()
    assert not run.index.unread
    assert set(run.index.entries) == {1, 2, 3}


def test_a_process_that_begins_to_hang_keeps_what_is_known_of_it() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    kernel.login(1, 1)
    run.drain()
    kernel.hang(1)
    kernel.move(0, 0)
    run.drain()
    assert run.index.entries[2].place.ses == 1


def test_a_write_that_is_read_with_forks_of_the_same_batch_decides_no_other_process() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)  # 2, a daemon
    run.drain()
    kernel.fork(1)  # 3, before the login
    kernel.login(1, 1)  # 2 logs in
    kernel.fork(1)  # 4, after it
    for _ in range(2):  # both end, and are reaped, before anything is read
        kernel.end_thread(2)
        kernel.reap(0)
    run.drain()
    ends = {change.before.pid: change.before for change in run.changes if change.before and not change.after}
    assert {pid: end.ses for pid, end in ends.items()} == {3: None, 4: None}
    assert run.index.counts.logons_not_determined == 2
    assert run.index.entries[2].place.ses == 1


def test_starts_are_right_after_the_machine_was_suspended() -> None:
    run = Run([])
    run.kernel.fork(0)
    run.drain()
    # the clock since the boot counts the suspended time, the clock of the events does not
    batch = Batch([(FORK, run.kernel.now, 1, 1, 9, 9), (EXIT, run.kernel.now, 9, 9, 0, 17)], boot_offset=30 * 10**9)
    run.index.apply(batch)
    ended = [change.before for change in run.changes if change.before and not change.after]
    assert [(state.pid, state.start) for state in ended] == [(9, (run.kernel.now + 30 * 10**9) // TICK)]
    assert set(run.index.entries) == {1, 2}


def test_the_counts_are_of_what_was_lost() -> None:
    run = Run([])
    run.kernel.fork(0)
    run.kernel.fork(0)
    run.kernel.lose(0)
    run.drain()
    assert (run.index.counts.lost_events, run.index.counts.losses) == (2, 1)
    assert set(run.index.entries) == {1, 2, 3}
    assert not run.index.needs_rescan


def test_an_end_is_reported_once_also_if_the_pid_comes_back_at_once() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    run.drain()
    kernel.end_thread(1)
    run.drain()  # a zombie
    kernel.reap(0)
    kernel.fork(0)
    run.drain()
    kernel.thread(1)
    kernel.execute(2)  # by the other thread: the first one ends
    kernel.end_thread(1)
    kernel.reap(0)
    run.drain()
    assert [change.before.pid for change in run.changes if change.before and not change.after] == [2, 2]


def test_a_zombie_whose_end_was_lost_leaves_when_it_is_reaped() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    kernel.end_thread(1)
    kernel.lose(0)
    run.drain()
    assert set(run.index.entries) == {1, 2}
    assert run.index.has_zombies
    kernel.reap(0)
    run.drain()
    assert set(run.index.entries) == {1}


def test_comparing_finds_what_no_event_reported() -> None:
    run = Run([("now", ("fork", 0)), ("now", ("fork", 1)), ("now", ("login", 1, 1)), "drain"])
    run.play()
    assert run.index.differing(run.kernel.pids()) == []
    run.kernel.groups[3].cgroup = CGROUPS[1]  # as by CLONE_INTO_CGROUP: there is no event
    assert run.index.differing(run.kernel.pids()) == [3]
    assert run.index.mend([3]) == 1
    assert (3, UNSET, CGROUPS[1]) in memberships_in(run.index.places)
    assert [pid for pid, _, _ in memberships_in(run.index.places.of_kernel_id(1))] == [2]
    assert list(run.index.children(2)) == [3]


def test_a_zombie_that_is_reaped_without_an_event_leaves_with_the_next_batch_even_an_empty_one() -> None:
    run = Run([("now", ("fork", 0)), "drain", ("now", ("end_thread", 1))])
    run.play()
    zombies = [entry.pid for entry in run.index.entries.values() if entry.ended]
    assert zombies
    run.operate(("reap", 0))
    assert run.kernel.take_batch().is_empty
    run.drain()
    check(run)
    assert not any(entry.ended for entry in run.index.entries.values())


def test_the_end_of_a_first_thread_is_not_that_of_its_process() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    kernel.thread(1)
    run.drain()
    kernel.end_thread(1)  # the first one
    run.drain()
    kernel.now += 1_000_000_000
    run.drain()
    assert run.index.outlived.is_waiting
    kernel.end_thread(1)
    run.drain()
    assert 2 in run.index.entries
    kernel.reap(0)
    before = len(run.changes)
    run.drain()
    ((moment, _, _, status),) = run.changes[before:]
    assert (moment, status) == (0, None)  # neither is known
    kernel.fork(0)
    run.drain()
    assert not run.index.outlived.is_waiting


def test_a_zombie_that_waits_keeps_its_end_and_its_status() -> None:
    run = Run([])
    kernel = run.kernel
    kernel.fork(0)
    run.drain()
    kernel.end_thread(1)
    run.drain()
    kernel.now += 1_000_000_000
    run.drain()
    kernel.reap(0)
    run.drain()
    change = run.changes[-1]
    assert (change.after, change.status) == (None, 0)
    assert change.kernel_ns > 0
    assert not run.index.outlived.is_waiting
