"""What every part of the storm uses: rows, loads, crowds of processes, and a live source in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from logonscope.machine import Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.choose import make_live
from logonscope.sources.live.source import LiveSource

WITHOUT_LOGIN = ["sh", "-c", 'echo -n 4294967295 > /proc/self/loginuid; exec "$@"', "sh"]
"""The beginning of a command that runs without a kernel id, so that its children can log in."""


class Options(NamedTuple):
    """What a part is run with."""

    program: str  # the compiled logins.c
    seconds: float  # of a load
    lifetimes: int = 1_000_000  # after which memory is compared


class Row(NamedTuple):
    """A row of the table."""

    measure: str
    figure: str


class State(NamedTuple):
    """The state of a reader: what it has, what it has used, and what it has missed."""

    processes: int
    resident: int  # bytes
    cpu: float  # seconds, of all threads
    losses: int
    lost_events: int
    mended: int
    logons_not_determined: int
    differences: int | None  # from /proc; None: not compared


class Load:
    """A storm of processes beside a measurement."""

    def __init__(self, program: str, rate: int, seconds: float, kind: str) -> None:
        self._process = subprocess.Popen(
            [program, "storm", str(rate), str(seconds), kind], stdout=subprocess.PIPE, text=True
        )

    def wait(self) -> int:
        """Wait for its end; return how many processes it started."""
        output, _ = self._process.communicate()
        return int(output)


class Reader:
    """A live source in a process of its own, so that its processor time and memory are its own, too."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sources.live.storm.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first = self._read()

    def state(self, *, compare: bool = False) -> State:
        """Return its state after it has read all events, compared with /proc if that is requested."""
        assert self.process.stdin is not None
        self.process.stdin.write("compare\n" if compare else "state\n")
        self.process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        self.process.communicate()

    def _read(self) -> State:
        assert self.process.stdout is not None
        return State(*json.loads(self.process.stdout.readline()))


@contextlib.contextmanager
def crowd(program: str, count: int, login_size: int = 0) -> Iterator[None]:
    """Keep so many processes, in logins of a size."""
    command = [*WITHOUT_LOGIN, program, "crowd", str(count), str(login_size)]
    sleepers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert sleepers.stdout is not None
    try:
        assert int(sleepers.stdout.readline()) == count
        yield
    finally:
        sleepers.communicate()


@contextlib.contextmanager
def helper_source() -> Iterator[LiveSource]:
    """Run a live source that gets its events from the helper."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/socket"
        helper = subprocess.Popen([sys.executable, "-m", "logonscope.sources.live.helper", socket])
        while not os.path.exists(socket):
            time.sleep(0.05)
        time.sleep(0.2)
        source = make_live(LinuxSource(), LINUX, socket=socket)
        try:
            yield source
        finally:
            source.close()
            helper.kill()
            helper.wait()


def differences(source: LiveSource) -> int:
    """Return how many processes the index has otherwise than /proc, once the machine is quiet enough to compare."""
    least = 1 << 30
    for _ in range(20):
        shown = {row[0]: row for row in LinuxSource().memberships(Look(), ProcessQuery(frozenset({"ses", "cgroup"})))}
        held = {row[0]: row for row in source.memberships(Look(), ProcessQuery(frozenset({"ses", "cgroup"})))}
        least = min(least, len(set(shown.items()) ^ set(held.items())))
        if least == 0:
            break
        time.sleep(0.1)
    return least


def resident() -> int:
    """Return the resident bytes of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@contextlib.contextmanager
def many_pids(count: int) -> Iterator[None]:
    """Let the machine have so many pids; a larger limit than before hinders nobody."""
    path = Path("/proc/sys/kernel/pid_max")
    before = path.read_text(encoding="ascii")
    if int(before) >= count:
        yield
        return
    path.write_text(str(count), encoding="ascii")
    try:
        yield
    finally:
        path.write_text(before, encoding="ascii")
