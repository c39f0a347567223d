"""Tests of formats/parquet.py: a reader of others gets the values back, with their types."""

import io
from datetime import UTC

import pytest

from logonscope.answers.host_event import HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.formats.parquet import BATCH_ROWS, columns_of, write_parquet
from tests.formats.events import EVENTS
from tests.formats.records import example, records

parquet = pytest.importorskip("pyarrow.parquet")


def test_processes_are_read_as_they_were_written() -> None:
    processes = [record.process for record in records() if record.process]
    file = io.BytesIO()
    assert write_parquet(processes, SessionProcess, file) == len(processes)
    rows = parquet.read_table(file).to_pylist()
    for row, process in zip(rows, processes, strict=True):
        expected = process._asdict() | {"unread": list(process.unread.items())}
        start = process.start and process.start.astimezone(UTC)
        assert row == expected | {"start": start}


def test_logon_sessions_have_their_usage_as_columns() -> None:
    sessions, file = example().sessions(details=["usage"]), io.BytesIO()
    write_parquet(sessions, LogonSession, file)
    rows = parquet.read_table(file).to_pylist()
    assert [row["usage_processes"] for row in rows] == [
        session.usage and session.usage.processes for session in sessions
    ]
    assert [row["logon_id"] for row in rows] == [session.logon_id for session in sessions]


def test_many_rows_and_none() -> None:
    process = next(record.process for record in records() if record.process)
    for count in (0, BATCH_ROWS + 1):
        file = io.BytesIO()
        assert write_parquet([process] * count, SessionProcess, file) == count
        assert parquet.read_table(file).num_rows == count


def test_events_have_the_fields_of_what_they_are_about() -> None:
    file = io.BytesIO()
    assert write_parquet(EVENTS.values(), HostEvent, file) == len(EVENTS)
    rows = dict(zip(EVENTS, parquet.read_table(file).to_pylist(), strict=True))
    assert (rows["ended"]["event"], rows["ended"]["process_pid"], rows["ended"]["exit_code"]) == (
        "ProcessEnded",
        4312,
        3,
    )
    assert (rows["failed"]["attempt_user"], rows["failed"]["process_pid"]) == ("admin", None)
    assert rows["login"]["session_key_fingerprint"] == "SHA256:ab12"


def test_every_field_but_lists_has_a_column() -> None:
    assert {column.path[0] for column in columns_of(LogonSession)} == set(LogonSession._fields)
    assert {column.name for column in columns_of(SessionProcess)} == set(SessionProcess._fields)
