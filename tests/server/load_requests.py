"""Load of many requests, one after another on few connections: the server's memory must not grow with their number."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle, islice
from time import perf_counter
from typing import NamedTuple

from bench.recordings import recording
from bench.served import Client, Served, served
from bench.tools import ENVIRONMENT, UnavailableError
from logonscope.wire.wsman import names
from tests.server.attacked import SOURCE
from tests.server.soap import envelope, selector_set

PROCESSES, CLIENTS = 50, 4
THIS_CHECKOUT = {**ENVIRONMENT, "PYTHONPATH": SOURCE}
"""Whatever is installed, the server that is loaded is the one beside these tests."""

MAX_GROWTH = 0.10
"""Of the server's memory between a tenth of the requests and all of them."""

_BEGIN = "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>{}</n:Enumerate>"
_QUERY = f"<w:Filter Dialect=\"{names.WQL}\">SELECT Handle, Name FROM Win32_Process WHERE Name = 'ssh'</w:Filter>"
REQUESTS = (
    envelope("", "", "<id:Identify/>"),
    envelope(names.GET, "Win32_Process", selectors=selector_set([("Handle", "10")])),
    envelope(names.GET, "Win32_LogonSession", selectors=selector_set([("LogonId", "41")])),
    envelope(names.ENUMERATE, "Win32_SessionProcess", _BEGIN.format("")),
    envelope(names.ENUMERATE, "*", _BEGIN.format(_QUERY)),
)
"""Sent in turns, and after each round one that is answered by a fault."""

FAULT = envelope(names.GET, "Win32_Nothing", selectors=selector_set([("Handle", "10")]))


class Report(NamedTuple):
    """What came of it; memory in KiB."""

    requests: int
    seconds: float
    first: int
    memory: int

    @property
    def growth(self) -> float:
        """Return by which part of itself the memory grew after a tenth of the requests."""
        return self.memory / self.first - 1

    @property
    def wrong(self) -> list[str]:
        """Return what is wrong with it."""
        return [f"memory grew by {self.growth:.0%}"] if self.growth > MAX_GROWTH else []


def load_requests(count: int) -> Report:
    """Send so many requests, and look at the server's memory after a tenth of them and in the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(recording(folder, PROCESSES), environment=THIS_CHECKOUT) as server,
    ):
        begin = perf_counter()
        _send(server, count // 10)
        first = server.memory()
        _send(server, count - count // 10)
        return Report(count, perf_counter() - begin, first, server.memory())


def _send(server: Served, count: int) -> None:
    """Send so many requests over a few connections; a wrong answer ends it.

    Raises:
        UnavailableError: an answer is no success.
    """
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: _ask(server, REQUESTS, count // CLIENTS), range(CLIENTS)))


def _ask(server: Served, requests: Sequence[bytes], count: int) -> None:
    with Client(server.port) as client:
        for request in islice(cycle((*requests, FAULT)), count):
            if request is FAULT:
                with suppress(UnavailableError):
                    client.ask(request)
            else:
                client.ask(request)


def requests_table(report: Report) -> str:
    """Return the report as a table in Markdown."""
    cells = (
        f"{report.requests:,}", f"{report.requests / report.seconds:,.0f}", f"{report.first / 1024:.1f} MiB",
        f"{report.memory / 1024:.1f} MiB", f"{report.growth:+.1%}",
    )  # fmt: skip
    return "\n".join(
        [
            "| requests | a second | memory after a tenth | after all | growth |",
            "|---:|---:|---:|---:|---:|",
            f"| {' | '.join(cells)} |",
        ]
    )
