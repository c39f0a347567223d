"""Tests of formats/ecs.py: names and types are those of the schema (lists/ecs.txt), values those of the host."""

from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.formats.ecs import ecs_document, entry_type
from tests.formats.records import flat, listed, process_of, records

FIELDS = listed("ecs.txt")
AUDITBEAT = {"auditd.session", "user.audit.id", "user.audit.name"}
"""Fields of Auditbeat (auditbeat/docs/fields.asciidoc), which the schema itself lacks."""


def _is_time(value: Any) -> bool:
    return value.endswith("Z") and datetime.fromisoformat(value) is not None


CHECKS: dict[str, Callable[[Any], bool]] = {
    "keyword": lambda value: isinstance(value, str), "wildcard": lambda value: isinstance(value, str),
    "long": lambda value: type(value) is int, "boolean": lambda value: isinstance(value, bool),
    "ip": lambda value: ip_address(value) is not None, "date": _is_time,
    "keyword array": lambda value: all(isinstance(part, str) for part in value),
}  # fmt: skip


def test_every_field_is_one_of_the_schema_and_has_its_type() -> None:
    for record in records():
        for name, value in flat(ecs_document(record)).items():
            if not name.startswith("logonscope.") and name not in AUDITBEAT:
                assert CHECKS[FIELDS[name]](value), (name, value)


def test_the_posix_session_is_not_claimed() -> None:
    assert not any("session_leader" in name for record in records() for name in flat(ecs_document(record)))


def test_a_process_of_an_ssh_login() -> None:
    found = flat(ecs_document(process_of(4312)))
    expected = {
        "process.pid": 4312, "auditd.session": "41", "user.audit.id": "1000", "user.audit.name": "alice",
        "process.entry_leader.entry_meta.type": "sshd", "process.entry_leader.user.name": "alice",
        "logonscope.logon.id": "41", "event.kind": "state", "host.name": "web1",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_process_that_no_login_started_has_init_as_its_entry() -> None:
    found = flat(ecs_document(process_of(1)))
    assert found["process.entry_leader.entry_meta.type"] == "init"
    assert not {"auditd.session", "process.entry_leader.pid", "user.audit.id"} & set(found)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (LogonSession("1", service="sshd"), "sshd"), (LogonSession("1", service="login", vt=1), "terminal"),
        (LogonSession("1", service="gdm-password", seat="seat0"), "console"), (LogonSession("1"), "unknown"),
        (LogonSession("1", service="sshd", container_id="f00"), "container"),
    ],
)  # fmt: skip
def test_how_a_login_authenticated(session: LogonSession, expected: str) -> None:
    assert entry_type(session) == expected
