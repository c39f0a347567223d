"""broker/deadline.py: does a source give up in time, wherever it is read?"""

import time
from collections.abc import Iterator

import pytest

from logonscope.broker.deadline import Deadline, within
from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.facts import Account, Process
from logonscope.machine import Needs, Sieve, Snapshot, Source
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT


def slow() -> Source:
    """Return a source that takes its time over each process and each account."""

    def processes() -> Iterator[Process]:
        for pid in range(1, 100):
            time.sleep(0.02)
            yield Process(pid)

    def users() -> Iterator[Account]:
        for uid in range(100):
            time.sleep(0.02)
            yield Account(f"u{uid}", uid, uid, "", "/", "/bin/sh")

    def observe(_: Needs) -> Snapshot:
        return example.snapshot()._replace(processes=processes(), users=users())

    return Source("slow", observe)


@pytest.mark.parametrize("part", ["processes", "users"])
def test_what_takes_too_long_is_given_up_half_way(part: str) -> None:
    items = iter(getattr(within(slow(), Deadline(0.1)).observe(Needs()), part))
    assert next(items)
    with pytest.raises(TimedOutError, match=r"no whole answer within 0\.1 s; ask for less"):
        list(items)


def test_where_nothing_fits_time_is_over_all_the_same() -> None:
    def nothing_fits(process: Process) -> bool:
        time.sleep(0.02)
        return process.pid < 0

    source = within(Memory(example.snapshot()).broker(ROOT).source, Deadline(0.1))
    with pytest.raises(TimedOutError):
        list(source.observe(Needs(sieve=Sieve(frozenset({"comm"}), nothing_fits))).processes)


def test_after_the_time_nothing_more_is_looked_at() -> None:
    source = within(slow(), Deadline(0.01))
    source.observe(Needs())
    time.sleep(0.02)
    with pytest.raises(TimedOutError):
        source.observe(Needs())


def test_what_is_in_time_is_as_it_was() -> None:
    source = within(Source("x", lambda _: example.snapshot()), Deadline(60))
    snapshot = source.observe(Needs())
    assert tuple(snapshot.processes) == example.PROCESSES
    assert snapshot.machine == example.MACHINE


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidParameterError):
        Deadline(seconds)


def test_a_deadline_can_be_moved_and_be_now() -> None:
    deadline = Deadline(0.01)
    source = within(slow(), deadline)
    time.sleep(0.02)
    assert deadline.is_over
    deadline.move(60)
    processes = iter(source.observe(Needs()).processes)
    assert next(processes)
    deadline.cancel()
    with pytest.raises(TimedOutError):
        next(processes)


def test_without_seconds_there_is_no_end() -> None:
    assert not Deadline().is_over


def test_a_deadline_that_follows_another_is_over_when_that_is() -> None:
    own, first, second = Deadline(60), Deadline(60), Deadline(60)
    own.follow(first)
    first.cancel()
    with pytest.raises(TimedOutError):
        own.check()
    assert own.is_over
    own.follow(second)
    own.check()
