"""Tests of broker/polling_budget.py: how often one caller's polled classes are read, by what reading them takes."""

import time

import pytest

from logonscope.broker.polling_budget import MAX_CALLERS, PollingBudget


class Clock:
    """The monotonic clock, as the tests set it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the moment."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)  # minutes of polling, without waiting
    return clock


def seconds_used(clock: Clock, *, classes: int, cost: float, duration: float) -> float:
    """Read so many classes whenever they are due, at a second's interval; return the seconds used."""
    budget = PollingBudget()
    due, used, end = [clock.now] * classes, 0.0, clock.now + duration
    while min(due) < end:
        index = due.index(min(due))
        clock.now = max(clock.now, due[index])
        used += cost
        due[index] = budget.next_reading("alice", 1.0, cost)
    return used


def test_a_cheap_class_is_read_as_often_as_asked_for(clock: Clock) -> None:
    assert seconds_used(clock, classes=1, cost=0.05, duration=100) == pytest.approx(5)


@pytest.mark.parametrize(("classes", "cost"), [(45, 0.022), (45, 1.0), (1, 3.0), (1000, 0.5)])
def test_all_classes_of_a_caller_take_a_tenth_of_the_time(clock: Clock, classes: int, cost: float) -> None:
    used = seconds_used(clock, classes=classes, cost=cost, duration=10_000)
    # every class is read once at its beginning, whatever it costs
    assert used <= 10_000 / 9 + classes * cost


def test_callers_do_not_wait_for_each_other(clock: Clock) -> None:
    budget = PollingBudget()
    budget.next_reading("alice", 1.0, 100.0)
    assert budget.next_reading("bob", 1.0, 0.01) == clock.now + 1.0


def test_callers_without_debt_are_forgotten(clock: Clock) -> None:
    budget = PollingBudget()
    budget.next_reading("alice", 1.0, 100.0)
    for number in range(3 * MAX_CALLERS):
        clock.now += 0.2
        budget.next_reading(number, 1.0, 0.01)
    assert repr(budget) <= "<PollingBudget of 999 callers>"
    assert budget.next_reading("alice", 1.0, 0.0) == pytest.approx(1900)
