"""Tests of formats/sysmon.py: the fields that Sigma rules name (lists/sysmon.txt), with Sysmon's meaning of LogonId."""

import re

import pytest

from logonscope.formats.sysmon import sysmon_event
from tests.formats.records import listed, process_of, records

HEADER = {"EventID", "Computer", "ParentUser"}
"""Of the event's header, and a field of Sysmon 13.30 and newer."""


def test_every_field_is_one_that_rules_name() -> None:
    for record in records():
        if record.process is not None:
            event = sysmon_event(record)
            assert set(event) <= set(listed("sysmon.txt")) | HEADER
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}|-", event["UtcTime"])
            assert re.fullmatch(r"\{[0-9a-f-]{36}\}|-", event["LogonGuid"])


def test_the_logon_id_is_the_uid_and_the_terminal_session_the_kernel_id() -> None:
    # alice logged in, and runs it as root
    event = sysmon_event(process_of(4312))
    assert (event["LogonId"], event["TerminalSessionId"], event["ProcessId"]) == (0, 41, 4312)
    assert (sysmon_event(process_of(1))["LogonId"], sysmon_event(process_of(1))["TerminalSessionId"]) == (0, 4294967295)


def test_a_logon_session_is_no_event() -> None:
    with pytest.raises(ValueError, match="no event"):
        sysmon_event(records()[0])


def test_an_unknown_logon_session_has_no_terminal_session() -> None:
    # 4294967295 would say that no login started the process
    record = process_of(4312)
    assert record.process is not None
    hidden = record._replace(session=None, process=record.process._replace(logon_id=None, logon_guid=None))
    assert sysmon_event(hidden)["TerminalSessionId"] == "-"


def test_a_parent_without_an_account_name_has_its_uid() -> None:
    record = process_of(4312)
    assert record.parent is not None
    parent = record.parent._replace(user=None, uid=1234)
    assert sysmon_event(record._replace(parent=parent))["ParentUser"] == "1234"
