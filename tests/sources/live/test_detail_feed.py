"""sources/live/detail_feed.py, with the kernel's events: names, arguments and logon sessions of real processes."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from logonscope.machine.events import Event, LogonEnded, LogonStarted, ProcessEnded, ProcessStarted
from logonscope.sources.live.detail_feed import MISSES, what_is_missed
from logonscope.sources.live.ring import RingReader
from logonscope.sources.live.source import LiveSource
from tests.kernel import SOMEBODY, Nursery, kernel_id
from tests.sources.live.history import build_program, live_source


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSource]:
    """Run a live source of this machine; the program is only built to require its needs."""
    build_program(tmp_path_factory.mktemp("needs"))
    with live_source() as source:
        yield source


@pytest.mark.parametrize("name", MISSES)
def test_the_events_helper_misses_what_a_local_feed_misses(name: str) -> None:
    assert what_is_missed(f"{name}, by the events helper") == what_is_missed(name) == MISSES[name]


def wait_for(reader: RingReader, matches: Callable[[Event], bool]) -> Event:
    """Return the next event that matches."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for event in reader.read(1):
            if matches(event):
                return event
    raise AssertionError("there is no such event")


def test_a_process_that_lives_has_its_program_and_its_end_has_it_too(live: LiveSource) -> None:
    reader = live.event_reader()
    with subprocess.Popen(["sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE) as child:
        started = wait_for(reader, lambda event: isinstance(event, ProcessStarted) and event.process.pid == child.pid)
        assert isinstance(started, ProcessStarted)
        assert (started.process.name, started.process.cmdline) == ("sh", b"sh\0-c\0read line; exit 3\0")
        # if its execution comes with its end, the program is not known: pass the batches until then
        other = subprocess.Popen(["true"])
        other.wait()
        wait_for(reader, lambda event: isinstance(event, ProcessEnded) and event.process.pid == other.pid)
        child.communicate()
    ended = wait_for(reader, lambda event: isinstance(event, ProcessEnded) and event.process.pid == child.pid)
    assert isinstance(ended, ProcessEnded)
    assert (ended.process.name, ended.status) == ("sh", 3 << 8)
    assert ended.process.start == started.process.start
    reader.close()


def test_a_login_is_an_event_for_each_of_a_hundred_readers(live: LiveSource) -> None:
    readers = [live.event_reader() for _ in range(100)]
    with Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        logon_id = str(kernel_id(pid))
        for reader in readers:
            event = wait_for(
                reader, lambda event: isinstance(event, LogonStarted) and event.session.logon_id == logon_id
            )
            assert isinstance(event, LogonStarted)
            assert (event.session.uid, event.session.is_foreign) == (SOMEBODY, False)
        nursery.end(pid)
        for reader in readers:
            wait_for(reader, lambda event: isinstance(event, LogonEnded) and event.session.logon_id == logon_id)
            reader.close()
