"""Times of login records on the clock of process starts: seconds since the boot, as /proc/PID/stat counts them.

A record has a moment of the wall clock, which can be set, and one of CLOCK_MONOTONIC, which stands still while the
machine sleeps, as starts do not. In a time namespace (time_namespaces(7)) starts are shown with its offset, and records
without.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from logonscope.facts import Machine

_WHOLE_SECONDS = 2.0
"""Seconds between the wall clock's word for a moment and that of the clock of starts: btime is a whole number."""

_TICKS = 0.02
"""The same between the two clocks that nobody sets, in seconds: a start is a whole number of ticks."""


class Moments(NamedTuple):
    """When a record was made, in seconds since the boot: not before the one, not after the other."""

    earliest: float
    latest: float


class LoginClock:
    """Converts the times of the login records of one host."""

    def __init__(self, machine: Machine, root: str) -> None:
        """Take the host; that below another root than "/" is never asleep, and in no time namespace."""
        self._btime = machine.btime
        self._slept, self._offset = _slept_and_offset() if root == "/" else (0.0, 0.0)

    def moments(self, record: Mapping[str, str]) -> Moments | None:
        """Return when a record was made; None where it says no time that can be compared."""
        monotonic, wall = _seconds(record.get("MONOTONIC")), _seconds(record.get("REALTIME"))
        by_wall = None if wall is None or self._btime is None else wall - self._btime
        if monotonic is None:
            return None if by_wall is None else Moments(by_wall, by_wall + _WHOLE_SECONDS)
        first, last = monotonic + self._offset, monotonic + self._offset + self._slept
        # whoever has set the clock since moves by_wall only; it counts as far as the other clock allows it
        return Moments(first if by_wall is None else min(max(by_wall, first), last), last + _TICKS)


def _slept_and_offset() -> tuple[float, float]:
    """Return how long this machine has slept since the boot, and how far starts are shifted here, in seconds."""
    monotonic, boottime = 0.0, 0.0
    try:
        with open("/proc/self/timens_offsets", encoding="ascii") as file:
            offsets = {name: int(seconds) + int(ns) / 1e9 for name, seconds, ns in (line.split() for line in file)}
        monotonic, boottime = offsets["monotonic"], offsets["boottime"]
    except (OSError, ValueError, KeyError):
        pass  # no time namespaces here
    ahead = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return ahead - boottime + monotonic, boottime


def _seconds(value: str | None) -> float | None:
    return int(value) / 1e6 if value and value.isdecimal() and value.isascii() else None
