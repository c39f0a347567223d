"""Processes whose files cannot be read because the read hangs; each is remembered until its read returns.

Reading arguments takes a lock of the process's memory, and a process can hold that lock for ever while it waits for a
dead FUSE mount. Most other files of a process hang, too, while the process is in execve(2) and shares its memory with
such a process. A read that hangs keeps a thread until it returns. Therefore a file that hangs is read again only when
the earlier read has returned: so a hanging process keeps a thread or two, not one for each query. If too many processes
of one user hang, files that can hang are not read for any process of that user. If too many processes hang in total,
such files are not read for any process.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

MAX_HUNG_READS_PER_USER = 8
"""Number of hung processes of one user at which that user's other processes are read without the files that hang."""

MAX_HUNG_READS = 128
"""Number of hung processes of all users together at which every process is read without the files that hang."""


class OmittedFiles(IntEnum):
    """Which files of a process are not read; each value includes those before it."""

    NONE = 0
    MEMORY = 1
    """Those in process_files.MEMORY_FILES."""
    GUARDED = 2
    """All but those in process_files.UNGUARDED_FILES."""


class HungRead(NamedTuple):
    """A read that has not returned."""

    # the open directory of the process; once the process has ended, nothing is in it, even if the pid is used again
    handle: int
    uid: bytes  # of the process; b"": not known
    omitted: OmittedFiles  # which files of the process are not read meanwhile
    is_over: Callable[[], bool]  # whether the read has returned


class HungReads:
    """The reads that hang in this server or command; safe for use by any thread."""

    def __init__(self, max_per_user: int = MAX_HUNG_READS_PER_USER, max_total: int = MAX_HUNG_READS) -> None:
        self._max_per_user, self._max_total = max_per_user, max_total
        self.reads: dict[tuple[str, int], HungRead] = {}
        """The reads that hang, by path of /proc and pid."""
        self._blocked_uids: dict[bytes, OmittedFiles] = {}
        self._omitted_for_all = OmittedFiles.NONE
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.reads)

    def omitted_files(self, proc: str, pid: int) -> OmittedFiles:
        """Return which files of a process must not be read. Callers need not call this if ``reads`` is empty."""
        self._forget_returned_reads()
        hung_files = self.hung_files(proc, pid)
        if hung_files:
            return hung_files
        if self._omitted_for_all or not self._blocked_uids:
            return self._omitted_for_all
        return self._blocked_uids.get(_read_uid(f"{proc}/{pid}"), OmittedFiles.NONE)

    def hung_files(self, proc: str, pid: int) -> OmittedFiles:
        """Return which files of this process hang; NONE if only reads of other processes hang."""
        hung = self.reads.get((proc, pid))
        return hung.omitted if hung is not None and _is_alive(hung.handle) else OmittedFiles.NONE

    def remember(self, proc: str, pid: int, omitted: OmittedFiles, is_over: Callable[[], bool]) -> None:
        """Remember that a read of a process hangs, until ``is_over()`` is true."""
        try:
            handle = os.open(f"{proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except OSError:  # the process has ended
            return
        with self._lock:
            previous = self.reads.get((proc, pid))
            if previous is not None:
                os.close(previous.handle)
            self.reads[proc, pid] = HungRead(handle, _read_uid(f"{proc}/{pid}"), omitted, is_over)
            self._update_blocked_uids()

    def _forget_returned_reads(self) -> None:
        # a copy, without taking the lock: this runs for every process, and another thread may add a read meanwhile
        returned_keys = [key for key, hung in [*self.reads.items()] if hung.is_over()]
        if returned_keys:
            with self._lock:
                for key in returned_keys:
                    hung = self.reads.pop(key, None)
                    if hung is not None:
                        os.close(hung.handle)
                self._update_blocked_uids()

    def _update_blocked_uids(self) -> None:
        self._blocked_uids, self._omitted_for_all = {}, OmittedFiles.NONE
        for omitted in (OmittedFiles.MEMORY, OmittedFiles.GUARDED):
            hung_per_uid = Counter(hung.uid for hung in self.reads.values() if hung.omitted >= omitted)
            if hung_per_uid.total() >= self._max_total:
                self._omitted_for_all = omitted
            self._blocked_uids |= {uid: omitted for uid, number in hung_per_uid.items() if number >= self._max_per_user}


def _is_alive(handle: int) -> bool:
    """Return whether the process of a directory runs, by looking up a path in the directory; no file is read."""
    try:
        os.stat("stat", dir_fd=handle)
    except OSError:
        return False
    return True


def _read_uid(folder: str) -> bytes:
    """Return the real uid; b"" if it cannot be read."""
    # not the owner of the directory, which is root if the process is not dumpable (proc(5))
    try:
        with open(f"{folder}/status", "rb", buffering=0) as file:
            _, _, rest = file.read(4096).partition(b"\nUid:")
    except OSError:
        return b""
    fields = rest.split(None, 1)
    return fields[0] if fields else b""
