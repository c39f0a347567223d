"""Facts about a process that the peers' rules use, and how to read them. No code is shared with the product."""

import os
from pathlib import Path
from typing import NamedTuple

UNSET = 2**32 - 1
PROC = Path("/proc")


class Process(NamedTuple):
    """One process, as its files in /proc describe it."""

    pid: int
    ppid: int
    sid: int
    """The POSIX session, which is not the logon session."""
    tty: int
    """The controlling terminal's device number, 0 without one."""
    name: str
    executable: str
    uid: int
    """The real uid."""
    kernel_id: int
    has_executed: bool = True
    """False for a process that was forked and has not executed a program since."""


def read_process(pid: int, proc: Path = PROC) -> Process | None:
    """Read one process; return None if it has ended."""
    folder = proc / str(pid)
    try:
        stat = (folder / "stat").read_text(errors="replace")
        status = (folder / "status").read_text(errors="replace")
        kernel_id = int((folder / "sessionid").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name may hold blanks and parentheses, so the last parenthesis ends it
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(
        pid=pid,
        ppid=int(fields[1]),
        sid=int(fields[3]),
        tty=int(fields[4]),
        name=stat[stat.index("(") + 1 : stat.rindex(")")],
        executable=_executable(folder),
        uid=int(status.split("\nUid:")[1].split()[0]),
        kernel_id=kernel_id,
    )


def all_processes(proc: Path = PROC) -> dict[int, Process]:
    """Read every process, as an agent does that has just been started."""
    numbers = (int(name) for name in os.listdir(proc) if name.isdigit())
    return {process.pid: process for pid in numbers if (process := read_process(pid, proc))}


def arguments(pid: int, proc: Path = PROC) -> list[str]:
    """Read a process's command line; return an empty list if it has ended."""
    try:
        return (proc / str(pid) / "cmdline").read_text(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _executable(folder: Path) -> str:
    try:
        return str((folder / "exe").readlink())
    except OSError:  # kernel threads have none, and some programs do not allow it
        return ""
