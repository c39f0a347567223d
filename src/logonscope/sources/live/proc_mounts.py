"""Search for the /proc of containers and services: mounts of proc(5) in the mount namespaces of other processes.

While an execve(2) of a process does not return, reading the mount namespace of the process hangs. And a mount point can
be on a file system that does not answer. A reading that hangs is abandoned, and not tried again before it has returned.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import get_ident
from time import monotonic

from logonscope.sources.linux.hung_reads import HungReads, OmittedFiles
from logonscope.sources.linux.processes import list_pids
from logonscope.sources.linux.timeouts import AbandonedCallError, CallPool, ReadWatch, read_each
from logonscope.sources.live.write_watch import find_proc_mounts

MAX_NAMESPACES = 256
"""Maximum number of mount namespaces that are searched for a /proc of their own."""

SECONDS = 0.25
"""Timeout, in seconds, of one reading: of the namespace of a process, or of all mounts in a namespace."""

MAX_HUNG_PER_USER, MAX_HUNG = 2, 24
"""Maximum numbers of processes whose reading hangs: of one user, and in total. Every reading that hangs keeps a thread.

At the first limit, no further process of this user is read; at the second, no further process at all.
"""

_MOUNT_CALLS = CallPool()


class ProcMounts(ReadWatch):
    """The mounts of proc(5) in other mount namespaces."""

    def __init__(self, proc: str) -> None:
        """Create the search; ``proc`` is the mount point of proc(5) for this process."""
        self._proc, self.seconds = proc, SECONDS
        self._hung_reads = HungReads(MAX_HUNG_PER_USER, MAX_HUNG)
        self._hung_namespaces: dict[str, Callable[[], bool]] = {}  # namespace -> returns whether its reading has ended
        self._starts: dict[int, float] = {}  # thread -> when its reading began

    def __repr__(self) -> str:
        return f"<ProcMounts, {len(self._hung_reads)} processes hang>"

    def call_with_each(self, call: Callable[[str], object]) -> None:
        """Call a function with a path of each mount, in limited time; an OSError of the function is ignored."""
        self._hung_namespaces = {name: is_over for name, is_over in self._hung_namespaces.items() if not is_over()}
        for pid, namespace in self._other_namespaces():
            if namespace in self._hung_namespaces:
                continue
            try:
                _MOUNT_CALLS.call(SECONDS, partial(self._call_with_mounts, pid, call))
            except AbandonedCallError as error:
                self._hung_namespaces[namespace] = error.is_over
            except OSError:
                continue

    def started_at(self, thread: int) -> float | None:
        return self._starts.get(thread)

    def abandoned(self, item: int, is_over: Callable[[], bool]) -> None:
        self._hung_reads.remember(self._proc, item, OmittedFiles.GUARDED, is_over)

    def _other_namespaces(self) -> Iterator[tuple[int, str]]:
        """Yield a pid in each of up to MAX_NAMESPACES other mount namespaces, with the name of the namespace."""
        own_name, seen_names = self._read_namespace("self"), set[str]()
        pids = list_pids(self._proc)
        names = read_each(iter(pids), self._read_namespace, _no_namespace, SECONDS, self)
        for pid, name in zip(pids, names, strict=True):
            if name is None or name == own_name or name in seen_names or len(seen_names) >= MAX_NAMESPACES:
                continue
            seen_names.add(name)
            yield pid, name

    def _read_namespace(self, pid: int | str) -> str | None:
        """Return the name of the mount namespace of a process; None if it cannot be read."""
        if self._hung_reads.reads and isinstance(pid, int) and self._hung_reads.omitted_files(self._proc, pid):
            return None
        thread = get_ident()
        self._starts[thread] = monotonic()
        try:
            return os.readlink(f"{self._proc}/{pid}/ns/mnt")
        except OSError:
            return None
        finally:
            del self._starts[thread]

    def _call_with_mounts(self, pid: int, call: Callable[[str], object]) -> None:
        with open(f"{self._proc}/{pid}/mountinfo", "rb") as file:
            mounts = find_proc_mounts(file.read(1 << 20))
        for mount in mounts:
            with suppress(OSError):
                call(f"{self._proc}/{pid}/root{mount}")


def _no_namespace(_pid: int) -> None:
    """Return no namespace for a process whose reading hangs."""
