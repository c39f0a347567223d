"""faces/cli/event_values.py: every kind of event has the same names."""

from datetime import UTC, datetime

import pytest

from logonscope.answers.host_event import EVENT_NAMES, HostEvent
from logonscope.faces.cli.event_values import VALUE_NAMES, event_values
from tests.faces.cli.test_event_text import ALICE, ATTEMPT, CHANGE, PYTHON


@pytest.mark.parametrize("name", sorted(EVENT_NAMES))
def test_every_event_has_every_name(name: str) -> None:
    assert tuple(event_values(HostEvent(name, None, None))) == VALUE_NAMES  # type: ignore[arg-type] # names of events


def test_values_are_those_of_the_event() -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    values = event_values(HostEvent("LogonStarted", moment, "c1", session=ALICE))
    assert (values["event"], values["user"], values["remote_port"]) == ("LogonStarted", ALICE.user, ALICE.remote_port)
    assert event_values(HostEvent("ProcessEnded", moment, None, PYTHON, exit_code=3))["exit_code"] == 3
    assert event_values(HostEvent("LogonFailed", moment, None, attempt=ATTEMPT))["reason"] == ATTEMPT.reason
    assert event_values(HostEvent("UserChanged", moment, None, PYTHON, change=CHANGE))["command"] == CHANGE.command
