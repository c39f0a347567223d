"""broker/explain_history.py: what a query reads of the history, in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.broker.explain import explain
from logonscope.broker.record_keys import RecordKeys
from tests.broker.past import BOB, SPACE, keep, request
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path, 20)
    yield story
    story.keeper.stop()


def test_readings_in_words(kept: Kept) -> None:
    where = "ProcessId = 7 AND Name LIKE 'ma%' AND EndTime > '20260101000000.000000+000'"
    text = f"SELECT * FROM LS_ProcessRecord WHERE {where}"
    (part,) = explain(request(kept), text, SPACE).parts
    (reading,) = [reading for reading in part.reads if "past processes" in reading]
    assert "pid 7" in reading
    assert "a name that begins with ma" in reading
    assert "an end after 2025-12-31 23:59:59" in reading
    assert reading.endswith("by index process_zone")


@pytest.mark.parametrize(
    ("cls", "column"),
    [("LS_FailedLogonRecord", "Time"), ("LS_UserChangeRecord", "Time"), ("LS_ChangeRecord", "ChangeTime")],
)
def test_events_have_one_time(kept: Kept, cls: str, column: str) -> None:
    where = f"{column} > '20260101000000.000000+000' AND {column} < '20260102000000.000000+000'"
    (part,) = explain(request(kept), f"SELECT * FROM {cls} WHERE {where}", SPACE).parts
    (reading,) = [reading for reading in part.reads if "a time" in reading]
    assert "a time from 2025-12-31 23:59:59" in reading
    assert "a time until 2026-01-02 00:00:0" in reading
    assert "start" not in reading
    assert "end" not in reading


def test_records_and_ssh_keys_have_different_names(kept: Kept) -> None:
    key = RecordKeys(kept.history(), shows_numbers=True).key("logon", 7)
    (part,) = explain(request(kept), f"SELECT * FROM LS_LogonRecord WHERE RecordId = '{key}'", SPACE).parts
    assert any(f"past logon sessions with record {key}:" in reading for reading in part.reads)
    (part,) = explain(request(kept), "SELECT * FROM LS_LogonRecord WHERE KeyFingerprint = 'SHA256:a'", SPACE).parts
    assert any("past logon sessions with ssh key SHA256:a" in reading for reading in part.reads)


def test_a_user_reads_the_processes_of_its_own_logon_sessions(kept: Kept) -> None:
    (part,) = explain(request(kept, BOB), "SELECT * FROM LS_ProcessRecord", SPACE).parts
    assert "the history: past logon sessions with login uid 1001: by index logon_uid" in part.reads
    assert any("past processes with logon record" in reading for reading in part.reads)
