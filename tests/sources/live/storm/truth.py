"""What the live source gets wrong: hostile logins beside storms, pids that come back, a reader that is stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from logonscope.machine import Look, ProcessQuery
from logonscope.sources.live.source import LiveSource
from tests.sources.live.history import Listener, compare, live_source, run_logins, settle
from tests.sources.live.storm.kit import WITHOUT_LOGIN, Load, Options, Reader, Row, helper_source

LOGINS = 400


def logins(options: Options) -> Iterator[Row]:
    """Compare hostile logins beside storms with their own history."""
    for rate in (0, 1000, 5000):
        with live_source() as source:
            yield _compare_logins(options, source, rate, "")


def logins_by_helper(options: Options) -> Iterator[Row]:
    """Do the same with the events helper."""
    for rate in (0, 1000):
        with helper_source() as source:
            yield _compare_logins(options, source, rate, ", events from the helper")


def reuse(options: Options) -> Iterator[Row]:
    """Compare logins whose pids come back within milliseconds, as with a small pid_max."""
    for window in (600, 30):
        with live_source() as source:
            yield _compare_logins(options, source, 0, f", in {window} pids", window)


def latency(options: Options) -> Iterator[Row]:
    """Measure from the return of a write of a login uid until an answer is right, asked at once."""
    del options
    count, late, wrong = 200, [], 0
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
    yield Row(
        f"{count} answers asked for right after a write of a login uid",
        f"{wrong} wrong; the answer with all pairs took {1e3 * late[count // 2]:.2f} ms (median),"
        f" {1e3 * late[-1]:.1f} ms (longest)",
    )


def stopped(options: Options) -> Iterator[Row]:
    """Stop the reader for 30 seconds, beside a load that fits into its buffer and one that does not."""
    for rate in (500, 5000):
        reader = Reader()
        reader.process.send_signal(signal.SIGSTOP)
        count = Load(options.program, rate, 30, "fork").wait()
        reader.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        reader.state()
        passed = time.monotonic() - began
        state = reader.state(compare=True)
        reader.close()
        yield Row(
            f"reader stopped (SIGSTOP) for 30 s beside {count / 30:,.0f} forks/s",
            f"{state.lost_events:,} events lost in {state.losses} losses (counted), {passed:.2f} s until the next"
            f" answer, {state.differences} differences after it",
        )


def full_queue(options: Options) -> Iterator[Row]:
    """Stop the reader until the queue of writes is full: 16,384 events."""
    reader = Reader()
    reader.process.send_signal(signal.SIGSTOP)
    subprocess.run([*WITHOUT_LOGIN, options.program, "writes", "20000"], check=True, stdout=subprocess.DEVNULL)
    reader.process.send_signal(signal.SIGCONT)
    state = reader.state(compare=True)
    reader.close()
    yield Row(
        "20,000 writes of login uids while the reader was stopped",
        f"{state.losses} losses (counted), {state.logons_not_read:,} logons not read,"
        f" {state.differences} differences after it",
    )


def _compare_logins(options: Options, source: LiveSource, rate: int, way: str, *window: int) -> Row:
    listener = Listener(source)
    load = Load(options.program, rate, 4, "fork") if rate else None
    history = run_logins(options.program, "logins", LOGINS, 1000, 3, "exit", *window)
    started = 0 if load is None else load.wait()
    settle(listener)
    result = compare(history, listener.events)
    counts = source.status.counts
    beside = f"beside {started / 4:,.0f} forks/s" if rate else "without load"
    return Row(
        f"{LOGINS} hostile logins {beside}{way}: {len(history)} processes",
        f"{len(result.wrong)} wrong, {result.unknown} not known (counted), {result.missing} not reported,"
        f" {result.right} right; {counts.losses} losses",
    )
