"""Tests of formats/ecs_event.py: every event has its category, type and action."""

from logonscope.answers.host_event import EVENT_NAMES, HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.formats.ecs_event import ACTIONS, ecs_event
from tests.formats.records import process_of

HOST = HostIdentity("web1")
CATEGORIES = {"authentication", "host", "process", "session"}
TYPES = {"change", "end", "info", "start"}


def test_every_event_has_a_category_and_a_type_of_the_schema() -> None:
    assert ACTIONS.keys() == EVENT_NAMES
    row = process_of(4312).process
    for name in EVENT_NAMES:
        event = ecs_event(HOST, HostEvent(name, None, None, row))["event"]  # type: ignore[arg-type] # names of events
        assert event["kind"] == "event"
        assert set(event["category"]) <= CATEGORIES
        assert set(event["type"]) <= TYPES


def test_the_end_of_a_process_has_its_exit_code() -> None:
    event = HostEvent("ProcessEnded", None, None, process_of(4312).process, exit_code=3)
    document = ecs_event(HOST, event)
    assert (document["process"]["pid"], document["process"]["exit_code"]) == (4312, 3)
