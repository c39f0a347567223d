"""providers/ls_logon_session_record.py: each logon session that exists with its record."""

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


def test_only_those_that_exist_have_one(kept: Kept) -> None:
    running = {life.logon_id for life in kept.story.lives if life.end is None}
    pairs = everything(kept, "LS_LogonSessionRecord")
    assert {row["Antecedent"][1] for row in pairs} == running
    last = max(running, key=int)
    kept.feed([kept.story.end_logon(number) for number in (1, 2, 3)])
    left = {row["Antecedent"][1] for row in everything(kept, "LS_LogonSessionRecord")}
    assert left == running - {"1", "2", "3"}
    assert last in left
