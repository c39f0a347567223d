"""How urgent is a process? Windows' priority classes and Linux' nice values, as libuv pairs them.

libuv (uv_os_setpriority, used by Node.js) gives every priority class of Windows a nice value; programs written for
both systems rely on these pairs.
"""

from typing import NamedTuple


class PriorityClass(NamedTuple):
    """A priority class: its number for SetPriority, the base priority of its threads, and nice values."""

    number: int
    base: int
    nice: int  # that SetPriority gives
    lowest: int  # the least nice value that is read as this class


REALTIME = PriorityClass(256, 24, -20, -20)
CLASSES = (
    PriorityClass(64, 4, 19, 19),
    PriorityClass(16384, 6, 10, 10),
    PriorityClass(32, 8, 0, 0),
    PriorityClass(32768, 10, -7, -7),
    PriorityClass(128, 13, -14, -14),
    REALTIME,
)
"""Idle, below normal, normal, above normal, high, realtime (SetPriorityClass)."""

NICE_OF = {known.number: known.nice for known in CLASSES}
"""The nice value of each number that SetPriority takes."""


def base_priority(nice: int, *, realtime: bool = False) -> int:
    """Return the base priority, 0 to 31, of a nice value; that of a realtime policy is the highest class's."""
    if realtime:
        return REALTIME.base
    return next((known.base for known in CLASSES if nice >= known.lowest), REALTIME.base)
