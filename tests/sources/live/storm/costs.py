"""Processor time and memory of the live index, idle and under loads."""

import os
import time
from collections.abc import Iterator

from tests.sources.live.storm.kit import Load, Options, Reader, Row, State, crowd

MIB = 1 << 20


def idle(options: Options) -> Iterator[Row]:
    """Measure without load of our own; other processes of the machine may start and end."""
    reader = Reader()
    time.sleep(1)
    before, wakes = reader.state(), _wakes(reader)
    time.sleep(options.seconds)
    woken = _wakes(reader) - wakes
    after = reader.state()
    reader.close()
    share = 100 * (after.cpu - before.cpu) / options.seconds
    yield Row(
        f"no load of our own, {after.processes} processes, {options.seconds:.0f} s",
        f"{share:.2f} % of a core, {woken} wakes",
    )


def execs_10(options: Options) -> Iterator[Row]:
    """Measure few executions."""
    yield from _measure(options, 10, "exec")


def execs_1600(options: Options) -> Iterator[Row]:
    """Measure many executions."""
    yield from _measure(options, 1600, "exec")


def forks(options: Options) -> Iterator[Row]:
    """Measure as many forks as the machine makes."""
    yield from _measure(options, 0, "fork")


def storm(options: Options) -> Iterator[Row]:
    """Measure 60 seconds of up to 20,000 forks a second."""
    yield from _measure(options._replace(seconds=60), 20_000, "fork")


def lifetimes(options: Options) -> Iterator[Row]:
    """Measure memory before and after many lifetimes."""
    reader = Reader()
    _run(options, 0, 2, "fork")  # the buffers of the first batches stay
    before, count = reader.state(), 0
    while count < options.lifetimes:
        count += _run(options, 0, 10, "fork")
    after = reader.state(compare=True)
    reader.close()
    yield Row(
        f"memory after {count:,} processes that started and ended",
        f"{(after.resident - before.resident) / MIB:+.1f} MiB of {before.resident / MIB:.1f} MiB;"
        f" processes in the index: {after.processes - before.processes:+}; {_losses(before, after)}",
    )


def memory(options: Options) -> Iterator[Row]:
    """Measure memory for many processes, as the difference between readers with and without them."""
    for count, login_size in ((5_000, 0), (5_000, 10), (25_000, 0), (25_000, 10)):
        yield from _measure_memory(options, count, login_size)


def _measure_memory(options: Options, count: int, login_size: int) -> Iterator[Row]:
    without = Reader()
    without.close()
    with crowd(options.program, count, login_size):
        reader = Reader()
        more = reader.first.processes - without.first.processes
        used = reader.first.resident - without.first.resident
        reader.close()
    grouping = f"in logins of {login_size}" if login_size else "children of one process"
    yield Row(f"memory for {more:,} processes, {grouping}", f"{used / more:.0f} B a process (RSS)")


def _measure(options: Options, rate: int, kind: str) -> Iterator[Row]:
    """Measure the index alone, without subscribers."""
    reader = Reader()
    time.sleep(1)
    before, began = reader.state(), time.monotonic()
    count = _run(options, rate, options.seconds, kind)
    passed = time.monotonic() - began
    time.sleep(0.6)
    cpu = reader.state().cpu - before.cpu
    after = reader.state(compare=True)
    reader.close()
    words = f"{count / passed:,.0f} {'exec' if kind == 'exec' else 'forks'}/s for {passed:.0f} s"
    yield Row(
        f"index alone, {words}",
        f"{100 * cpu / passed:.2f} % of a core, {1e6 * cpu / max(count, 1):.1f} µs each; {_losses(before, after)}",
    )


def _run(options: Options, rate: int, seconds: float, kind: str) -> int:
    return Load(options.program, rate, seconds, kind).wait()


def _losses(before: State, after: State) -> str:
    return (
        f"{after.losses - before.losses} losses, {after.mended - before.mended} mended,"
        f" {after.differences} differences after it"
    )


def _wakes(reader: Reader) -> int:
    """Return how often a reader's threads have gone to sleep."""
    wakes = 0
    for name in os.listdir(f"/proc/{reader.process.pid}/task"):
        with open(f"/proc/{reader.process.pid}/task/{name}/status", encoding="ascii") as file:
            wakes += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return wakes
