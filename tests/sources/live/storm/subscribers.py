"""What subscribers to events cost a server with a live host, how late events reach them, and what they lose."""

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from bench.served import Served, served
from bench.tools import ENVIRONMENT
from tests.sources.live.storm.kit import Load, Options, Row

ROOT = 0
CROWD, USERS, STOPPED_USERS = 1_000, 20, 2
SETTLE_SECONDS = 3.0
LAG_SECONDS = 120.0
"""Seconds after a storm in which its events must have been sent or counted."""


class Subscribers:
    """Subscribers of one user, in a process of their own."""

    def __init__(self, path: str, uid: int, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sources.live.storm.subscriber", path, str(uid), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read()

    def report(self) -> dict[str, Any]:
        """Return what came so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """Read nothing until ``go_on``."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Read again."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        report: dict[str, Any] = json.loads(self._process.stdout.readline())
        return report


@contextmanager
def _server() -> Iterator[tuple[Served, str]]:
    """Serve this machine with events; yield the server and the path of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 -- other users connect to the socket
        path = f"{folder}/socket"
        listeners = f"http://127.0.0.1:0,unix:{path}"
        environment = ENVIRONMENT | {"PYTHONPATH": os.environ.get("PYTHONPATH", "src")}
        flags = ("--live", "true", "--listen", listeners, "--max-connections", "3000")
        with served(None, *flags, folder=folder, environment=environment) as server:
            os.chmod(path, 0o666)  # noqa: S103 -- the same
            yield server, path


def latency(options: Options) -> Iterator[Row]:
    """Measure how old an event is when a subscriber has read it."""
    with _server() as (_, path), Subscribers(path, ROOT, 1) as subscribers:
        time.sleep(SETTLE_SECONDS)
        Load(options.program, 50, options.seconds, "exec").wait()
        time.sleep(SETTLE_SECONDS)
        report = subscribers.report()
    yield Row(
        f"age of {report['started'][0]:,} starts of processes at a subscriber, 50 exec/s",
        f"{1e3 * report['median']:.1f} ms (median), {1e3 * report['p99']:.1f} ms (99 %)",
    )


def cost(options: Options) -> Iterator[Row]:
    """Measure the server beside 1,600 executions a second, without subscribers, with one and with ten of one user."""
    for count in (0, 1, 10):
        with _server() as (server, path), ExitStack() as stack:
            subscribers = stack.enter_context(Subscribers(path, ROOT, count))
            time.sleep(SETTLE_SECONDS)
            before, began = server.cpu, time.monotonic()
            made = Load(options.program, 1600, options.seconds, "exec").wait()
            seconds, used = time.monotonic() - began, server.cpu - before
            report = subscribers.report()
        yield Row(
            f"the server beside {made / seconds:,.0f} exec/s for {seconds:.0f} s, {count} subscribers",
            f"{100 * used / seconds:.1f} % of a core; {sum(report['events']):,} events, {sum(report['lost'])} lost",
        )


def crowd(options: Options) -> Iterator[Row]:
    """Measure the server with many subscribers, of which some read nothing."""
    uids = [account.pw_uid for account in pwd.getpwall() if account.pw_uid != ROOT][: USERS - 1]
    with _server() as (server, path), ExitStack() as stack:
        time.sleep(SETTLE_SECONDS)
        before = server.memory()
        each = CROWD // (len(uids) + 1)
        groups = [stack.enter_context(Subscribers(path, uid, each)) for uid in (ROOT, *uids)]
        opened = server.memory()
        for group in groups[-STOPPED_USERS:]:
            group.stop()
        began, cpu = time.monotonic(), server.cpu
        made = Load(options.program, 100, options.seconds, "exec").wait()
        time.sleep(SETTLE_SECONDS)
        seconds, used = time.monotonic() - began, server.cpu - cpu
        after = server.memory()
        reading = [group.report() for group in groups[:-STOPPED_USERS]]
        for group in groups[-STOPPED_USERS:]:
            group.go_on()
        time.sleep(SETTLE_SECONDS)
        stopped = [group.report() for group in groups[-STOPPED_USERS:]]
    count = each * len(groups)
    yield Row(
        f"memory of the server with {count:,} subscribers, {each * STOPPED_USERS} of them stopped, {made:,} executions",
        f"{before / 1024:.0f} MiB without, {opened / 1024:.0f} MiB with them, {after / 1024:.0f} MiB after the events;"
        f" {100 * used / seconds:.0f} % of a core",
    )
    yield Row(
        "what each of those who read got",
        f"{_span(reading[:1], 'events')} events (root), {_span(reading[1:], 'events')} (others),"
        f" {_span(reading, 'lost')} lost",
    )
    yield Row(
        "what each of the stopped ones got later",
        f"{_span(stopped, 'events')} events, {_span(stopped, 'lost')} lost (counted), {_span(stopped, 'losses')} Lost",
    )


def storm(options: Options) -> Iterator[Row]:
    """Measure what ten subscribers get of up to 20,000 forks a second."""
    with _server() as (server, path), Subscribers(path, ROOT, 10) as subscribers:
        time.sleep(SETTLE_SECONDS)
        before, began = server.cpu, time.monotonic()
        made = Load(options.program, 20_000, options.seconds, "fork").wait()
        seconds, end = time.monotonic() - began, time.time()
        report = subscribers.report()
        # events come in their order: after one of a later process, all of the load were sent or counted
        while min(report["latest"]) < end and time.time() < end + LAG_SECONDS:
            time.sleep(SETTLE_SECONDS)
            subprocess.run(["true"], check=True)
            report = subscribers.report()
        lag = time.time() - end
        used, sums = server.cpu - before, _sums(report)
    told = "all were reported or counted as lost" if min(sums) >= 2 * made else "SOME WERE NEITHER REPORTED NOR COUNTED"
    yield Row(
        f"ten subscribers beside {made / seconds:,.0f} forks/s for {seconds:.0f} s: {made:,} forks and ends",
        f"each got {_span([report], 'events')} events, {_span([report], 'lost')} lost (counted),"
        f" {_span([report], 'losses')} notices: {told} within {lag:.0f} s; {used:.1f} s of a processor",
    )


def _sums(report: dict[str, Any]) -> list[int]:
    return [events + lost for events, lost in zip(report["events"], report["lost"], strict=True)]


def _span(reports: Sequence[dict[str, Any]], name: str) -> str:
    """Return the least and the greatest of a number of all subscribers."""
    numbers = [number for report in reports for number in report[name]]
    return f"{min(numbers):,}" if min(numbers) == max(numbers) else f"{min(numbers):,} to {max(numbers):,}"
