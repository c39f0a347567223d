"""Tests of formats/ecs_event.py: names, types and categories are those of the schema (lists)."""

from typing import Any

import pytest

from logonscope.answers.host_event import EVENT_NAMES
from logonscope.formats.ecs_event import ACTIONS, ecs_event
from tests.formats.events import EVENTS, record_of
from tests.formats.records import flat, listed
from tests.formats.test_ecs import AUDITBEAT, CHECKS, FIELDS

TYPES_BY_CATEGORY = {name: set(types.split(",")) for name, types in listed("ecs_categories.txt").items()}
OUTCOMES = {"success", "failure", "unknown"}


def document(name: str) -> dict[str, Any]:
    return flat(ecs_event(record_of(name), EVENTS[name]))


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_is_one_of_the_schema_and_has_its_type(name: str) -> None:
    for field, value in document(name).items():
        if not field.startswith("logonscope.") and field not in AUDITBEAT:
            assert CHECKS[FIELDS[field]](value), (field, value)


@pytest.mark.parametrize("name", EVENTS)
def test_types_are_those_of_the_category(name: str) -> None:
    fields = document(name)
    assert fields["event.kind"] == "event"
    assert fields["event.outcome"] in OUTCOMES
    for category in fields["event.category"]:
        assert set(fields["event.type"]) <= TYPES_BY_CATEGORY[category]


def test_every_event_has_an_action() -> None:
    assert ACTIONS.keys() == EVENT_NAMES == {event.event for event in EVENTS.values()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ended", {"process.pid": 4312, "process.exit_code": 3, "process.end": "2026-01-31T13:02:11.250000Z"}),
        ("started", {"process.parent.pid": 4300, "process.parent.name": "sudo", "user.name": "root"}),
        ("login", {"source.ip": "203.0.113.7", "source.port": 50312, "event.category": ["authentication"]}),
        ("failed", {"event.outcome": "failure", "user.name": "admin", "source.ip": "2001:db8::1"}),
        ("failed sudo", {"user.name": "alice", "user.target.name": "root"}),
        ("changed user", {"user.name": "alice", "user.effective.name": "root", "user.effective.id": "0"}),
        ("lost", {"logonscope.missed": 4}),
    ],
)  # fmt: skip
def test_values_are_those_of_the_event(name: str, expected: dict[str, Any]) -> None:
    fields = document(name)
    assert {field: fields.get(field) for field in expected} == expected
