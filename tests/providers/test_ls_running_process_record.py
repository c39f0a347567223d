"""providers/ls_running_process_record.py: each process that runs with its record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.past import everything, keep
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path, 60)
    yield story
    story.keeper.stop()


def test_only_running_ones_have_one(kept: Kept) -> None:
    pids = {row["RecordId"]: row["ProcessId"] for row in everything(kept, "LS_ProcessRecord")}
    pairs = everything(kept, "LS_RunningProcessRecord")
    assert {row["Antecedent"][1]: pids[row["Dependent"][1]] for row in pairs} == {
        str(life.pid): life.pid for life in kept.story.lives if life.end is None
    }
