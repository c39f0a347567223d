"""Clocks of the journal: the time since the boot, and the wall time at the same moment.

The clock map is the table ``moment``, whose rows have both times.
"""

import time
from typing import NamedTuple, Protocol

MOMENT_MS = 60_000
"""A row of the clock map is written at most once in so many ms, unless the clock is set or the UTC offset changes."""

STEP_US = 250_000
"""If the difference of the clocks changed by more microseconds, the wall clock was set. adjtime(3) cannot be the cause:
in a minute, it changes the wall clock by 30,000 microseconds."""


class Reading(NamedTuple):
    """Both clocks at one moment."""

    ms: int  # since the boot, with the time of suspension
    wall: int  # the wall time, in microseconds since the epoch
    utc_offset: int | None = None  # minutes by which local time is ahead of UTC


class Clock(Protocol):
    """Reads both clocks."""

    def __call__(self) -> Reading:
        """Return both clocks."""
        ...


def read_clocks() -> Reading:
    """Read the clocks of this machine, as close together as possible."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    wall = time.time_ns() // 1000
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    ms, rest = divmod((before + after) // 2, 1_000_000)
    # the wall time of the beginning of that millisecond
    return Reading(ms, wall - rest // 1000, time.localtime(wall / 1e6).tm_gmtoff // 60)


class ClockMap:
    """Decides when a row of the clock map is written."""

    def __init__(self) -> None:
        self._last: Reading | None = None

    def __repr__(self) -> str:
        return f"<ClockMap {self._last}>"

    def step(self, reading: Reading) -> tuple[int | None] | None:
        """Return the value of the column ``stepped`` of the row that is due, in a tuple; None: no row is due."""
        last = self._last
        if last is None:
            self._last = reading
            return (0,)
        step = (reading.wall - last.wall) - (reading.ms - last.ms) * 1000
        is_step = abs(step) > STEP_US
        if not is_step and reading.ms - last.ms < MOMENT_MS and reading.utc_offset == last.utc_offset:
            return None
        self._last = reading
        return (step if is_step else None,)
