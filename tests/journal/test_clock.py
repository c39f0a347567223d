"""The clock map: when a row is due."""

import time

from logonscope.journal.clock import ClockMap, Reading, read_clocks


def test_rows_are_due_each_minute_and_at_steps() -> None:
    clocks = ClockMap()
    assert clocks.step(Reading(0, 0, 60)) == (0,)
    assert clocks.step(Reading(1000, 1_000_000, 60)) is None
    assert clocks.step(Reading(60_000, 60_000_000, 60)) == (None,)
    assert clocks.step(Reading(61_000, 61_200_000, 60)) is None
    assert clocks.step(Reading(62_000, 72_000_000, 60)) == (10_000_000,)
    assert clocks.step(Reading(63_000, 73_000_000, 120)) == (None,)


def test_both_clocks_are_those_of_the_machine() -> None:
    reading = read_clocks()
    assert abs(reading.wall / 1e6 - time.time()) < 60
    assert abs(reading.ms / 1000 - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
