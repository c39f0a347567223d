"""Tests of formats/ocsf_event.py: attributes, types, numbers and constraints are those of release 1.5.0 (lists)."""

from typing import Any

import pytest

from logonscope.formats.ocsf import VERSION
from logonscope.formats.ocsf_event import ocsf_activity
from tests.formats.events import EVENTS, record_of
from tests.formats.test_ocsf import SCHEMA, check


def activity(name: str) -> dict[str, Any]:
    return ocsf_activity(record_of(name), EVENTS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_one_of_its_class(name: str) -> None:
    event = activity(name)
    number = str(event["class_uid"])
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    # a name is needed where the number says "other"
    assert (event["activity_id"] == 99) == ("activity_name" in event)
    check(event, SCHEMA["events"][number], number)
    assert event["metadata"]["version"] == VERSION in SCHEMA["source"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("started", (1007, 1)), ("executed", (1007, 1)), ("executed again", (1007, 1)), ("moved", (1007, 99)),
        ("ended", (1007, 2)), ("killed", (1007, 2)), ("changed user", (1007, 5)), ("login", (3002, 1)),
        ("logged out", (3002, 2)), ("logon ended", (3002, 99)), ("failed", (3002, 1)), ("failed sudo", (3002, 1)),
        ("lost", (0, 99)),
    ],
)  # fmt: skip
def test_the_class_and_the_activity(name: str, expected: tuple[int, int]) -> None:
    event = activity(name)
    assert (event["class_uid"], event["activity_id"]) == expected


def test_the_actor_of_a_start_is_the_parent_and_of_an_end_the_process_itself() -> None:
    started, ended, executed = activity("started"), activity("ended"), activity("executed")
    assert (started["actor"]["process"]["pid"], started["process"]["pid"]) == (4300, 4312)
    assert (ended["actor"]["process"]["pid"], ended["exit_code"]) == (4312, 3)
    assert ended["process"]["terminated_time"] == ended["time"] == 1769864531250
    assert executed["actor"]["process"]["path"] == "/bin/sh"
    assert activity("killed")["unmapped"]["logonscope"]["signal"] == 9


def test_a_failed_logon_has_who_tried() -> None:
    failed, sudo = activity("failed"), activity("failed sudo")
    assert (failed["status_id"], failed["status_detail"], failed["count"]) == (2, "authentication failure", 3)
    assert (failed["user"]["name"], failed["src_endpoint"]["ip"], failed["is_remote"]) == ("admin", "2001:db8::1", True)
    assert (sudo["actor"]["user"]["name"], sudo["user"]["name"], sudo["service"]["name"]) == ("alice", "root", "sudo")


def test_a_change_of_user_has_both_users() -> None:
    event = activity("changed user")
    assert (event["actor"]["user"]["name"], event["process"]["user"]["name"]) == ("alice", "root")
    assert event["process"]["euid"] == 0


def test_a_logon_has_the_uid_that_it_has_in_every_export() -> None:
    uids = [activity(name)["metadata"]["uid"] for name in ("login", "logged out", "logon ended")]
    assert uids[0] == "bad1485c-6894-520e-b2d7-4f0d42edb85b"
    assert len(set(uids)) == 3
