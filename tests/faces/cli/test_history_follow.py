"""``logonscope history --follow``: what comes after the list, each login and process once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from logonscope.answers.host_event import HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.faces.cli.event_writers import EventWriter
from logonscope.faces.cli.history_follow import NewEvents
from logonscope.faces.cli.run import run
from logonscope.ownership import LINUX
from tests.broker.kept_events import KeptEvents
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


def test_the_list_comes_first_then_events(events: KeptEvents, capsys: pytest.CaptureFixture[str]) -> None:
    def publish() -> None:
        wait_until(lambda: events.source.readers, 20)
        events.publish(2)
        wait_until(lambda: events.source.readers[0].number == 14, 20)
        events.source.ring.close()

    thread = threading.Thread(target=publish)
    thread.start()
    code = follow(events, "--failed", "--logons-only", "-f")
    thread.join()
    captured = capsys.readouterr()
    lines = [line.split(" ", 1)[1] for line in captured.out.splitlines()]
    assert lines == ["1 failed to log in through sshd", "2 failed to log in through sshd"]
    # the test has ended the events
    assert code != 0
    assert "the events have ended" in captured.err


@pytest.mark.parametrize(("words", "message"), [
    (["--until", "2030-01-01"], "--follow has no end"), (["-o", "csv"], "cannot follow the history as csv"),
    (["pid:7"], "cannot follow 'pid:7'"),
])  # fmt: skip
def test_what_cannot_be_followed_is_refused(
    events: KeptEvents, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert follow(events, "-f", *words) == 2
    assert message in capsys.readouterr().err


class Written(EventWriter):
    """A writer that keeps the names of events."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def write(self, event: Any) -> None:
        self.names.append(event.event)


def test_what_the_list_shows_is_not_repeated(events: KeptEvents) -> None:
    host = LocalHost(events.source, LINUX, ROOT, lambda *_: 0)
    first, second, *_ = host.history()
    listed = [first, second._replace(end=second.start)]
    written = Written()
    writer = NewEvents(written, listed, failed_alone=True)
    for row in (first, second):
        session = LogonSession(row.logon_id, guid=row.guid)
        for name in ("LogonStarted", "LoggedOut", "LogonEnded"):
            writer.write(HostEvent(name, None, None, session=session))
    writer.write(HostEvent("LogonStarted", None, None, session=LogonSession("99", guid="another")))
    writer.write(HostEvent("ProcessEnded", None, None, exit_code=0))
    writer.write(HostEvent("ProcessEnded", None, None, exit_code=1))
    assert written.names == ["LoggedOut", "LogonEnded", "LoggedOut", "LogonStarted", "ProcessEnded"]
