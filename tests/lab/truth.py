"""The kernel's facts about every process, read in the simplest way, to compare other readings with.

Prints one JSON object a line. It is complete in itself, so that it shares no mistake with what is tested: all facts of
a process are read through one descriptor of its directory, which never speaks of another process of the same number.
"""

import json
import os
import sys
from typing import TypedDict


class Truth(TypedDict):
    """One process."""

    pid: int
    start: int  # ticks after boot
    ppid: int
    comm: str
    sessionid: int
    loginuid: int
    cgroup: str  # its path in the hierarchy that systemd keeps


def read(folder: int, name: str) -> str:
    """Read one file of an open directory."""
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        data = b""
        while chunk := os.read(file, 65536):
            data += chunk
    finally:
        os.close(file)
    return data.decode("utf-8", "replace")


def cgroup(lines: str) -> str:
    """Choose the path below the unified hierarchy, or below name=systemd where that one is not used."""
    paths = {}
    for line in lines.splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path
    unified = paths.get("", "/")
    return unified if unified != "/" else paths.get("name=systemd", "/")


def process(pid: int) -> Truth | None:
    """Read one process; nothing where it is gone before all is read."""
    try:
        folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        stat = read(folder, "stat")
        after = stat[stat.rindex(")") + 2 :].split()  # proc(5): the name may hold blanks and parentheses
        return Truth(
            pid=pid,
            start=int(after[19]),
            ppid=int(after[1]),
            comm=stat[stat.index("(") + 1 : stat.rindex(")")],
            sessionid=int(read(folder, "sessionid")),
            loginuid=int(read(folder, "loginuid")),
            cgroup=cgroup(read(folder, "cgroup")),
        )
    except (FileNotFoundError, ProcessLookupError):
        return None
    finally:
        os.close(folder)


def main() -> None:
    """Print every process."""
    for name in os.listdir("/proc"):
        if name.isdigit() and (row := process(int(name))):
            sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
