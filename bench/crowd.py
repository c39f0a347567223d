"""Which processes are measured? Crowds of tiny sleeping ones, with kernel ids or without, gone when the bench is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from bench.tools import UnavailableError, compiled, first_line, root

Kind = Literal["own", "none"]
"""Each its own logon session with a kernel id of its own; or none that has one."""

SAY: dict[Kind, str] = {"own": "each its own kernel id", "none": "no kernel ids"}

KIB_EACH = 160
"""Memory that a sleeping process costs the kernel, with room to spare (120 were measured)."""

SPARE = 2000
"""Process ids that are left to everybody else."""


@contextmanager
def crowd(tools: str, size: int, kind: Kind) -> Iterator[list[int]]:
    """Keep so many processes for the time of a with block; give their pids.

    They end when the pipe to their maker closes, and with their maker, however either ends.

    Args:
        tools: the folder of compiled programs.
        size: how many.
        kind: with kernel ids or without.

    Raises:
        UnavailableError: this machine cannot have them.
    """
    root()
    _check_room(size)
    command = [compiled("crowd", tools), str(size), kind]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as maker:
        said, refused = maker.stdout, maker.stderr
        pids = [int(line) for line in said] if said else []
        if len(pids) != size:
            raise UnavailableError(f"no {size} processes here: {first_line(refused.read() if refused else '')}")
        _check_ids(pids, kind)
        yield pids


def _check_room(size: int) -> None:
    with open("/proc/loadavg", encoding="ascii") as file:
        tasks = int(file.read().split()[3].split("/")[1])
    for limit in ("pid_max", "threads-max"):
        with open(f"/proc/sys/kernel/{limit}", encoding="ascii") as file:
            most = int(file.read())
        if tasks + size + SPARE > most:
            raise UnavailableError(f"kernel.{limit} is {most}: sysctl kernel.{limit}={tasks + size + SPARE}")
    with open("/proc/meminfo", encoding="ascii") as file:
        free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    if size * KIB_EACH > free:
        raise UnavailableError(f"{size} processes take {size * KIB_EACH >> 10} MiB, {free >> 10} are free")


def _check_ids(pids: list[int], kind: Kind) -> None:
    ids = set()
    for pid in pids:
        with open(f"/proc/{pid}/sessionid", "rb") as file:
            ids.add(file.read())
    if kind == "own" and len(ids) != len(pids):
        raise UnavailableError(f"{len(pids)} processes got {len(ids)} kernel ids: is /proc/self/loginuid writable?")
    if kind == "none" and ids != {b"4294967295"}:
        raise UnavailableError("these processes have kernel ids: run from a root that may write /proc/self/loginuid")
