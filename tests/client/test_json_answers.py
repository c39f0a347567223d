"""Tests of client/json_answers.py: members of a newer server are ignored, and what is missing is an error."""

from datetime import UTC, datetime

import pytest

from logonscope import LogonFilter, LogonSession, TransportFailureError, jsonable
from logonscope.client.json_answers import read_answer, read_leftovers, read_session, read_trees, write_filter
from logonscope.server.json_arguments import FILTER

SESSION = LogonSession("41", "alice", start=datetime(2026, 1, 1, 10, 2, 0, 1, tzinfo=UTC), sources={"user": "x"})


def test_a_session_is_read_as_it_was_written() -> None:
    assert read_session({**jsonable(SESSION), "new_member": 1}) == SESSION


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
