"""Reader of single processes for the live index: the few facts that decide owners, from /proc."""

import os
from collections.abc import Collection, Iterable, Iterator

from logonscope.sources.linux import parse
from logonscope.sources.linux.process_files import read_file
from logonscope.sources.linux.processes import list_pids
from logonscope.sources.live.entries import ReadFacts, ThreadFacts
from logonscope.sources.live.write_watch import CgroupMount

MAX_SINGLE_LOOKS = 200
"""Processes that are looked for singly; whether more of them exist shows a list of all processes."""


class ProcReader:
    """Reads processes of this machine: see ProcessReader."""

    def __init__(self, proc: str, cgroup_mounts: Iterable[CgroupMount]) -> None:
        self._proc, self._cgroup_mounts = proc, tuple(cgroup_mounts)

    def __repr__(self) -> str:
        return f"<ProcReader {self._proc}>"

    def read(self, pid: int) -> ReadFacts | None:
        """Read a process; None where it is gone or cannot be read."""
        try:
            handle = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            stat = parse.parse_stat(read_file("stat", handle))
            (cgroup,) = parse.parse_cgroup(read_file("cgroup", handle))
            ses, loginuid = int(read_file("sessionid", handle, 32)), int(read_file("loginuid", handle, 32))
            # a kernel id is given with a login uid: read again, so that the two belong together
            if int(read_file("sessionid", handle, 32)) != ses:
                ses, loginuid = int(read_file("sessionid", handle, 32)), int(read_file("loginuid", handle, 32))
        except (OSError, ValueError):
            return None
        finally:
            os.close(handle)
        comm, state, parent, *_ = stat
        return ReadFacts(stat[-2], parent, ses, loginuid, cgroup, comm, state == "Z")

    def read_thread(self, thread: int) -> ThreadFacts | None:
        """Read a thread."""
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

    def existing(self, pids: Collection[int]) -> Collection[int]:
        """Return those of the processes that there are, be they zombies; a thread of another process is none."""
        if len(pids) > MAX_SINGLE_LOOKS:
            return set(list_pids(self._proc))
        return {pid for pid in pids if _exists(pid)}

    def members(self, cgroup: str) -> Iterator[int]:
        """Yield the processes in a cgroup."""
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
        """Return all processes."""
        return list_pids(self._proc)


def _exists(pid: int) -> bool:
    try:
        os.close(os.pidfd_open(pid))
    except OSError:
        return False
    return True
