"""Reader of processes for the live index: the few facts that the index needs, from /proc, in limited time."""

import errno
import os
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet

from logonscope.facts import Process
from logonscope.machine import ProcessQuery
from logonscope.sources.linux.process_files import read_file
from logonscope.sources.linux.processes import Reader, list_pids
from logonscope.sources.linux.timeouts import read_each
from logonscope.sources.live.entries import UNREAD, ReadFacts, Reading, ThreadFacts
from logonscope.sources.live.write_watch import CgroupMount

MAX_SINGLE_CHECKS = 200
"""Maximum number of pids that ``existing`` checks one by one; for more, it lists all processes."""

READ_SECONDS = 0.5
"""Timeout, in seconds, of the first reading that hangs; later readings have a shorter timeout. Both are short, because
answers to requests wait for a reading that hangs."""

_NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors of pidfd_open(2) that say nothing about the process: it may exist."""

_QUERY = ProcessQuery(frozenset({"ses", "loginuid", "cgroup", "ppid", "start", "comm", "state", "threads"}))


class ProcReader:
    """Reads processes of this machine: see ProcessReader."""

    def __init__(self, proc: str, cgroup_mounts: Iterable[CgroupMount]) -> None:
        self._proc, self._cgroup_mounts = proc, tuple(cgroup_mounts)
        self._reader = Reader(proc, _QUERY, READ_SECONDS)

    def __repr__(self) -> str:
        return f"<ProcReader {self._proc}>"

    def read(self, pid: int) -> Reading:
        """Read a process; None if it is gone or its owner facts cannot be read, UNREAD if its reading hangs."""
        # Most processes that the index has doubts about have ended. This check needs no other thread; the reading does,
        # and on a busy machine that thread has to wait.
        if not os.access(f"{self._proc}/{pid}", os.F_OK):
            return None
        return _as_reading(self._reader.read(pid))

    def read_each(self, pids: Iterable[int]) -> Iterator[tuple[int, Reading]]:
        """Yield each pid with its reading; another thread reads the processes, in batches."""
        ordered_pids, reader = list(pids), Reader(self._proc, _QUERY, READ_SECONDS)
        processes = read_each(iter(ordered_pids), reader.read_watched, reader.read_hung, READ_SECONDS, reader)
        return zip(ordered_pids, map(_as_reading, processes), strict=True)

    def read_thread(self, thread: int) -> ThreadFacts | None:
        """Read a thread; None if it is gone or cannot be read."""
        try:
            handle = os.open(f"{self._proc}/{thread}", os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            status = read_file("status", handle)
            ses, loginuid = int(read_file("sessionid", handle, 32)), int(read_file("loginuid", handle, 32))
        except (OSError, ValueError):
            return None
        finally:
            os.close(handle)
        numbers = dict(line.split(b":", 1) for line in status.split(b"\n") if line.startswith((b"Tgid:", b"Threads:")))
        try:
            return ThreadFacts(int(numbers[b"Tgid"]), ses, loginuid, int(numbers[b"Threads"]) <= 1)
        except (KeyError, ValueError):
            return None

    def existing(self, pids: Collection[int]) -> AbstractSet[int]:
        """Return those of the pids that exist, including zombies; the result can have other pids, too.

        The id of a thread does not count as a pid.
        """
        if len(pids) > MAX_SINGLE_CHECKS:
            return set(list_pids(self._proc))
        return {pid for pid in pids if _exists(pid)}

    def members(self, cgroup: str) -> Iterator[int]:
        """Yield the pids of the processes in a cgroup, without those in cgroups below it."""
        for mount in self._cgroup_mounts:
            root = mount.root.rstrip("/")
            if not f"{cgroup}/".startswith(f"{root}/"):
                continue
            try:
                with open(mount.path + cgroup.removeprefix(root) + "/cgroup.procs", "rb") as file:
                    yield from map(int, file.read().split())
            except (OSError, ValueError):
                continue

    def pids(self) -> Iterable[int]:
        """Return all pids."""
        return list_pids(self._proc)


def _as_reading(process: Process | None) -> Reading:
    """Return the facts of a process; None if it is gone or its owner facts are missing, UNREAD if its reading hung."""
    if process is None or process.ses is None or process.loginuid is None or process.cgroup is None:
        return None
    # every user may read stat: if its facts are missing, the reading hung
    if process.start is None or process.ppid is None:
        return UNREAD
    return ReadFacts(
        process.start,
        process.ppid,
        process.ses,
        process.loginuid,
        process.cgroup,
        process.comm or "",
        process.state == "Z",
        (process.threads or 1) > 1,
    )


def _exists(pid: int) -> bool:
    try:
        os.close(os.pidfd_open(pid))
    except OSError as error:
        return error.errno in _NO_RESOURCES
    return True
