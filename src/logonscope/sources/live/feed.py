"""Feeds of kernel events, from which the live index gets its batches."""

import os
import select
import time
from typing import NamedTuple, Protocol

from logonscope.sources.live.connector import ProcessConnector
from logonscope.sources.live.proc_mounts import ProcMounts
from logonscope.sources.live.records import NO_EVENTS, NO_WRITES, Batch, Writes
from logonscope.sources.live.write_watch import CgroupMount, WriteWatch, find_cgroup_mounts

PROC = "/proc"

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO of the kernel."""


class EventSource(NamedTuple):
    """What reads the events of a feed, by name, and why better readers cannot be used."""

    name: str
    refused: tuple[str, ...] = ()


class NotSetUpError(OSError):
    """This process may not read events, and no helper reads them for it."""


class Notice(NamedTuple):
    """What a readable descriptor of a feed means."""

    is_urgent: bool  # there are writes to login uids or cgroups (see Writes), which are read at once
    stop_polling_until_read: bool  # the descriptor stays readable until the batch is read: do not poll it before


class Feed(Protocol):
    """Reads kernel events, in this process or through the helper."""

    event_source: EventSource
    sees_writes: bool
    cgroup_mounts: tuple[CgroupMount, ...]

    @property
    def has_buffered_events(self) -> bool:
        """Return whether there are events although no descriptor is readable."""
        ...

    @property
    def is_behind(self) -> bool:
        """Return whether events that had arrived before the last ``read_batch`` may still be unread.

        Events that ``Batch.is_partial`` reports do not count.
        """
        ...

    def descriptors(self) -> tuple[int, ...]:
        """Return the descriptors that become readable with an event."""
        ...

    def notice(self, descriptor: int) -> Notice:
        """Return what it means that a descriptor is readable.

        Raises:
            OSError: the feed has ended.
        """
        ...

    def read_batch(self) -> Batch:
        """Return the events that have arrived.

        Raises:
            OSError: the feed has ended.
        """
        ...

    def read_writes(self) -> Writes:
        """Return the writes since the last call of this method or of ``read_batch``.

        Raises:
            OSError: the feed has ended.
        """
        ...

    def watch_namespaces(self) -> None:
        """Also watch writes in the /proc of each container or service that has a /proc of its own."""
        ...

    def close(self) -> None:
        """Release the descriptors."""
        ...


class LocalFeed(Feed):
    """The events of this machine, read by this process."""

    def __init__(self, proc: str = PROC, *, needs_writes: bool = False) -> None:
        """Open the best readers that the kernel allows.

        Args:
            proc: where proc(5) is mounted.
            needs_writes: raise OSError if writes to login uids cannot be watched.

        Raises:
            OSError: the kernel does not allow the process connector; events have other pids or times than ``proc``; or
                writes are needed and cannot be watched.
        """
        self._mounts = ProcMounts(proc)
        with open(f"{proc}/self/mountinfo", "rb") as file:
            self.cgroup_mounts = find_cgroup_mounts(file.read())
        if (reason := namespace_reason(proc)) is not None:
            raise OSError(reason)
        refused = ["BPF ring: not implemented"]
        self._watch: WriteWatch | None = None
        try:
            self._watch = WriteWatch(proc, self.cgroup_mounts)
        except OSError as error:
            refused.append(f"fanotify: {error.strerror or error}")
        self.sees_writes = self._watch is not None
        if needs_writes and not self.sees_writes:
            raise OSError(f"writes to login uids cannot be watched ({'; '.join(refused)})")
        try:
            self._connector = ProcessConnector(receives_id_changes=not self.sees_writes)
        except OSError:
            if self._watch is not None:
                self._watch.close()
            raise
        name = "process connector and fanotify" if self.sees_writes else "process connector, logons read at every event"
        self.event_source = EventSource(name, tuple(refused))
        self._poll = select.poll()
        for descriptor in self.descriptors():
            self._poll.register(descriptor, select.POLLIN)

    def __repr__(self) -> str:
        return f"<LocalFeed {self.event_source.name}>"

    @property
    def has_buffered_events(self) -> bool:
        return False

    @property
    def is_behind(self) -> bool:
        return False

    def descriptors(self) -> tuple[int, ...]:
        connector = self._connector.fileno()
        return (connector,) if self._watch is None else (connector, self._watch.fileno())

    def notice(self, descriptor: int) -> Notice:
        return Notice(descriptor != self._connector.fileno(), stop_polling_until_read=True)

    def read_batch(self) -> Batch:
        # Mostly no event has arrived since the last reading; then poll() is the only system call. It also reports that
        # the kernel dropped events.
        if not self._poll.poll(0):
            return NO_EVENTS
        # first the process events, then the writes: see Batch
        received = self._connector.read()
        return Batch(received.records, self.read_writes(), boot_offset(), received.lost, received.is_partial)

    def read_writes(self) -> Writes:
        if self._watch is None:
            return NO_WRITES._replace(until=time.monotonic_ns())
        return self._watch.read()

    def watch_namespaces(self) -> None:
        if self._watch is None:
            return
        self._mounts.call_with_each(self._watch.add)

    def close(self) -> None:
        self._connector.close()
        if self._watch is not None:
            self._watch.close()


def boot_offset() -> int:
    """Return the nanoseconds by which the clock since boot is ahead of the monotonic one: the suspended time."""
    # The monotonic clock is read before and after the other clock. Of three attempts, the one with the shortest time
    # between these two readings is used.
    best_distance, offset = 1 << 62, 0
    for _ in range(3):
        before = time.monotonic_ns()
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        after = time.monotonic_ns()
        if after - before < best_distance:
            best_distance, offset = after - before, boot - (before + after) // 2
    return offset


def namespace_reason(proc: str = PROC) -> str | None:
    """Return why process events have other pids or times than this /proc; None: they have the same."""
    try:
        namespace = os.readlink(f"{proc}/self/ns/pid")
    except OSError as error:
        return f"the pid namespace is not known: {error.strerror}"
    if namespace == INITIAL_PID_NAMESPACE:
        if not _has_other_clocks(proc):
            return None
        return "this process is in a time namespace, and the process connector reports the host's times"
    return f"this process is in a pid namespace ({namespace}), and the process connector reports the host's pids"


def _has_other_clocks(proc: str) -> bool:
    """Return whether the clocks of this process are not the host's: see time_namespaces(7)."""
    try:
        with open(f"{proc}/self/timens_offsets", encoding="ascii") as file:
            return any(int(number) for line in file for number in line.split()[1:])
    except (OSError, ValueError):
        return False  # before Linux 5.6 there are no time namespaces
