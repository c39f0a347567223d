"""Tests of machine/look.py: a request ends at its deadline wherever it reads, and each trouble is reported once."""

import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.facts import Account, Machine, Process
from logonscope.machine import AccountQuery, BaseSource, Deadline, EarlyFilter, Look, Part, ProcessQuery, Trouble
from tests import example
from tests.broker.memory import Memory


class Slow(BaseSource):
    """A source that takes its time over each process and each account."""

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del look, parts
        return example.MACHINE

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        del look, query
        for pid in range(1, 100):
            time.sleep(0.02)
            yield Process(pid)

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        for uid in range(100):
            time.sleep(0.02)
            yield Account(f"u{uid}", uid, uid, "", "/", "/bin/sh")


def processes(look: Look) -> Iterator[Process]:
    """Return the processes of a slow source."""
    return Slow().processes(look, ProcessQuery())


def users(look: Look) -> Iterator[Account]:
    """Return the accounts of a slow source."""
    found, _ = Slow().accounts(look, AccountQuery(users="ALL"))
    return found


@pytest.mark.parametrize("read", [processes, users])
def test_what_takes_too_long_is_given_up_half_way(read: Callable[[Look], Iterator[object]]) -> None:
    items = read(Look(Deadline(0.1)))
    assert next(items)
    with pytest.raises(TimedOutError, match=r"no complete answer within 0\.1 s; request less"):
        list(items)


def test_where_nothing_fits_time_is_over_all_the_same() -> None:
    def nothing_fits(process: Process) -> bool:
        time.sleep(0.02)
        return process.pid < 0

    query = ProcessQuery(early_filter=EarlyFilter(frozenset({"comm"}), nothing_fits))
    with pytest.raises(TimedOutError):
        list(Memory(example.snapshot()).processes(Look(Deadline(0.1)), query))


def test_after_the_time_nothing_more_is_looked_at() -> None:
    look = Look(Deadline(0.01))
    processes(look)
    time.sleep(0.02)
    for read in (processes, users):
        with pytest.raises(TimedOutError):
            read(look)


def test_what_is_in_time_is_as_it_was() -> None:
    source, look = Memory(example.snapshot()), Look(Deadline(60))
    facts = frozenset(Process._fields) - {"pid", "unread"}
    assert tuple(source.processes(look, ProcessQuery(facts))) == example.PROCESSES
    assert source.machine(look) == example.MACHINE


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidParameterError, match=f"invalid timeout {seconds:g} s: must be greater than 0"):
        Deadline(seconds)


def test_a_deadline_can_be_moved_and_be_now() -> None:
    deadline = Deadline(0.01)
    look = Look(deadline)
    time.sleep(0.02)
    assert deadline.is_over
    deadline.move(60)
    found = processes(look)
    assert next(found)
    deadline.cancel()
    with pytest.raises(TimedOutError):
        next(found)


def test_without_seconds_there_is_no_end() -> None:
    assert not Deadline().is_over
    Look().check()


def test_a_deadline_that_follows_another_is_over_when_that_is() -> None:
    own, first, second = Deadline(60), Deadline(60), Deadline(60)
    own.follow(first)
    first.cancel()
    with pytest.raises(TimedOutError, match="the request was cancelled"):
        own.check()
    assert own.is_over
    assert own.seconds_left == 0
    own.follow(second)
    own.check()


def test_the_message_names_the_seconds_of_the_deadline_that_ended() -> None:
    own, followed = Deadline(60), Deadline(1e-9)
    own.follow(followed)
    with pytest.raises(TimedOutError, match="no complete answer within 1e-09 s"):
        own.check()


def test_the_seconds_left_are_those_of_the_deadline_that_ends_first() -> None:
    endless, long, short = Deadline(), Deadline(60), Deadline(30)
    assert endless.seconds_left is None
    for own, followed in ((endless, short), (long, short), (short, Deadline(60)), (short, Deadline())):
        own.follow(followed)
        assert own.seconds_left == pytest.approx(30, abs=5)


def test_a_trouble_is_reported_once_and_each_question_has_its_own() -> None:
    trouble, other = Trouble("a", "b", "c"), Trouble("a", "b", "d")
    look, later = Look(), Look()
    for one in (trouble, other, Trouble("a", "b", "c")):
        look.report(one)
    assert look.troubles == [trouble, other]
    assert later.troubles == []


def test_items_come_until_the_time_is_over() -> None:
    assert list(Look().checked([1, 2])) == list(Look(Deadline(60)).checked([1, 2])) == [1, 2]
    deadline = Deadline(60)
    items = Look(deadline).checked([1, 2, 3])
    assert next(items) == 1
    deadline.cancel()
    with pytest.raises(TimedOutError):
        next(items)
