"""Processes whose arguments cannot be read because the read hangs; each is remembered until its read returns.

Reading arguments takes a lock of the process's memory, and a process can hold that lock for ever while it waits for a
dead FUSE mount. A read that hangs keeps a thread until it returns. Therefore a process is read again only when its read
has returned: it keeps one thread, not one for each query. Where too many processes of one user hang, the arguments of
that user's other processes are not read; those of other users are, until too many hang in total.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

MOST_HUNG_READS_PER_USER = 8
"""Number of hung processes of one user at which the arguments of that user's other processes are not read any more."""

MOST_HUNG_READS = 128
"""Number of hung processes of all users together at which no more arguments are read of any user's processes."""


class HungRead(NamedTuple):
    """A read that has not returned: start and uid of its process, and whether its thread has ended since."""

    start: bytes
    uid: bytes
    is_over: Callable[[], bool]


class HungReads:
    """The reads that hang in this server or command; safe for use by any thread."""

    def __init__(self, most_per_user: int = MOST_HUNG_READS_PER_USER, most: int = MOST_HUNG_READS) -> None:
        self._most_per_user, self._most = most_per_user, most
        self.reads: dict[tuple[str, int], HungRead] = {}
        """The reads that hang, by path of /proc and pid."""
        self._blocked_uids: frozenset[bytes] = frozenset()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.reads)

    def may_read(self, proc: str, pid: int, handle: int) -> bool:
        """Return whether the arguments of a process may be read. Callers skip the call where ``reads`` is empty."""
        self._forget_returned_reads()
        if self.hangs(proc, pid, handle):
            return False
        if len(self.reads) >= self._most:
            return False
        return not self._blocked_uids or _read_uid(handle) not in self._blocked_uids

    def hangs(self, proc: str, pid: int, handle: int) -> bool:
        """Return whether a read of this process hangs; False where only reads of other processes do."""
        hung = self.reads.get((proc, pid))
        # the start as well: another process may have the pid by now
        return hung is not None and hung.start == _read_start(handle)

    def remember(self, proc: str, pid: int, is_over: Callable[[], bool]) -> None:
        """Remember that a read of a process hangs, until ``is_over()`` is true."""
        start = uid = b""
        with suppress(OSError):
            handle = os.open(f"{proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
            try:
                start, uid = _read_start(handle), _read_uid(handle)
            finally:
                os.close(handle)
        with self._lock:
            self.reads[proc, pid] = HungRead(start, uid, is_over)
            self._update_blocked_uids()

    def _forget_returned_reads(self) -> None:
        # a copy without the lock: this runs for every process that is read, and another thread may add one meanwhile
        returned_keys = [key for key, hung in [*self.reads.items()] if hung.is_over()]
        if returned_keys:
            with self._lock:
                for key in returned_keys:
                    self.reads.pop(key, None)
                self._update_blocked_uids()

    def _update_blocked_uids(self) -> None:
        users = Counter(hung.uid for hung in self.reads.values())
        self._blocked_uids = frozenset(uid for uid, number in users.items() if number >= self._most_per_user)


def _read_start(handle: int) -> bytes:
    """Return the start time, field 22 of stat (proc(5)); b"" where the process is gone.

    It distinguishes a process from a later one with the same pid.
    """
    fields = _read_file("stat", handle).rpartition(b")")[2].split()
    return fields[19] if len(fields) > 19 else b""


def _read_uid(handle: int) -> bytes:
    """Return the real uid. The owner of the directory would be root where the process is not dumpable (proc(5))."""
    _, _, rest = _read_file("status", handle).partition(b"\nUid:")
    fields = rest.split(None, 1)
    return fields[0] if fields else b""


def _read_file(path: str, handle: int) -> bytes:
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
