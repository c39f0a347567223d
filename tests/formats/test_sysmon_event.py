"""Tests of formats/sysmon_event.py: events have the fields of Sysmon's manifest (lists/sysmon_events.txt)."""

import re

import pytest

from logonscope.formats.sysmon_event import sysmon_activity
from tests.formats.events import EVENTS, record_of
from tests.formats.records import listed

FIELDS = {int(number): set(names.split(",")) for number, names in listed("sysmon_events.txt").items()}
HEADER = {"EventID", "Computer"}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("started", 1), ("executed", 1), ("executed again", 1), ("ended", 5), ("killed", 5), ("unknown", 5),
        ("lost", 255), ("some lost", 255),
    ],
)  # fmt: skip
def test_an_event_has_the_fields_of_its_number(name: str, number: int) -> None:
    event = sysmon_activity(record_of(name), EVENTS[name])
    assert event is not None
    assert event["EventID"] == number
    assert set(event) <= FIELDS[number] | HEADER
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}|-", event["UtcTime"])


@pytest.mark.parametrize("name", ["moved", "changed user", "login", "logged out", "logon ended", "failed"])
def test_what_sysmon_does_not_report(name: str) -> None:
    assert sysmon_activity(record_of(name), EVENTS[name]) is None


def test_the_end_of_a_process() -> None:
    event = sysmon_activity(record_of("ended"), EVENTS["ended"])
    assert event is not None
    assert (event["UtcTime"], event["ProcessId"], event["User"]) == ("2026-01-31 13:02:11.250", 4312, "root")
    assert event["ProcessGuid"] == "{bad1485c-6894-520e-b2d7-4f0d42edb85c}"


def test_a_program_is_created_when_it_is_executed() -> None:
    event = sysmon_activity(record_of("executed"), EVENTS["executed"])
    assert event is not None
    assert (event["UtcTime"], event["ParentProcessId"]) == ("2026-01-31 13:02:11.250", 4300)
    assert event["ParentImage"].endswith("/sudo")
