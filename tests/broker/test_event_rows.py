"""Tests of broker/event_rows.py: times that agree."""

import time

from logonscope.broker.event_rows import boot_offset


def test_the_time_of_the_boot_stays_the_same_and_is_that_of_the_clock() -> None:
    first = boot_offset()
    assert boot_offset() == first
    assert abs(first + time.clock_gettime(time.CLOCK_BOOTTIME) - time.time()) < 0.1
