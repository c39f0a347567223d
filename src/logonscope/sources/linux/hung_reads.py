"""Processes whose arguments hang: remembered for as long as a read of them has not returned.

Reading arguments takes a lock of the process's memory, and a process can hold it for ever, waiting for a dead FUSE
mount. A read that hangs costs a thread until it returns. So it costs one thread a process, not one a question; of each
user's processes only so many may hang before no others of that user are tried; and nobody else's are touched by that.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

MOST_OF_USER = 8
"""Hung processes of one user before the arguments of that user's other processes are not read any more."""

MOST = 128
"""The same for all users together."""


class HungRead(NamedTuple):
    """A read that has not returned: of which process, and what says whether its thread has ended."""

    start: bytes
    uid: bytes
    is_over: Callable[[], bool]


class HungReads:
    """The reads that hang in this process of ours; may be asked from any thread."""

    def __init__(self, most_of_user: int = MOST_OF_USER, most: int = MOST) -> None:
        self._most_of_user, self._most = most_of_user, most
        self.reads: dict[tuple[str, int], HungRead] = {}
        """By /proc and pid."""
        self._full: frozenset[bytes] = frozenset()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.reads)

    def may_read(self, proc: str, pid: int, handle: int) -> bool:
        """Return whether the arguments of a process may be read; where there are no ``reads`` all may."""
        self._sweep()
        hung = self.reads.get((proc, pid))
        if hung is not None and hung.start == _start(handle):
            return False
        if len(self.reads) >= self._most:
            return False
        return not self._full or _uid(handle) not in self._full

    def remember(self, proc: str, pid: int, is_over: Callable[[], bool]) -> None:
        """Remember that a read of a process hangs, until ``is_over``."""
        start = uid = b""
        with suppress(OSError):
            handle = os.open(f"{proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
            try:
                start, uid = _start(handle), _uid(handle)
            finally:
                os.close(handle)
        with self._lock:
            self.reads[proc, pid] = HungRead(start, uid, is_over)
            self._count()

    def _sweep(self) -> None:
        over = [key for key, hung in [*self.reads.items()] if hung.is_over()]
        if over:
            with self._lock:
                for key in over:
                    self.reads.pop(key, None)
                self._count()

    def _count(self) -> None:
        users = Counter(hung.uid for hung in self.reads.values())
        self._full = frozenset(uid for uid, number in users.items() if number >= self._most_of_user)


def _start(handle: int) -> bytes:
    """Return field 22 of stat (proc(5)), which tells a process from a later one with its pid; b"" where it is gone."""
    fields = _content("stat", handle).rpartition(b")")[2].split()
    return fields[19] if len(fields) > 19 else b""


def _uid(handle: int) -> bytes:
    """Return the real uid: the owner of the directory is root's where the process is not dumpable."""
    _, _, rest = _content("status", handle).partition(b"\nUid:")
    fields = rest.split(None, 1)
    return fields[0] if fields else b""


def _content(path: str, handle: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY, dir_fd=handle)
    except OSError:
        return b""
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
    finally:
        os.close(file)
