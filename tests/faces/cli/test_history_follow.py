"""``logonscope history --follow``: what comes after the list, each login and process once."""

import contextlib
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from logonscope.answers.history import PastFailedLogon, PastProcess, PastUserChange
from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.broker import Caller
from logonscope.broker.event_rows import boot_epoch_seconds
from logonscope.client import LocalHost
from logonscope.faces.cli.event_writers import EventWriter
from logonscope.faces.cli.history_follow import NewEvents
from logonscope.faces.cli.run import run
from logonscope.ownership import LINUX
from tests.broker.kept_events import KeptEvents
from tests.journal.story import BOOT
from tests.lab.systemd import wait_until

ROOT = Caller("root", 0, administrator=True)


@pytest.fixture
def events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptEvents]:
    kept_events = KeptEvents(tmp_path_factory.mktemp("kept"))
    kept_events.source.abilities = frozenset({"events"})
    logons = list(kept_events.kept.story.start_logons())
    kept_events.kept.feed(logons)
    kept_events.source.ring.publish(logons, len(logons))
    yield kept_events
    kept_events.kept.keeper.stop()


def follow(events: KeptEvents, *words: str) -> int:
    host = LocalHost(events.source, LINUX, ROOT, lambda *_: 0)
    return run(["history", *words], lambda *_, **__: host, lambda _: None)  # type: ignore[arg-type,return-value]  # no users


def publish_two(events: KeptEvents) -> None:
    """Publish two events to a reader, and end the events."""
    wait_until(lambda: events.source.readers, 20)
    events.publish(2)
    wait_until(lambda: events.source.readers[0].number == 14, 20)
    events.source.ring.close()


def test_the_list_comes_first_then_events(events: KeptEvents, capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=publish_two, args=(events,))
    thread.start()
    code = follow(events, "--failed", "--logons-only", "-f")
    thread.join()
    captured = capsys.readouterr()
    lines = [line.split(" ", 1)[1] for line in captured.out.splitlines()]
    assert lines == ["1 failed to log in through sshd", "2 failed to log in through sshd"]
    # the test has ended the events
    assert code != 0
    assert "the events have ended" in captured.err


class TerminalText(io.StringIO):
    """A text that is shown on a terminal."""

    def isatty(self) -> bool:
        return True


def test_events_are_shown_at_once_without_a_pager(events: KeptEvents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "1")
    monkeypatch.setenv("LOGONSCOPE_PAGER", "cat >/dev/null")
    thread = threading.Thread(target=publish_two, args=(events,))
    thread.start()
    with contextlib.redirect_stdout(TerminalText()) as terminal:
        follow(events, "--failed", "--logons-only", "-f")
    thread.join()
    assert "2 failed to log in through sshd" in terminal.getvalue()


@pytest.mark.parametrize(("words", "message"), [
    (["--until", "2030-01-01"], "--follow has no end"), (["-o", "csv"], "cannot follow the history as csv"),
    (["pid:7"], "cannot follow 'pid:7'"), (["--watch"], "cannot use --follow with --watch"),
])  # fmt: skip
def test_what_cannot_be_followed_is_refused(
    events: KeptEvents, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert follow(events, "-f", *words) == 2
    assert message in capsys.readouterr().err


def test_a_failed_logon_that_the_list_shows_is_not_repeated(
    events: KeptEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    # events have the times of this machine: so must the rows that are written after this one
    events.kept.clock.set_by = int((boot_epoch_seconds() - BOOT) * 1_000_000)
    events.publish(1)
    events.write()

    def publish() -> None:
        wait_until(lambda: events.source.readers, 20)
        events.publish(2)
        # in time for the list, which is read later
        events.write()
        wait_until(lambda: events.source.readers[0].number == 15, 20)
        events.publish(1)
        wait_until(lambda: events.source.readers[0].number == 16, 20)
        events.source.ring.close()

    thread = threading.Thread(target=publish)
    thread.start()
    follow(events, "--failed", "--logons-only", "-f")
    thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines[1:4]] == ["1", "2", "3"]
    assert [line.split(" ", 1)[1] for line in lines[4:]] == ["4 failed to log in through sshd"]


def test_a_row_stands_for_one_failed_logon() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    attempt = FailedAttempt("sshd", "bob", True, "::1", 22, None, None, None, None, None, None, 1, 7, "journal")
    listed = [PastFailedLogon("1", moment, **attempt._asdict(), boot_id="b")]
    written = Written()
    writer = NewEvents(written, listed)
    for seconds in (5, 0.001, 0.002):
        writer.write(HostEvent("LogonFailed", moment + timedelta(seconds=seconds), None, attempt=attempt))
    assert written.names == ["LogonFailed", "LogonFailed"]


class Written(EventWriter):
    """A writer that keeps the names of events."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def write(self, event: Any) -> None:
        self.names.append(event.event)


def test_what_the_list_shows_is_not_repeated(events: KeptEvents) -> None:
    host = LocalHost(events.source, LINUX, ROOT, lambda *_: 0)
    first, second, *_ = host.history()
    listed = [first, second._replace(logout=second.start, end=second.start)]
    written = Written()
    writer = NewEvents(written, listed, only_failed=True)
    for row in (first, second):
        session = LogonSession(row.logon_id, guid=row.guid)
        for name in ("LogonStarted", "LoggedOut", "LogonEnded"):
            writer.write(HostEvent(name, None, None, session=session))
    writer.write(HostEvent("LogonStarted", None, None, session=LogonSession("99", guid="another")))
    writer.write(HostEvent("ProcessEnded", None, None, exit_code=0))
    writer.write(HostEvent("ProcessEnded", None, None, exit_code=1))
    assert written.names == ["LoggedOut", "LogonEnded", "LogonStarted", "ProcessEnded"]


def test_a_change_of_user_that_the_tree_shows_is_not_repeated() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    process = PastProcess(
        "7",
        None,
        "1",
        "41",
        "a-guid",
        70,
        1,
        "sudo",
        None,
        None,
        "root",
        0,
        moment,
        False,
        None,
        False,
        None,
        None,
        None,
    )
    change = ChangedUser(1000, "alice", 0, "root", True, "sudo", "sudo", None, "kernel")
    row = PastUserChange(
        "1",
        process.record,
        process.logon_record,
        process.logon_id,
        moment,
        process.pid,
        **change._asdict(),
        boot_id="b",
    )
    subject = SessionProcess(
        "41", "audit", 70, None, None, None, 0, None, None, None, None, None, None, None, {}, process_guid="a-guid"
    )
    written = Written()
    writer = NewEvents(written, [process, row])
    for seconds in (0.002, 5):
        event_time = moment + timedelta(seconds=seconds)
        writer.write(HostEvent("UserChanged", event_time, None, subject, change=change))
    assert written.names == ["UserChanged"]
