"""Tests of formats/history_events.py: what was observed of a row of the history is an event, in every format."""

from datetime import UTC, datetime, timedelta

import pytest

from logonscope.answers.history import PastFailedLogon, PastLogin, PastProcess
from logonscope.faces.cli.event_documents import EVENT_DOCUMENTS
from logonscope.formats.history_events import failed_logon_event, login_events, past_session, process_events
from logonscope.formats.record import event_record
from tests.formats.events import ATTEMPT
from tests.formats.records import IDENTITY, flat
from tests.formats.test_ecs import AUDITBEAT, CHECKS, FIELDS
from tests.formats.test_ocsf import SCHEMA, check

START = datetime(2026, 1, 31, 9, tzinfo=UTC)
END = START + timedelta(hours=1)
LOGIN = PastLogin(
    "7", "41", "bad1485c-6894-520e-b2d7-4f0d42edb85b", "alice", 1000, 10, "RemoteInteractive", START, END, END,
    end_is_approximate=False, service="sshd", tty="pts/0", seat=None, login="41", remote_host=None,
    remote_address="203.0.113.7", remote_port=50312, authentication_method="publickey", key_type="ED25519",
    key_fingerprint="SHA256:ab12", runs=2, failed=0, programs=(), boot_id="b",
)  # fmt: skip
PROCESS = PastProcess(
    "3", "2", "7", "41", "bad1485c-6894-520e-b2d7-4f0d42edb85c", 4312, 4300, "python3", "/usr/bin/python3",
    "python3 -m x", "root", 0, START, start_is_approximate=False, end=END, end_is_approximate=False, seconds=3600.0,
    exit_code=3, signal=None, boot_id="b",
)  # fmt: skip
FAILED = PastFailedLogon("1", START, **ATTEMPT._asdict(), boot_id="b")


def test_a_login_has_its_start_its_logout_and_its_end() -> None:
    assert [(event.event, event.time) for event in login_events(LOGIN)] == [
        ("LogonStarted", START), ("LoggedOut", END), ("LogonEnded", END),
    ]  # fmt: skip
    running = LOGIN._replace(logout=None, end=None)
    assert [event.event for event in login_events(running)] == ["LogonStarted"]


def test_an_end_that_was_not_observed_is_no_event() -> None:
    assert [event.event for event in login_events(LOGIN._replace(end_is_approximate=True, logout=None))] == [
        "LogonStarted"
    ]
    assert [event.event for event in process_events(PROCESS._replace(end_is_approximate=True), None)] == [
        "ProcessStarted"
    ]


def test_a_process_has_its_logon_session() -> None:
    started, ended = process_events(PROCESS, past_session(LOGIN))
    assert (started.process and started.process.logon_guid) == LOGIN.guid
    assert (ended.exit_code, ended.session and ended.session.user) == (3, "alice")


@pytest.mark.parametrize("output", EVENT_DOCUMENTS)
def test_every_event_has_a_document(output: str) -> None:
    session = past_session(LOGIN)
    events = [*login_events(LOGIN), *process_events(PROCESS, session), *process_events(PROCESS, None)]
    documents = [
        document
        for event in [*events, failed_logon_event(FAILED)]
        if (document := EVENT_DOCUMENTS[output](event_record(IDENTITY, event), event)) is not None
    ]
    assert len(documents) == (4 if output == "sysmon" else 8)
    for document in documents:
        if output == "ocsf":
            check(document, SCHEMA["events"][str(document["class_uid"])], str(document["class_uid"]))
        if output == "ecs":
            fields = {name: value for name, value in flat(document).items() if not name.startswith("logonscope.")}
            assert all(CHECKS[FIELDS[name]](value) for name, value in fields.items() if name not in AUDITBEAT)
            assert "evidence" not in document.get("logonscope", {}).get("logon", {})
