"""What else gives (pid, LogonId)? A bare loop and a C program over the same files; and psutil, which has no session."""

import os
import re
import subprocess
import time
from collections.abc import Callable

import psutil

Pairs = list[tuple[int, str]]

UNSET = b"4294967295"
SCOPES, MANAGERS = 1 << 32, 1 << 33
_PLACE = re.compile(rb":/user\.slice/user-(\d+)\.slice/(?:session-(c?)(\d+)\.scope|user@\1\.service)")


def bare_loop() -> Pairs:
    """Read the files that decide, and nothing else: the shortest Python that answers, with no check."""
    pairs = []
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            file = os.open(f"/proc/{name}/sessionid", os.O_RDONLY)
            session = os.read(file, 32)
            os.close(file)
            if session == UNSET:
                file = os.open(f"/proc/{name}/cgroup", os.O_RDONLY)
                cgroup = os.read(file, 16384)
                os.close(file)
                if b":/user.slice/" in cgroup:
                    session = _placed(cgroup)
            pairs.append((int(name), session.decode()))
        except OSError:
            continue
    return pairs


def c_floor(program: str) -> Pairs:
    """Run floor/pairs.c and return what it printed."""
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    words = (line.split() for line in done.stdout.splitlines())
    return [(int(pid), logon) for pid, logon in words]


def c_turn(program: str) -> Callable[[], float]:
    """Return the turn of floor/pairs.c; the seconds are its pass's by its own clock, without its start."""

    def turn() -> float:
        done = subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        return int(done.stderr) / 1e9

    return turn


def psutil_first() -> float:
    """Look for the first time, as a script does; return the seconds. There is no logon session to ask for."""
    psutil.process_iter.cache_clear()
    return psutil_again()


def psutil_again() -> float:
    """Look again, as a monitor does: psutil keeps the processes of the last look and what does not change of them."""
    begin = time.perf_counter()
    processes = list(psutil.process_iter(["pid", "ppid", "create_time", "uids", "name"]))
    took = time.perf_counter() - begin
    del processes
    return took


def _placed(cgroup: bytes) -> bytes:
    """Return the LogonId that a cgroup gives to a process without a kernel id."""
    match = _PLACE.search(cgroup)
    if match is None:
        return UNSET
    uid, with_c, number = match.groups()
    if number is None:
        return b"%d" % (MANAGERS + int(uid))
    return b"%d" % (SCOPES + int(number)) if with_c else bytes(number)
