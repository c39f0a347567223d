"""What the tests of a module share: one chromium, and a server for each host."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser

from logonscope.answers.check import Check
from logonscope.machine import Look, Source
from tests.broker.memory import Memory
from tests.page import hosts
from tests.page.browser import axe_program, chromium
from tests.page.eventful import Eventful
from tests.page.past import REFUSALS, usual_with_past
from tests.server.running import RunningServer, running

FIGURES = (
    Check(
        "live events", None,
        "412 processes, compared with /proc every second of activity, 3 differences; events lost 2 times", "",
        {"processes": 412, "losses": 2, "mended": 3, "logons_not_determined": 1},
    ),
    Check(
        "history", True, "kept since 2025-12-03, 84 MiB", "",
        {"bytes": 88_000_000, "bytes_a_day": 3_200_000, "max_bytes": 1_000_000_000, "since_seconds": 1_764_720_000},
    ),
)  # fmt: skip
"""Checks of a service with events and history: their numbers are shown as figures."""


class Figured(Memory):
    """A host whose checks have numbers."""

    def checks(self, look: Look) -> Iterator[Check]:
        del look
        yield from FIGURES


class Servers:
    """The servers, each started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, RunningServer] = {}
        self.following = Eventful(hosts.usual())
        """The host that tells what happens to it."""

    def origin(self, host: str) -> str:
        """Return the origin of the page about a host."""
        if host not in self._running:
            self._running[host] = self._stack.enter_context(running(self._source(host)))
        return f"https://127.0.0.1:{self._running[host].https}"

    def _source(self, host: str) -> Source:
        if host == "following":
            return self.following
        if host in {"past", "refused"}:
            folder = Path(self._stack.enter_context(TemporaryDirectory()))
            return usual_with_past(folder, REFUSALS if host == "refused" else ())
        if host == "figures":
            return Figured(hosts.busy())
        return Memory({"busy": hosts.busy, "quiet": hosts.quiet, "crowd": hosts.crowd}[host]())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # ended with each module: until then, Playwright's event loop is the running one of this thread
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_program(tmp_path_factory.mktemp("axe"))
