"""Tests of app.py: callers get the host and the access they may have."""

import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import logonscope
from logonscope import InvalidParameterError, NotFoundError, NotSupportedError
from logonscope.app import open_live_source, open_page_source
from logonscope.machine import Look, Source
from logonscope.machine.events import ProcessStarted
from logonscope.server.configuration import Settings
from logonscope.sources.linux import LinuxSource
from tests import example
from tests.broker.memory import Memory
from tests.example import recording
from tests.server.serving import wait_until


def test_a_user_who_can_read_a_recording_sees_all_of_it(tmp_path: Path) -> None:
    host = logonscope.connect(recording(tmp_path))
    assert host.sees_everything
    assert [session.logon_id for session in host.sessions()] == ["4294967295", "4294967297", "37", "41", "42", "63"]


def test_a_uid_is_a_user_to_view_as(tmp_path: Path) -> None:
    host = logonscope.connect(recording(tmp_path), view_as=1000)
    assert host.sessions() == logonscope.connect(recording(tmp_path), view_as="alice").sessions()
    assert {session.user for session in host.sessions()} == {"alice"}
    assert logonscope.connect(Memory(example.snapshot()), view_as="alice").sessions() == host.sessions()
    with pytest.raises(NotFoundError):
        logonscope.connect(Memory(example.snapshot()), view_as="nobody-of-this-name")


@pytest.mark.parametrize("name", ["user", "password", "certificate", "token"])
def test_credentials_of_another_machine_are_rejected_for_what_is_not_a_url(tmp_path: Path, name: str) -> None:
    for host in (None, recording(tmp_path), "unix:/run/nothing", Memory(example.snapshot())):
        with pytest.raises(InvalidParameterError, match=f"{name} is for another machine") as caught:
            logonscope.connect(host, **{name: "text"})  # type: ignore[arg-type]  # one of four texts
        assert f"or leave {name} out" in str(caught.value.hint)


class Kept(Memory):
    """The example host, which notes when it is closed, and was the same at any moment."""

    closings = 0

    def at(self, moment: datetime) -> Source:
        return self if moment > datetime(2026, 1, 1, tzinfo=UTC) else super().at(moment)

    def close(self) -> None:
        self.closings += 1


def test_a_caller_with_a_source_object_sees_all_of_it(tmp_path: Path) -> None:
    recorded, brought = logonscope.connect(recording(tmp_path)), logonscope.connect(Kept(example.snapshot()))
    assert brought.sees_everything
    assert brought.sessions() == recorded.sessions()
    assert list(brought.processes()) == list(recorded.processes())
    query = "SELECT * FROM Win32_Process WHERE Name = 'bash'"
    assert list(brought.query(query)) == list(recorded.query(query))
    assert brought.record(str(tmp_path / "again")) == len(example.PROCESSES)
    assert logonscope.connect(tmp_path / "again").sessions() == recorded.sessions()


def test_a_source_is_requested_what_it_can_do_and_closed_with_its_host() -> None:
    source = Kept(example.snapshot())
    with logonscope.connect(source) as host:
        assert host.invoke("Win32_Process=4312", "Terminate").return_value == 0
        assert [action.pid for action in source.done] == [4312]
        assert host.at(datetime.now(UTC)).sessions() == host.sessions()
        with pytest.raises(NotSupportedError, match="no history found; to keep one, run `logonscope serve`"):
            host.at(datetime(2025, 1, 1, tzinfo=UTC))
        assert source.closings == 0
    assert source.closings == 1
    with pytest.raises(InvalidParameterError, match="invalid visibility 'all': expected 'own' or 'kernel'"):
        logonscope.connect(source, visibility="all")  # type: ignore[arg-type]  # what is wrong is the point


def test_this_machine_is_seen_with_the_rights_of_this_process() -> None:
    assert logonscope.connect().sees_everything == (os.geteuid() == 0)
    assert logonscope.connect(visibility="kernel").sees_everything
    assert logonscope.connect("/").sees_everything == (os.geteuid() == 0)


def test_the_page_of_this_machine_gets_its_events() -> None:
    with closing(open_page_source()) as source, closing(source.event_reader()) as reader:
        assert "events" in source.abilities
        child = subprocess.Popen(["/bin/sleep", "30"])
        try:
            wait_until(
                lambda: child.pid in {one.process.pid for one in reader.read(1) if isinstance(one, ProcessStarted)}
            )
        finally:
            child.kill()
            child.wait()


def test_doctor_checks_that_a_history_gets_events(tmp_path: Path) -> None:
    settings = Settings(history=True, state=str(tmp_path))
    with closing(open_live_source(LinuxSource(), settings, is_here=True)) as source:
        assert source.history is not None
        with closing(source.history):
            (checks,) = source.service_checks
            has_events = all("no kernel events" not in check.finding for check in source.checks(Look()))
            assert [check.subject for check in checks()] == ([] if has_events else ["history: events"])


def test_what_cannot_be_connected_to_is_refused(tmp_path: Path) -> None:
    for host in ("", str(tmp_path / "nothing"), tmp_path / "nothing", tmp_path):
        with pytest.raises(InvalidParameterError, match=r"recording .* does not exist|has no directory proc"):
            logonscope.connect(host)
    with pytest.raises(InvalidParameterError, match="invalid URL"):
        logonscope.connect("ftp://web1:5986")
    with pytest.raises(InvalidParameterError, match="invalid visibility 'all': expected 'own' or 'kernel'"):
        logonscope.connect(visibility="all")  # type: ignore[arg-type]  # what is wrong is the point


def test_only_what_is_requested_is_imported() -> None:
    program = "import sys, logonscope; print(len([m for m in sys.modules if m.startswith('logonscope')]))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"1\n"
    assert "connect" in dir(logonscope)
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        _ = logonscope.disconnect


def test_what_is_no_host_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="invalid host of type object: expected a file, a URL, a Source"):
        logonscope.connect(object())  # type: ignore[arg-type]  # what is wrong is the point
