"""Tests of sources/linux/timeouts.py: a read that never returns costs only its own value."""

import contextlib
import gc
import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.sources.linux.timeouts import (
    BATCH,
    MAX_ABANDONED,
    MAX_BATCH,
    MAX_IDLE,
    AbandonedCallError,
    CallPool,
    ChainedReads,
    TooManyHungCallsError,
    call_within,
    read_each,
)

pytestmark = pytest.mark.usefixtures("promptly")

SOON = 0.15
LATE = 5.0


def negative(item: int) -> int:
    """Stand in for a value that does not come."""
    return -item


class Hanging:
    """A read that does not return for some items, until the test is over."""

    def __init__(self, *stuck: int) -> None:
        self.asked: list[int] = []
        self._stuck = stuck
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Hang from now on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the threads that were left behind."""
        self._over.set()

    def __call__(self, item: int) -> int:
        """Read an item."""
        self.asked.append(item)
        if item in self._stuck:
            self._over.wait(LATE)
        return item


@given(st.integers(0, 5 * MAX_BATCH), st.randoms())
def test_values_are_in_the_order_of_the_items(count: int, random: Random) -> None:
    items = [random.randrange(1, 1 << 32) for _ in range(count)]
    assert list(read_each(iter(items), lambda item: item, negative, LATE)) == items


@given(st.sets(st.integers(1, 3 * MAX_BATCH), max_size=MAX_ABANDONED - 1))
@settings(max_examples=12)
def test_what_hangs_is_replaced_and_all_else_is_read(stuck: set[int]) -> None:
    with Hanging(*stuck) as read:
        values = list(read_each(iter(range(1, 3 * MAX_BATCH + 1)), read, negative, SOON))
    assert values == [-item if item in stuck else item for item in range(1, 3 * MAX_BATCH + 1)]


def test_once_too_many_hang_nothing_more_is_tried() -> None:
    with Hanging(*range(10, 100, 10)) as read:
        values = list(read_each(iter(range(1, 101)), read, negative, SOON))
        asked = list(read.asked)
    last = 10 * MAX_ABANDONED
    assert asked == list(range(1, last + 1))
    assert values == [-item if item > last or item % 10 == 0 else item for item in range(1, 101)]


def test_one_hanging_read_delays_the_answer_by_hardly_more_than_its_deadline() -> None:
    began = time.monotonic()
    with Hanging(20) as hanging:

        def read(item: int) -> int:
            time.sleep(0.02)
            return hanging(item)

        assert len(list(read_each(iter(range(1, 41)), read, negative, 3.0))) == 40
    assert time.monotonic() - began < 0.8 + 3.0 + 1.5


class LastMoment(float):
    """A deadline that has just passed when the hanging read comes back after all."""

    def __new__(cls, seconds: float, come_back: Callable[[], object]) -> Self:
        """Make it of a number of seconds, and of what happens as it passes."""
        deadline = super().__new__(cls, seconds)
        deadline.come_back = come_back
        return deadline

    come_back: Callable[[], object]

    def __le__(self, elapsed: float) -> bool:
        """Let the read come back while it is being judged too late."""
        late = super().__le__(elapsed)
        if late:
            self.come_back()
        return late


@pytest.mark.parametrize("stuck", [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH, 3 * BATCH + 1, 3 * BATCH + MAX_BATCH])
def test_a_read_that_returns_at_the_last_moment_loses_nothing(stuck: int) -> None:
    back, went_on = threading.Event(), threading.Event()

    def read(item: int) -> int:
        if item == stuck:
            back.wait(LATE)
        if item == stuck + BATCH // 2:
            went_on.set()
        return item

    def come_back() -> None:
        back.set()
        went_on.wait(0.3)

    values = list(read_each(iter(range(1, 3 * MAX_BATCH + 1)), read, negative, LastMoment(SOON, come_back)))
    assert [abs(value) for value in values] == list(range(1, 3 * MAX_BATCH + 1))


def test_a_slow_reader_of_the_answer_is_no_hanging_read() -> None:
    values = []
    for value in read_each(iter(range(1, 4 * BATCH)), lambda item: item, negative, SOON):
        if value % BATCH == 0:
            time.sleep(3 * SOON)
        values.append(value)
    assert values == list(range(1, 4 * BATCH))


def test_an_answer_that_is_given_up_ends_the_reading() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in itertools.count(1):
            taken.append(item)
            yield item

    answer = read_each(items(), lambda item: item, negative, LATE)
    assert isinstance(answer, Iterator)
    assert next(answer) == 1
    answer.close()  # type: ignore[attr-defined]  # each is a generator function
    time.sleep(0.3)
    kept = len(taken)
    time.sleep(0.2)
    assert len(taken) == kept <= 7 * BATCH


def test_reading_runs_only_a_little_ahead() -> None:
    with Hanging() as read:
        answer = read_each(iter(range(1, 100 * BATCH)), read, negative, LATE)
        assert next(answer) == 1
        time.sleep(0.2)
        # a batch that is being given out, one in the queue, and one that waits; each is larger than the one before
        assert len(read.asked) <= BATCH + 2 * BATCH + 4 * BATCH


def test_an_error_of_the_read_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(read_each(iter([1, 0, 2]), lambda item: 1 / item, negative, LATE))


def test_an_error_of_the_items_reaches_the_caller() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise RuntimeError("listing failed")

    with pytest.raises(RuntimeError, match="listing failed"):
        list(read_each(items(), lambda item: item, negative, LATE))


def test_within_its_time_a_call_returns_its_value() -> None:
    assert call_within(LATE, lambda: "value") == "value"
    assert call_within(LATE, lambda: None) is None


def test_an_error_of_the_call_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        call_within(LATE, lambda: 1 / 0)


def test_a_call_that_hangs_is_left_behind() -> None:
    over = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.15 s"):
        call_within(SOON, lambda: over.wait(LATE))
    assert time.monotonic() - began < 5
    over.set()


# Reads that follow from each other


def test_each_read_names_the_next_until_there_is_none_or_no_value() -> None:
    halves = ChainedReads(40, lambda number: None if number == 5 else number, lambda values: values[-1] // 2 or None)
    assert halves.run() == [40, 20, 10]
    assert ChainedReads(3, lambda number: number, lambda values: values[-1] // 2 or None).run() == [3, 1]


def test_what_was_read_before_a_read_that_hangs_is_kept_and_nothing_later_is_added() -> None:
    with Hanging(3) as read:
        reads = ChainedReads(1, read, lambda values: values[-1] + 1 if values[-1] < 9 else None)
        with pytest.raises(AbandonedCallError) as abandoned:
            CallPool().call(SOON, reads.run)
        assert (reads.end(), reads.values) == (3, [1, 2])
    end = time.monotonic() + LATE
    while not abandoned.value.is_over():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (reads.values, read.asked) == ([1, 2], [1, 2, 3])


# Calls that run one by one


def test_a_call_runs_in_a_thread_that_is_kept_for_the_next_one() -> None:
    pool = CallPool()
    threads = {pool.call(LATE, threading.current_thread) for _ in range(20)}
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_the_thread_is_kept_after_an_error_too() -> None:
    pool, seen = CallPool(), list[threading.Thread]()

    def fail() -> None:
        seen.append(threading.current_thread())
        raise KeyError("not there")

    for _ in range(2):
        with pytest.raises(KeyError, match="not there"):
            pool.call(LATE, fail)
    assert [pool.call(LATE, threading.current_thread)] * 2 == seen


def test_neither_a_call_nor_its_value_is_kept_with_the_thread() -> None:
    class Thing:
        """Something that would be in memory still."""

    pool, thing = CallPool(), Thing()
    kept = weakref.ref(thing)

    def pass_on(it: Thing) -> Thing:
        return it

    assert pool.call(LATE, partial(pass_on, thing)) is thing
    del thing
    gc.collect()
    assert kept() is None


def test_of_many_threads_that_were_needed_at_once_a_few_are_kept() -> None:
    pool, together = CallPool(), threading.Barrier(3 * MAX_IDLE)
    helpers: list[threading.Thread] = []

    def meet() -> None:
        helpers.append(threading.current_thread())
        together.wait(LATE)

    in_parallel(3 * MAX_IDLE, lambda _: pool.call(LATE, meet))
    assert len(set(helpers)) == 3 * MAX_IDLE
    eventually(lambda: sum(helper.is_alive() for helper in helpers) == MAX_IDLE)
    assert pool.call(LATE, threading.current_thread) in helpers


def test_a_thread_that_was_left_behind_ends_once_its_call_returns() -> None:
    pool, over = CallPool(), threading.Event()
    helpers: list[threading.Thread] = []

    def hang() -> None:
        helpers.append(threading.current_thread())
        over.wait(LATE)

    with pytest.raises(TimeoutError, match=r"no answer within 0\.15 s"):
        pool.call(SOON, hang)
    assert helpers[0].is_alive()
    assert pool.call(LATE, threading.current_thread) not in helpers
    over.set()
    eventually(lambda: not helpers[0].is_alive())


def test_where_too_many_calls_hang_no_other_is_tried_until_one_returns() -> None:
    pool = CallPool(max_abandoned=2)
    first, second = threading.Event(), threading.Event()
    for over in (first, second):
        assert pool.call(LATE, lambda: 7) == 7
        with pytest.raises(TimeoutError) as late:
            pool.call(SOON, partial(over.wait, LATE))
        assert not isinstance(late.value, TooManyHungCallsError)
    tried: list[int] = []
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TooManyHungCallsError, match=r"not tried: too many other calls hang"):
            pool.call(2, lambda: tried.append(1))
    assert (tried, time.monotonic() - began < 1) == ([], True)
    assert CallPool().call(LATE, lambda: 7) == 7
    first.set()
    eventually(lambda: goes(pool))
    second.set()


def test_a_call_that_returns_at_the_last_moment_gives_its_own_value_or_is_late_and_none_is_lost() -> None:
    pool = CallPool(max_abandoned=1000)
    late = 0
    for number in range(400):
        try:
            assert pool.call(0.001, partial(after, 0.0002 * (number % 10), number)) == number
        except TimeoutError:
            late += 1
    assert 0 < late < 400
    assert pool.call(LATE, lambda: "still there") == "still there"


def test_calls_from_many_threads_give_each_its_own_value() -> None:
    pool = CallPool(max_abandoned=1000)
    wrong: list[tuple[int, int]] = []

    def ask(caller: int) -> None:
        for number in range(100):
            mine = 1000 * caller + number
            with contextlib.suppress(TimeoutError):
                got = pool.call(0.002, partial(after, 0.0005 * (number % 6), mine))
                if got != mine:
                    wrong.append((got, mine))

    in_parallel(8, ask)
    assert wrong == []


def after(seconds: float, value: int) -> int:
    """Return a value, a little later."""
    time.sleep(seconds)
    return value


def goes(pool: CallPool) -> bool:
    """Return whether a call is tried."""
    try:
        return pool.call(LATE, lambda: True)
    except TooManyHungCallsError:
        return False


def in_parallel(count: int, run: Callable[[int], object]) -> None:
    """Run something in so many threads at once."""
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * LATE)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for something that comes soon."""
    until = time.monotonic() + LATE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_where_no_thread_can_be_started_reads_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert CallPool().call(1, partial(int, "7")) == 7
    assert list(read_each(iter([1, 2, 3]), str, repr, 1)) == ["1", "2", "3"]
