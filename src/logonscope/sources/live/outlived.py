"""Processes whose first thread has ended while other threads run on.

The index gets the ends of first threads only (see connector.py). Mostly, the whole process ends with its first thread.
But a first thread can end alone: then no event reports the end of the process, nor its status.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from logonscope.sources.live.entries import Entry, ProcessReader, Unread, is_same

END_NOT_SEEN = 1
"""Value of Entry.ended if the first thread has ended, and no event will report the end of the process."""

CHECK_NS = 500_000_000
"""Nanoseconds between the end of a first thread and the check of its process. When a whole process ends, its other
threads end sooner. So if other threads still run at the check, only the first thread has ended."""


class OutlivedThreads:
    """First threads that have ended, in processes that still exist."""

    def __init__(self, reader: ProcessReader, clock: Callable[[], int]) -> None:
        self._reader, self._clock = reader, clock
        self._unchecked = deque[Entry]()  # in the order in which their first threads ended
        self._running: list[Entry] = []  # processes whose other threads run on

    def __repr__(self) -> str:
        return f"<OutlivedThreads of {len(self._running)} processes, {len(self._unchecked)} unchecked>"

    @property
    def has_due(self) -> bool:
        """Return whether a process is to be checked now."""
        return bool(self._unchecked) and self._clock() - self._unchecked[0].ended >= CHECK_NS

    @property
    def is_waiting(self) -> bool:
        """Return whether a process is to be checked, or will end without an event."""
        return bool(self._unchecked or self._running)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add processes that exist although their first thread has ended."""
        self._unchecked.extend(entries)

    def check(self, entries: Mapping[int, Entry]) -> None:
        """Check the processes that are due. If other threads of such a process run on, no event will report its end."""
        if self._running:
            # a process that has executed a program has a first thread again
            self._running = [entry for entry in self._running if entry.ended and entries.get(entry.pid) is entry]
        while self.has_due:
            entry = self._unchecked.popleft()
            if entry.ended in {0, END_NOT_SEEN} or entries.get(entry.pid) is not entry:
                continue
            facts = self._reader.read(entry.pid)
            if facts is None or isinstance(facts, Unread) or not is_same(entry, facts):
                continue
            if facts.is_zombie and facts.has_other_threads:
                entry.ended, entry.status = END_NOT_SEEN, None
                self._running.append(entry)
