"""The stream of events: their order, their owners, cursors, and gaps."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from logonscope.facts import Process
from logonscope.machine import Look, ProcessQuery
from logonscope.machine.events import (
    Event,
    EventsLost,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.feed import LocalFeed
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.source import LiveSource
from tests.kernel import SOMEBODY, Nursery, kernel_id
from tests.sources.live.history import Listener, build_program, live_source


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSource]:
    """Run a live source of this machine; the program is only built to require its needs."""
    build_program(tmp_path_factory.mktemp("needs"))
    with live_source() as source:
        yield source


def wait_for(listener: Listener, matches: Callable[[Event], bool]) -> Event:
    """Return the first event that matches, waiting for it."""
    deadline = time.monotonic() + 20
    while True:
        event = next(filter(matches, list(listener.events)), None)
        if event is not None:
            return event
        assert time.monotonic() < deadline, "there is no such event"
        time.sleep(0.05)


def test_a_login_begins_and_ends_with_its_processes(live: LiveSource) -> None:
    listener = Listener(live)
    with Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        logon_id = str(kernel_id(pid))
        started = wait_for(listener, lambda event: isinstance(event, LogonStarted) and event.owner.logon_id == logon_id)
        assert isinstance(started, LogonStarted)
        assert (started.session.logon_id, started.session.uid) == (logon_id, SOMEBODY)
        nursery.end(pid)
        wait_for(listener, lambda event: isinstance(event, LogonEnded) and event.owner.logon_id == logon_id)
    own = [
        event
        for event in listener.events
        if isinstance(event, ProcessStarted | ProcessEnded) and event.process.pid == pid
    ]
    assert [type(event) for event in own] == [ProcessStarted, ProcessEnded]
    assert own[1].owner.logon_id == logon_id
    assert own[0].head.kernel_ns < own[1].head.kernel_ns
    cursors = [event.head.number for event in listener.events]
    assert cursors == list(range(cursors[0], cursors[0] + len(cursors)))


def test_a_login_in_another_pid_namespace_has_no_account_name(live: LiveSource) -> None:
    listener = Listener(live)
    script = "echo 1 >/proc/self/loginuid; exec sleep 60"
    with subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", script]) as nested:
        started = wait_for(listener, lambda event: isinstance(event, LogonStarted) and event.session.uid == 1)
        nested.kill()
    assert isinstance(started, LogonStarted)
    assert started.session.user is None


def test_a_status_is_that_of_wait_and_a_program_is_a_change(live: LiveSource) -> None:
    listener = Listener(live)
    child = subprocess.Popen(["sh", "-c", "exit 3"])
    assert child.wait() == 3
    pid, status = child.pid, 3 << 8
    listener.wait_for_end_of(pid)
    (end,) = [event for event in listener.events if isinstance(event, ProcessEnded) and event.process.pid == pid]
    assert end.status == status
    assert any(isinstance(event, ProcessChanged) and event.after[0].pid == pid for event in listener.events)


def test_a_cursor_resumes_and_an_old_one_is_a_gap(live: LiveSource) -> None:
    listener = Listener(live)
    for _ in range(3):
        child = subprocess.Popen(["true"])
        child.wait()
    listener.wait_for_end_of(child.pid)
    cursor = listener.events[1].head.number
    assert next(live.events(cursor)).head.number == cursor + 1
    lost, *_ = islice(live.events(cursor + 1_000_000), 1)
    assert isinstance(lost, EventsLost)
    assert lost.missed_events is None


class SlowSource(LinuxSource):
    """A source whose reading of all processes takes until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False
        self.is_reading, self.released = threading.Event(), threading.Event()

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Read processes; all of them only when it was released."""
        if query.pids is None and self.is_slow:
            self.is_reading.set()
            self.released.wait()
        return super().processes(look, query)


@pytest.mark.usefixtures("live")
def test_answers_and_the_end_do_not_wait_for_a_subscription_that_reads_all_processes() -> None:
    direct = SlowSource()
    host = LiveHost(direct, LINUX, LocalFeed)
    host.start()
    source = LiveSource(host)
    direct.is_slow = True
    listener = threading.Thread(target=lambda: list(source.events()), daemon=True)
    listener.start()
    assert direct.is_reading.wait(10)
    assert host.drain(10) is host.index
    source.close()
    assert listener.is_alive()
    direct.released.set()
