"""The live host: it sleeps without events, wakes at a write, and stops."""

import threading
import time
from typing import ClassVar

import pytest

from logonscope.errors import ServerTooBusyError
from logonscope.machine import Look
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.feed import LocalFeed
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.places import memberships_in
from logonscope.sources.live.records import Batch
from tests.kernel import SOMEBODY, Nursery, kernel_id
from tests.lab.hung_process import hung_execution
from tests.lab.systemd import wait_until
from tests.sources.live.history import build_program


@pytest.fixture(scope="module")
def needs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Require events."""
    build_program(tmp_path_factory.mktemp("needs"))


@pytest.mark.usefixtures("needs")
def test_a_login_is_in_the_index_without_a_request() -> None:
    host = LiveHost(LinuxSource(), LINUX, LocalFeed)
    host.start()
    with Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        deadline = time.monotonic() + 10
        while host.index is None or pid not in {row[0] for row in memberships_in(host.index.places)}:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    host.close()
    assert not any(thread.name == "live" for thread in threading.enumerate())


class FailingFeed(LocalFeed):
    """A feed whose first reading fails."""

    errors: ClassVar[list[Exception]] = []

    def read_batch(self) -> Batch:
        """Fail once."""
        if FailingFeed.errors:
            raise FailingFeed.errors.pop()
        return super().read_batch()


@pytest.mark.usefixtures("needs")
@pytest.mark.parametrize(
    ("error", "line", "has_traceback"),
    [
        (ValueError("a programming error"), "live: unexpected error; all processes are read again", True),
        (ServerTooBusyError("too many open files", "raise it"), "live: too many open files; raise it; all", False),
    ],
)
def test_after_an_error_all_processes_are_read_again(
    caplog: pytest.LogCaptureFixture, error: Exception, line: str, *, has_traceback: bool
) -> None:
    FailingFeed.errors = [error]
    host = LiveHost(LinuxSource(), LINUX, FailingFeed)
    host.start()
    first_index = host.index
    with Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        deadline = time.monotonic() + 20
        while (index := host.index) is None or index is first_index or pid not in index.entries:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert index.entries[pid].place.ses == kernel_id(pid)
    host.close()
    assert line in caplog.text
    assert ("Traceback" in caplog.text) is has_traceback
    assert not any(thread.name == "live" for thread in threading.enumerate())


@pytest.mark.usefixtures("needs")
def test_a_host_that_is_busy_answers_with_nothing_in_time() -> None:
    host = LiveHost(LinuxSource(), LINUX, LocalFeed)
    host.start()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with host.locked:
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert host.drain(0.01) is None  # the caller reads /proc
    assert host.logins(Look()) == tuple(host.direct.logins(Look()))
    release.set()
    thread.join()
    assert host.drain(5) is host.index
    assert host.logins(Look()) is not None
    host.close()


@pytest.mark.usefixtures("needs")
def test_after_lost_events_all_is_read_again_beside_an_execution_that_hangs() -> None:
    host = LiveHost(LinuxSource(), LINUX, LocalFeed)
    host.start()
    with hung_execution() as execution, Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        for _ in range(2):
            with host.locked:
                assert host.index is not None
                host.index.needs_rescan = True
            wait_until(lambda: host.drain(5))
            assert execution.child in host.index.unread  # others of the machine may hang, too
            assert host.status.unread >= 1
            assert host.index.entries[pid].place.ses == kernel_id(pid)
    wait_until(lambda: (index := host.drain(5)) is not None and execution.child not in index.unread)
    host.close()
