"""faces/cli/event_documents.py: every event has a document of the Elastic Common Schema."""

import json
from datetime import UTC, datetime

import pytest

from logonscope.answers.host_event import EVENT_NAMES, HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.faces.cli.event_documents import EcsWriter
from logonscope.formats.ecs_event import ACTIONS
from tests.faces.cli.test_event_text import ALICE, ATTEMPT, CHANGE, PYTHON

CATEGORIES = {"process", "authentication", "session", "host"}
"""Allowed values of event.category that are used (ECS 8.17)."""

TYPES = {"start", "end", "change", "info"}


def document(event: HostEvent, capsys: pytest.CaptureFixture[str]) -> object:
    """Return the document that is printed of an event."""
    EcsWriter(HostIdentity("web1", "boot", "machine")).write(event)
    document: object = json.loads(capsys.readouterr().out)
    return document


def test_every_event_has_an_action() -> None:
    assert ACTIONS.keys() == EVENT_NAMES
    assert {category for category, _, _ in ACTIONS.values()} <= CATEGORIES
    assert {kind for _, kind, _ in ACTIONS.values()} <= TYPES


@pytest.mark.parametrize(
    ("event", "path", "expected"),
    [
        (HostEvent("LogonStarted", None, None, session=ALICE), "source.port", 50312),
        (HostEvent("LogonStarted", None, None, session=ALICE), "event.outcome", "success"),
        (HostEvent("ProcessEnded", None, None, PYTHON, exit_code=3), "process.exit_code", 3),
        (HostEvent("LogonFailed", None, None, attempt=ATTEMPT), "event.outcome", "failure"),
        (HostEvent("LogonFailed", None, None, attempt=ATTEMPT), "source.ip", "2001:db8::1"),
        (HostEvent("UserChanged", None, None, PYTHON, change=CHANGE), "user.effective.name", "root"),
        (HostEvent("Lost", None, None, missed=4), "logonscope.missed", 4),
    ],
)
def test_a_document_has_what_the_event_has(
    event: HostEvent, path: str, expected: object, capsys: pytest.CaptureFixture[str]
) -> None:
    value = document(event._replace(time=datetime(2026, 1, 31, tzinfo=UTC)), capsys)
    for name in path.split("."):
        assert isinstance(value, dict)
        value = value[name]
    assert value == expected
