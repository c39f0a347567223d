"""Tests of broker/event_rows.py: times that agree."""

import time

from logonscope.broker.event_rows import boot_epoch_seconds


def test_the_time_of_the_boot_stays_the_same_and_is_that_of_the_clock() -> None:
    first = boot_epoch_seconds()
    assert boot_epoch_seconds() == first
    assert abs(first + time.clock_gettime(time.CLOCK_BOOTTIME) - time.time()) < 0.1
