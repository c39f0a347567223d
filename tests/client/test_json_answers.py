"""Tests of client/json_answers.py: members of a newer server are ignored, and what is missing is an error."""

from datetime import UTC, datetime

import pytest

from logonscope import LogonFilter, LogonSession, TransportFailureError, jsonable
from logonscope.answers.session_service import SessionService
from logonscope.answers.whose import OuterLogin
from logonscope.client import LocalHost
from logonscope.client.json_answers import (
    read_answer,
    read_leftovers,
    read_service,
    read_session,
    read_trees,
    read_whose,
    write_filter,
)
from logonscope.ownership import LINUX
from logonscope.server.json_arguments import FILTER
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

SESSION = LogonSession("41", "alice", start=datetime(2026, 1, 1, 10, 2, 0, 1, tzinfo=UTC), sources={"user": "x"})


def test_a_session_is_read_as_it_was_written() -> None:
    assert read_session({**jsonable(SESSION), "new_member": 1}) == SESSION


def test_the_start_of_a_service_is_a_time_again() -> None:
    start = datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
    (answer,) = LocalHost(Memory(SNAPSHOT), LINUX, ROOT, save_recording).whose(700)
    told = answer._replace(service="ssh.service", service_start=start)
    assert read_whose(jsonable(told)) == told
    told = told._replace(outer_logins=(OuterLogin("41", "alice", 1000, 4300, "sudo"),))
    assert read_whose(jsonable(told)) == told
    row = SessionService("ssh.service", 2, 700, "sshd", "root", start)
    assert read_service({**jsonable(row), "new_member": 1}) == row


def test_trees_without_processes_and_without_a_session() -> None:
    assert [tree.session for tree in read_trees([{"session": jsonable(SESSION)}, {"session": None}])] == [SESSION, None]
    assert list(read_trees([])) == []


def test_what_is_missing_is_an_error_of_the_response() -> None:
    for read, line in ((read_session, {}), (read_session, {"logon_id": 1, "start": "x"}), (read_leftovers, [])):
        with pytest.raises(TransportFailureError):
            read_answer(read, line)


def test_a_filter_is_read_by_the_server_as_it_was() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    where = LogonFilter(frozenset({"alice"}), frozenset({10, None}), frozenset({None}), frozenset({"::/0"}), since)
    assert FILTER.read(write_filter(where)) == where
    assert FILTER.read(write_filter(LogonFilter(system=False))) == LogonFilter(system=False)
