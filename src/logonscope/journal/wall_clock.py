"""Wall times of many times since a boot, by the rows of the clock map, which are read by the hour."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from logonscope.journal.moments import Moments

HOUR_MS = 3_600_000


class ClockSegment(NamedTuple):
    """A part of a boot in which one row of the clock map holds: wall time = offset + time since the boot."""

    first_ms: int
    end_ms: int  # exclusive
    offset: int  # microseconds


class WallClock:
    """Wall times of times since a boot."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._hours: dict[tuple[int, int], Sequence[ClockSegment]] = {}  # by boot and hour since the boot

    def __repr__(self) -> str:
        return f"<WallClock of {len(self._hours)} hours>"

    def wall(self, boot: int, ms: int) -> int:
        """Return a wall time in microseconds."""
        return self.segment(boot, ms).offset + ms * 1000

    def segment(self, boot: int, ms: int) -> ClockSegment:
        """Return the segment of a time: what is near to it often belongs to the same one."""
        key = boot, ms // HOUR_MS
        segments = self._hours.get(key)
        if segments is None:
            segments = self._hours[key] = self._read_hour(*key)
        return segments[bisect_right(segments, ms, key=_first_ms) - 1]

    def _read_hour(self, boot: int, hour: int) -> Sequence[ClockSegment]:
        first, end = hour * HOUR_MS, (hour + 1) * HOUR_MS
        # without a row before the hour, the first row of the boot holds for what was before it
        rows = self._moments.rows_between(boot, first, end) or [(first, first * 1000)]
        starts = [first, *(ms for ms, _ in rows[1:])]
        ends = [*starts[1:], end]
        return [
            ClockSegment(start, stop, wall - ms * 1000)
            for start, stop, (ms, wall) in zip(starts, ends, rows, strict=True)
        ]


def _first_ms(segment: ClockSegment) -> int:
    return segment.first_ms
