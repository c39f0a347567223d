"""Tests of formats/ocsf.py: events have the attributes, types, numbers and requirements of lists/ocsf.json."""

import json
from typing import Any

import pytest

from logonscope.formats.ocsf import logon_type_id, ocsf_event
from tests.formats.records import LISTS, process_of, records

SCHEMA = json.loads((LISTS / "ocsf.json").read_text())
INTEGERS, TEXTS = {"integer_t", "long_t", "timestamp_t", "port_t"}, {"string_t", "ip_t", "hostname_t", "uuid_t"}
OPEN = {"unmapped"}
"""Attributes whose members are free."""


def check(members: dict[str, Any], attributes: dict[str, Any], path: str) -> None:
    """Check an object against the attributes of its type."""
    required = {name for name, declared in attributes.items() if declared.get("required")}
    assert required <= set(members) | {"osint", "cloud"}, (path, required - set(members))
    check_constraints(members, SCHEMA["constraints"].get(path.rpartition(":")[2], {}), path)
    for name, value in members.items():
        declared = attributes[name]
        where = f"{path}.{name}"
        if "enum" in declared and isinstance(value, int):
            assert value in declared["enum"], (where, value)
        if declared["type"] in INTEGERS:
            assert type(value) is int, (where, value)
        elif declared["type"] == "boolean_t":
            assert isinstance(value, bool), (where, value)
        elif isinstance(value, dict) and name not in OPEN:
            check(value, SCHEMA["objects"][declared["type"]], f"{where}:{declared['type']}")
        elif not isinstance(value, (dict, list)):
            assert isinstance(value, str), (where, value)


def check_constraints(members: dict[str, Any], constraints: dict[str, list[str]], path: str) -> None:
    """Check how many of some attributes there are."""
    counts = {
        kind: sum(name.partition(".")[0] in members for name in names) for kind, names in constraints.items()
    }  # fmt: skip
    assert counts.get("at_least_one", 1), (path, constraints)
    assert counts.get("just_one", 1) == 1, (path, constraints)


@pytest.mark.parametrize("number", range(len(records())))
def test_an_event_is_one_of_its_class(number: int) -> None:
    event = ocsf_event(records()[number])
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["category_uid"] == event["class_uid"] // 1000
    check(event, SCHEMA["events"][str(event["class_uid"])], str(event["class_uid"]))


def test_system_is_one_and_unknown_is_zero() -> None:
    assert [logon_type_id(number) for number in (None, 0, 2, 10)] == [0, 1, 2, 10]


def test_a_process_of_an_ssh_login() -> None:
    process = ocsf_event(process_of(4312))["query_evidence"]["process"]
    assert (process["pid"], process["auid"], process["session"]["uid"]) == (4312, 1000, "41")
    assert process["session"]["is_remote"] is True
