"""faces/cli/refresh.py: what --watch waits for, on a host with scripted events, and on this machine."""

import argparse
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from logonscope import connect
from logonscope.client import LocalHost
from logonscope.errors import LogonscopeError, TransportFailureError
from logonscope.faces.cli.parser import parse
from logonscope.faces.cli.refresh import MAX_SECONDS, MIN_SECONDS, Changes, Interval, open_refresh
from logonscope.machine import Owner
from logonscope.machine.events import Event
from logonscope.ownership import LINUX
from tests import example
from tests.broker.memory import Memory
from tests.broker.scripted_events import EventMemory, Script, Times
from tests.hosts import ROOT
from tests.terminal import LOGONSCOPE, Terminal

OWNER = Owner("41", "audit")
PROCESS = next(row for row in example.snapshot().processes if row.pid == 4312)


class BrokenScript(Script):
    """A reader whose connection is lost once it is set."""

    error: LogonscopeError | None = None

    def read(self, seconds: float | None = None, most: int | None = None) -> Sequence[Event]:
        if self.error is not None:
            raise self.error
        return super().read(seconds, most)


class EventHost(EventMemory):
    """A host with a script of events, which its watches read."""

    abilities = frozenset({"act", "events"})

    def __init__(self) -> None:
        super().__init__(example.snapshot())
        self.script: BrokenScript = BrokenScript()


def local(source: Memory) -> LocalHost:
    return LocalHost(source, LINUX, ROOT, lambda *_: 0)


def arguments(*words: str) -> argparse.Namespace:
    return parse([*words, "--watch=3000"])


def waited(waiter: Interval) -> float:
    begin = time.monotonic()
    waiter.wait()
    return time.monotonic() - begin


def test_an_event_ends_the_wait_and_many_end_it_once() -> None:
    source, times = EventHost(), Times()
    answered = time.monotonic()
    waiter = open_refresh(local(source), arguments("ps"))
    assert isinstance(waiter, Changes)
    assert (waiter.schedule, waiter.note) == ("at changes", "a script")
    source.script.add(*[times.started(PROCESS, OWNER) for _ in range(500)])
    # never more than four answers a second
    waiter.wait()
    assert time.monotonic() - answered >= MIN_SECONDS
    assert source.script.read(0) == []
    source.script.add(times.ended(PROCESS, OWNER))
    waiter.wait()
    assert source.script.read(0) == []
    waiter.close()
    assert source.script.is_closed


def test_without_an_event_the_answer_is_given_again_sometimes() -> None:
    waiter = Changes(local(EventHost()).watch(), 3000, 0.3)
    assert waited(waiter) >= 0.25
    assert waiter.schedule == "at changes"


@pytest.mark.parametrize("error", [None, TransportFailureError("the connection is lost", "watch again")])
def test_the_end_of_the_events_is_said_and_the_interval_goes_on(error: LogonscopeError | None) -> None:
    source = EventHost()
    waiter = open_refresh(local(source), parse(["ps", "--watch=0.1"]))
    source.script.error = error
    if error is None:
        source.script.close()
    waiter.wait()
    assert (waiter.schedule, waiter.note) == ("every 0.1 s", error.message if error else "the events have ended")
    waiter.wait()


@pytest.mark.parametrize(
    ("words", "is_streamed"),
    [
        (["ps", "41"], True), (["sessions"], True), (["leftovers"], True), (["whose", "4312"], True),
        (["whose", "sshd", "alice"], True), (["whose", "4312", ":8080"], False), (["whose", "/bin/sh"], False),
        (["whose", "user:alice", "name:sshd"], True), (["whose", "unix:/run/a"], False), (["whose", "@a"], False),
        (["sessions", "--columns", "user,cpu"], False), (["query", "SELECT * FROM Win32_Process"], False),
        (["doctor"], False),
    ],
)  # fmt: skip
def test_what_shows_more_than_events_is_polled(words: list[str], is_streamed: bool) -> None:
    waiter = open_refresh(local(EventHost()), arguments(*words))
    assert isinstance(waiter, Changes) == is_streamed
    waiter.close()


def test_a_host_without_events_is_polled_and_the_reason_is_named() -> None:
    waiter = open_refresh(local(Memory(example.snapshot())), arguments("ps"))
    assert not isinstance(waiter, Changes)
    assert (waiter.schedule, "not supported" in waiter.note) == ("every 3000 s", True)


def has_kernel_events() -> bool:
    with connect(direct=True) as host, host.watch() as watch:
        return not watch.is_polled


def test_a_new_process_is_shown_at_once(tmp_path: Path) -> None:
    program = tmp_path / f"s{time.monotonic_ns() % 10**9}"
    shutil.copy("/bin/sleep", program)
    words = [*LOGONSCOPE, "--direct", "ps", "--watch=3000", "--sort", "started", "--reverse", "--columns", "pid,name"]
    if not has_kernel_events():
        pytest.skip("no kernel events here")
    with Terminal(words, lines=200) as terminal:
        terminal.wait_for("at changes: logonscope ps")
        with subprocess.Popen([program, "100"]) as child:
            # sooner than what is read again without an event
            terminal.wait_for(program.name, MAX_SECONDS * 0.9)
            child.kill()
        terminal.type("\x03")
        assert terminal.leave() == 0
        assert "Traceback" not in terminal.text
