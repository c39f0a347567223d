"""faces/cli/event_documents.py: each event is a document; the parent of its process comes from other events."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from logonscope.answers.host_event import HostEvent
from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.event_documents import EVENT_DOCUMENTS, DocumentWriter
from tests.formats.events import EVENTS, MOMENT, PROCESS
from tests.formats.records import IDENTITY

PARENT = PROCESS._replace(pid=4300, ppid=1, name="sudo", executable="/usr/bin/sudo")


def printed(
    output: str, events: Iterable[HostEvent], capsys: pytest.CaptureFixture[str], *readings: list[SessionProcess]
) -> list[dict[str, Any]]:
    """Return the documents of events; the n-th reading of all processes has the n-th list."""
    lists = iter(readings)
    with DocumentWriter(output, IDENTITY, lambda: next(lists, [])) as writer:
        for event in events:
            writer.write(event)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("output", EVENT_DOCUMENTS)
def test_each_event_is_a_line_at_once(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    documents = printed(output, EVENTS.values(), capsys)
    # Sysmon has no logons, and no changes
    assert len(documents) == (8 if output == "sysmon" else len(EVENTS))


def test_the_parent_is_known_from_the_reading_and_from_events(capsys: pytest.CaptureFixture[str]) -> None:
    def started(process: SessionProcess) -> HostEvent:
        return HostEvent("ProcessStarted", MOMENT, None, process)

    child = PROCESS._replace(pid=5000, ppid=4312)
    ended = HostEvent("ProcessEnded", MOMENT, None, PROCESS)
    events = [started(PROCESS), started(child), ended, started(child._replace(pid=5001))]
    images = [line["ParentImage"] for line in printed("sysmon", events, capsys, [PARENT]) if line["EventID"] == 1]
    assert images == ["/usr/bin/sudo", PROCESS.executable or "-", "-"]


def test_after_a_loss_the_processes_are_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    started = HostEvent("ProcessStarted", MOMENT, None, PROCESS)
    lines = printed("sysmon", [started, EVENTS["lost"], started], capsys, [PARENT], [])
    assert [line.get("ParentImage") for line in lines] == ["/usr/bin/sudo", None, "-"]


def test_the_leader_of_a_login_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    session = EVENTS["login"].session
    assert session is not None
    login = EVENTS["login"]._replace(session=session._replace(leader=4300))
    (line,) = printed("ecs", [login], capsys, [PARENT])
    assert (line["process"]["entry_leader"]["pid"], line["process"]["entry_leader"]["name"]) == (4300, "sudo")
