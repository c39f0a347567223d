"""sources/linux/patience.py: does a read that never returns cost its own value, and nothing else?"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.sources.linux.patience import BATCH, MOST_LEFT_BEHIND, each, within

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


@given(st.lists(st.integers(1), max_size=5 * BATCH))
def test_values_come_in_the_order_of_the_items(items: list[int]) -> None:
    assert list(each(iter(items), lambda item: item, negative, LATE)) == items


@given(st.sets(st.integers(1, 3 * BATCH), max_size=MOST_LEFT_BEHIND - 1))
@settings(max_examples=12)
def test_what_hangs_is_replaced_and_all_else_is_read(stuck: set[int]) -> None:
    with Hanging(*stuck) as read:
        values = list(each(iter(range(1, 3 * BATCH + 1)), read, negative, SOON))
    assert values == [-item if item in stuck else item for item in range(1, 3 * BATCH + 1)]


def test_once_too_many_hang_nothing_more_is_tried() -> None:
    with Hanging(*range(10, 100, 10)) as read:
        values = list(each(iter(range(1, 101)), read, negative, SOON))
        asked = list(read.asked)
    last = 10 * MOST_LEFT_BEHIND
    assert asked == list(range(1, last + 1))
    assert values == [-item if item > last or item % 10 == 0 else item for item in range(1, 101)]


def test_one_hanging_read_delays_the_answer_by_hardly_more_than_its_deadline() -> None:
    began = time.monotonic()
    with Hanging(20) as hanging:

        def read(item: int) -> int:
            time.sleep(0.02)
            return hanging(item)

        assert len(list(each(iter(range(1, 41)), read, negative, 3.0))) == 40
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


@pytest.mark.parametrize("stuck", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH])
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

    values = list(each(iter(range(1, 3 * BATCH + 1)), read, negative, LastMoment(SOON, come_back)))
    assert [abs(value) for value in values] == list(range(1, 3 * BATCH + 1))


def test_a_slow_reader_of_the_answer_is_no_hanging_read() -> None:
    values = []
    for value in each(iter(range(1, 4 * BATCH)), lambda item: item, negative, SOON):
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

    answer = each(items(), lambda item: item, negative, LATE)
    assert isinstance(answer, Iterator)
    assert next(answer) == 1
    answer.close()  # type: ignore[attr-defined]  # each is a generator function
    time.sleep(0.3)
    kept = len(taken)
    time.sleep(0.2)
    assert len(taken) == kept <= 5 * BATCH


def test_reading_runs_only_a_little_ahead() -> None:
    with Hanging() as read:
        answer = each(iter(range(1, 100 * BATCH)), read, negative, LATE)
        assert next(answer) == 1
        time.sleep(0.2)
        assert len(read.asked) <= 5 * BATCH


def test_an_error_of_the_read_reaches_whoever_asked() -> None:
    with pytest.raises(ZeroDivisionError):
        list(each(iter([1, 0, 2]), lambda item: 1 / item, negative, LATE))


def test_an_error_of_the_items_reaches_whoever_asked() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise RuntimeError("listing failed")

    with pytest.raises(RuntimeError, match="listing failed"):
        list(each(items(), lambda item: item, negative, LATE))


def test_within_its_time_a_call_returns_its_value() -> None:
    assert within(LATE, lambda: "value") == "value"
    assert within(LATE, lambda: None) is None


def test_an_error_of_the_call_reaches_whoever_asked() -> None:
    with pytest.raises(ZeroDivisionError):
        within(LATE, lambda: 1 / 0)


def test_a_call_that_hangs_is_left_behind() -> None:
    over = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.15 s"):
        within(SOON, lambda: over.wait(LATE))
    assert time.monotonic() - began < 5
    over.set()
