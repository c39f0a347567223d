"""broker/event_rows.py: what became of a process, and times that agree."""

import time

import pytest

from logonscope.broker.event_rows import boot_offset, split_status


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0, (0, None)), (3 << 8, (3, None)), (9, (None, 9)), (139, (None, 11)), (None, (None, None))],
)
def test_a_status_is_an_exit_code_or_a_signal(status: int | None, expected: tuple[int | None, int | None]) -> None:
    assert split_status(status) == expected


def test_the_time_of_the_boot_stays_the_same_and_is_that_of_the_clock() -> None:
    first = boot_offset()
    assert boot_offset() == first
    assert abs(first + time.clock_gettime(time.CLOCK_BOOTTIME) - time.time()) < 0.1
