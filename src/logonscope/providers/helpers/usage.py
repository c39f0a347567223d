"""Sums of the resources that the processes of a logon session use.

A sum contains only the processes whose value is known.
"""

from collections.abc import Iterable, Sequence

from logonscope.answers.logon_usage import LogonUsage
from logonscope.facts import Machine, Process

USAGE_FACTS = frozenset({"utime", "stime", "vm_rss", "rss_anon", "vm_swap", "rchar", "wchar", "uids"})
"""The facts that the sums need."""

_MEMORY_FACTS = frozenset({"vm_rss", "rss_anon", "vm_swap"})
_SUMMED_FACTS = sorted(USAGE_FACTS - {"uids"})


def sum_usage(processes: Sequence[Process], machine: Machine) -> LogonUsage:
    """Return the sums over the processes of one logon session; the facts of USAGE_FACTS must have been read."""
    user_ticks, kernel_ticks = sum_fact(processes, "utime"), sum_fact(processes, "stime")
    return LogonUsage(
        processes=len(processes),
        unread_count=count_unread(processes),
        user_time=None if user_ticks is None else user_ticks / machine.ticks,
        kernel_time=None if kernel_ticks is None else kernel_ticks / machine.ticks,
        resident=sum_fact(processes, "vm_rss"),
        private=sum_private(processes),
        read=sum_fact(processes, "rchar"),
        written=sum_fact(processes, "wchar"),
    )


def sum_fact(processes: Iterable[Process], fact: str) -> int | None:
    """Return the sum of a fact over the processes whose value is known; None if there is no such process.

    The memory of a kernel thread or zombie is known: 0.
    """
    values = [getattr(process, fact) or 0 for process in processes if not _is_unread(process, fact)]
    return sum(values) if values else None


def sum_private(processes: Sequence[Process]) -> int | None:
    """Return the sum of the memory that belongs to no file: in RAM (RssAnon) and in swap (VmSwap)."""
    anonymous = sum_fact(processes, "rss_anon")
    return None if anonymous is None else anonymous + (sum_fact(processes, "vm_swap") or 0)


def count_unread(processes: Iterable[Process]) -> int:
    """Return the number of processes that are missing in at least one sum, because a value could not be read."""
    return sum(1 for process in processes if any(_is_unread(process, fact) for fact in _SUMMED_FACTS))


def _is_unread(process: Process, fact: str) -> bool:
    if getattr(process, fact) is not None:
        return False
    # kernel threads and zombies have no memory: their status has ids, but no lines about memory
    return fact not in _MEMORY_FACTS or process.uids is None
