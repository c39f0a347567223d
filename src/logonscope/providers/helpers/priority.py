"""Priority classes of Windows and nice values of Linux, mapped as in libuv.

libuv (uv_os_setpriority, used by Node.js) maps every priority class of Windows to a nice value; programs that are
written for both systems rely on this mapping.
"""

from typing import NamedTuple


class PriorityClass(NamedTuple):
    """A priority class of Windows, and its nice values on Linux."""

    number: int  # for SetPriority
    base: int  # base priority of its threads
    nice: int  # the nice value that SetPriority sets
    lowest: int  # the lowest nice value that is shown as this class


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

NICE_OF = {priority_class.number: priority_class.nice for priority_class in CLASSES}
"""The nice value for each number that SetPriority accepts."""


# CLASSES is ordered by falling nice values, so the class of a nice value is the first class with ``lowest`` <= value
_BASES = {
    nice: next(priority_class.base for priority_class in CLASSES if nice >= priority_class.lowest)
    for nice in range(-20, 20)
}


def base_priority(nice: int, *, realtime: bool = False) -> int:
    """Return the base priority, 0 to 31, for a nice value; with a realtime policy, that of the class REALTIME."""
    if realtime:
        return REALTIME.base
    return _BASES.get(nice, CLASSES[0].base if nice > 0 else REALTIME.base)
