"""providers/ls_process_change_record.py: each change with its process."""

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


def test_every_change_has_one(kept: Kept) -> None:
    changes = {row["RecordId"]: row["ProcessRecordId"] for row in everything(kept, "LS_ChangeRecord")}
    pairs = everything(kept, "LS_ProcessChangeRecord")
    assert {row["Dependent"][1]: row["Antecedent"][1] for row in pairs} == changes
    assert len(pairs) == len(changes) > 0
