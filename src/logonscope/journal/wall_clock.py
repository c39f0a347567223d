"""Conversion of many times since a boot to wall times. The rows of the clock map are read an hour at a time."""

from bisect import bisect_right
from typing import NamedTuple

from logonscope.journal.moments import Moments, wall_without_clock

HOUR_MS = 3_600_000


class ClockSegment(NamedTuple):
    """A part of a boot in which one row of the clock map applies: wall time = offset + time since the boot."""

    first_ms: int
    end_ms: int  # exclusive
    offset: int  # microseconds


Hour = tuple[list[int], list[int]]
"""The rows of the clock map that apply in one hour: ms since the boot, and wall times in microseconds."""


class WallClock:
    """Converts times since a boot to wall times."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._hours: dict[tuple[int, int], Hour] = {}  # by boot and hour since the boot

    def __repr__(self) -> str:
        return f"<WallClock of {len(self._hours)} hours>"

    def wall(self, boot: int, ms: int) -> int:
        """Return a wall time in microseconds; if the clock map has no row of the boot, as ``wall_without_clock``."""
        return self.segment(boot, ms).offset + ms * 1000

    def segment(self, boot: int, ms: int) -> ClockSegment:
        """Return the segment of a time."""
        key = boot, ms // HOUR_MS
        hour = self._hours.get(key)
        if hour is None:
            hour = self._hours[key] = self._read_hour(*key)
        starts, walls = hour
        # if the boot has no row before the hour, its first row applies to earlier times, too
        position = bisect_right(starts, max(ms, starts[0])) - 1
        start, first_ms = starts[position], key[1] * HOUR_MS
        end_ms = starts[position + 1] if position + 1 < len(starts) else first_ms + HOUR_MS
        return ClockSegment(first_ms if ms < start else max(first_ms, start), end_ms, walls[position] - start * 1000)

    def _read_hour(self, boot: int, hour: int) -> Hour:
        first = hour * HOUR_MS
        rows = self._moments.rows_between(boot, first, first + HOUR_MS) or [(first, wall_without_clock(first))]
        return [ms for ms, _ in rows], [wall for _, wall in rows]
