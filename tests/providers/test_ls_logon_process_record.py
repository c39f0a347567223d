"""providers/ls_logon_process_record.py: each process with its logon session."""

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


def test_every_process_has_one(kept: Kept) -> None:
    logons = {row["RecordId"]: row["LogonId"] for row in everything(kept, "LS_LogonRecord")}
    pairs = everything(kept, "LS_LogonProcessRecord")
    assert [logons[row["Antecedent"][1]] for row in pairs] == [life.logon_id for life in kept.story.lives]
