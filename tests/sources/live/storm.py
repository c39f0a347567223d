"""Figures of the live source on this machine, as a table in Markdown: ``make storm``; as root.

    python -m tests.sources.live.storm [SECONDS]

The load runs in other processes; CPU is that of the process with the live host.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import logonscope
from logonscope.machine import Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.choose import make_live
from logonscope.sources.live.source import LiveSource
from tests.sources.live.history import Listener, build_program, compare, live_source, run_logins, settle


class Row(NamedTuple):
    """A row of the table."""

    measure: str
    figure: str


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


@contextlib.contextmanager
def helper_source(folder: str) -> Iterator[LiveSource]:
    """Run a live source that gets its events from the helper."""
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


def measure_load(program: str, rate: int, seconds: float, kind: str) -> Row:
    """Measure the index alone, without subscribers."""
    with live_source() as source:
        time.sleep(1)
        before, began = time.process_time(), time.monotonic()
        count = Load(program, rate, seconds, kind).wait()
        passed = time.monotonic() - began
        time.sleep(0.6)
        cpu = time.process_time() - before
        counts = source.status.counts
        differing = differences(source)
    words = f"{count / passed:,.0f} {'exec' if kind == 'exec' else 'forks'}/s for {passed:.0f} s"
    return Row(
        f"index alone, {words}",
        f"{100 * cpu / passed:.2f} % of a core, {1e6 * cpu / max(count, 1):.1f} µs each; {counts.losses} losses,"
        f" {counts.mended} mended, {differing} differences after it",
    )


def measure_idle(seconds: float) -> Row:
    """Measure without load of our own; other processes of the machine may start and end."""
    with live_source() as source:
        time.sleep(1)
        before = time.process_time()
        time.sleep(seconds)
        cpu = time.process_time() - before
        processes = source.status.processes
    return Row(f"no load of our own, {processes} processes, {seconds:.0f} s", f"{100 * cpu / seconds:.2f} % of a core")


def measure_truth(program: str, rate: int, logins: int, *, by_helper: bool = False) -> Row:
    """Compare the ends of all processes of hostile logins, beside a storm, with their own history."""
    with tempfile.TemporaryDirectory() as folder, helper_source(folder) if by_helper else live_source() as source:
        listener = Listener(source)
        load = Load(program, rate, 4, "fork") if rate else None
        history = run_logins(program, "logins", logins, 1000, 3, "exit")
        forks = 0 if load is None else load.wait()
        settle(listener)
        result = compare(history, listener.events)
        counts = source.status.counts
    beside = f"beside {forks / 4:,.0f} forks/s" if rate else "without load"
    way = ", events from the helper" if by_helper else ""
    return Row(
        f"{logins} hostile logins {beside}{way}: {len(history)} processes",
        f"{len(result.wrong)} wrong, {result.unknown} not known (counted), {result.missing} not reported,"
        f" {result.right} right; {counts.losses} losses",
    )


def measure_latency(count: int) -> Row:
    """Measure from the return of a write of a login uid until an answer is right, asked at once."""
    late, wrong = [], 0
    with live_source() as source:
        for number in range(count):
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                Path("/proc/self/loginuid").write_text(str(64321 + number % 100), encoding="ascii")
                os.write(write, b"x")
                time.sleep(0.05)
                os._exit(0)
            os.read(read, 1)
            began = time.monotonic()
            rows = {pid: ses for pid, ses, _ in source.memberships(Look(), ProcessQuery(frozenset({"ses"})))}
            late.append(time.monotonic() - began)
            shown = Path(f"/proc/{pid}/sessionid").read_text(encoding="ascii")
            wrong += str(rows.get(pid)) != shown
            os.waitpid(pid, 0)
            os.close(read)
            os.close(write)
    late.sort()
    return Row(
        f"{count} answers asked for right after a write of a login uid",
        f"{wrong} wrong; the answer with all pairs took {1e3 * late[count // 2]:.2f} ms (median),"
        f" {1e3 * late[-1]:.1f} ms (longest)",
    )


def measure_pairs(processes: int) -> Iterator[Row]:
    """Measure memory and the pairs of many processes."""
    sleepers = subprocess.Popen(
        [sys.executable, "-c", _SLEEPERS, str(processes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert sleepers.stdout is not None
    sleepers.stdout.readline()
    try:
        before = _resident()
        with live_source() as source:
            total = source.status.processes
            yield Row(f"memory for {total:,} processes", f"{(_resident() - before) / total:.0f} B a process (RSS)")
            for name, host in (
                ("live", logonscope.connect(source)),
                ("read from /proc", logonscope.connect(direct=True)),
            ):
                best = 9.0
                for _ in range(3):
                    began = time.monotonic()
                    count = sum(1 for _ in host.enumerate("Win32_SessionProcess"))
                    best = min(best, (time.monotonic() - began) / count)
                yield Row(f"Win32_SessionProcess of {total:,} processes, {name}", f"{1e6 * best:.2f} µs a row")
    finally:
        sleepers.communicate()


_SLEEPERS = """
import os, sys
pids = []
read, write = os.pipe()
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if not pid:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    pids.append(pid)
print(flush=True)
sys.stdin.read()
os.close(write)
for pid in pids:
    os.waitpid(pid, 0)
"""


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def main() -> None:
    """Measure everything, and print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    threading.current_thread().name = "storm"
    print("| measure | figure |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        program = build_program(Path(folder))
        for row in _rows(program, seconds):
            print(f"| {row.measure} | {row.figure} |", flush=True)


def _rows(program: str, seconds: float) -> Iterator[Row]:
    yield measure_idle(seconds)
    yield measure_load(program, 10, seconds, "exec")
    yield measure_load(program, 1600, seconds, "exec")
    yield measure_load(program, 0, seconds, "fork")
    yield measure_truth(program, 0, 400)
    yield measure_truth(program, 1000, 400)
    yield measure_truth(program, 5000, 400)
    yield measure_truth(program, 0, 400, by_helper=True)
    yield measure_truth(program, 1000, 400, by_helper=True)
    yield measure_latency(200)
    yield from measure_pairs(5000)


if __name__ == "__main__":
    main()
