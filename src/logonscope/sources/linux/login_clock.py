"""Times of login records, converted to the clock of process starts: seconds since the boot, as in /proc/PID/stat.

A record has two times: one of the wall clock, which can be set, and one of CLOCK_MONOTONIC, which does not count the
time that the machine is suspended. The clock of process starts counts this time, too. In a time namespace
(time_namespaces(7)), the kernel adds the offset of the namespace to process starts, but the records have no offset.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from logonscope.facts import Machine

_WALL_ERROR_SECONDS = 2.0
"""Maximum error of a time that is converted from the wall clock: btime has whole seconds."""

_TICK_ERROR_SECONDS = 0.02
"""Maximum error of a time that is converted from CLOCK_MONOTONIC: a start is a whole number of ticks."""


class TimeRange(NamedTuple):
    """The earliest and the latest possible time at which a record was made, in seconds since the boot.

    If ``earliest`` comes from the wall clock, it can be up to a second too late: the kernel truncates btime.
    """

    earliest: float
    latest: float


class LoginClock:
    """Converts the times of the login records of one host."""

    def __init__(self, machine: Machine, root: str) -> None:
        """Prepare the conversion. For a root other than "/", no suspension and no time namespace are assumed."""
        self._btime = machine.btime
        self._suspended, self._offset = suspended_and_offset() if root == "/" else (0.0, 0.0)

    def creation(self, record: Mapping[str, str]) -> TimeRange | None:
        """Return when a record was made; None if the record has no time that can be converted."""
        monotonic, wall = _seconds(record.get("MONOTONIC")), _seconds(record.get("REALTIME"))
        by_wall = None if wall is None or self._btime is None else wall - self._btime
        if monotonic is None:
            return None if by_wall is None else TimeRange(by_wall, by_wall + _WALL_ERROR_SECONDS)
        # the record may be older or newer than each suspension: so the added time is between 0 and all suspended time
        earliest, latest = monotonic + self._offset, monotonic + self._offset + self._suspended
        # the wall time moves the earliest time within this range, not out of it: the clock may have been set since
        if by_wall is not None:
            earliest = min(max(by_wall, earliest), latest)
        return TimeRange(earliest, latest + _TICK_ERROR_SECONDS)


def suspended_and_offset() -> tuple[float, float]:
    """Return the seconds that this machine was suspended, and the offset of process starts in this time namespace."""
    monotonic, boottime = _namespace_offsets()
    # both clocks contain the offsets of this namespace, which are subtracted
    difference = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return difference - boottime + monotonic, boottime


@cache
def _namespace_offsets() -> tuple[float, float]:
    """Return the offsets of CLOCK_MONOTONIC and CLOCK_BOOTTIME for this process, which never change."""
    try:
        with open("/proc/self/timens_offsets", encoding="ascii") as file:
            offsets = {name: int(seconds) + int(ns) / 1e9 for name, seconds, ns in (line.split() for line in file)}
        return offsets["monotonic"], offsets["boottime"]
    except (OSError, ValueError, KeyError):
        return 0.0, 0.0  # this kernel has no time namespaces


def _seconds(value: str | None) -> float | None:
    return int(value) / 1e6 if value and value.isdecimal() and value.isascii() else None
