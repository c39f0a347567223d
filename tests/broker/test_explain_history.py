"""broker/explain_history.py: what a query reads of the history, in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.broker.explain import explain
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


def test_a_user_reads_the_processes_of_its_own_logon_sessions(kept: Kept) -> None:
    (part,) = explain(request(kept, BOB), "SELECT * FROM LS_ProcessRecord", SPACE).parts
    assert "the history: past logon sessions with login uid 1001: by index logon_uid" in part.reads
    assert any("past processes with the logon session of record" in reading for reading in part.reads)
