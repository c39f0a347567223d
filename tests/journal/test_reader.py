"""What ran at a moment: compared with a search through every process of a story."""

import random
from pathlib import Path

import pytest

from logonscope.journal.reader import Reader
from logonscope.machine import Look
from logonscope.machine.history import LogonRecordQuery, ProcessRecordQuery
from tests.journal.kept import Kept
from tests.journal.story import Story


@pytest.mark.parametrize("seed", [1, 2])
def test_every_moment_equals_a_search_through_all(tmp_path: Path, seed: int) -> None:
    kept = Kept(tmp_path / "history", story=Story(seed))
    kept.feed(kept.story.start_logons())
    # half of the rows are moved and indexed, the other half is not
    for _ in range(4):
        kept.live(700)
    kept.move_all()
    kept.live(700, 400)
    reader, chance = Reader(kept.keeper.files), random.Random(seed)  # noqa: S311 -- a test
    for _ in range(30):
        ms = chance.randrange(2000, kept.story.ms)
        rows = reader.rows_at(1, ms)
        reader.load_dictionaries(rows)
        logons = {row["id"]: str(row["logonid"]) for row in reader.logons("1")}
        found = {(row[2], row[3], logons[reader.place(row[1]).logon or 0]) for row in rows}
        assert found == kept.story.running_at(ms)
    kept.keeper.stop()


def test_a_pid_at_a_moment(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(2500)
    kept.move_all()
    reader = Reader(kept.keeper.files)
    for ms in range(3000, kept.story.ms, kept.story.ms // 20):
        expected = {(pid, ticks) for pid, ticks, _ in kept.story.running_at(ms)}
        for pid in range(300, 4000, 371):
            rows = reader.rows_at(1, ms, frozenset({pid}))
            assert [(row[2], row[3]) for row in rows] == [pair for pair in expected if pair[0] == pid]
    kept.keeper.stop()


def test_numbers_that_no_row_can_have_are_found_nowhere(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(50)
    kept.move_all()
    kept.live(50)
    history, huge = kept.history(), 10**22
    assert list(history.processes(Look(), ProcessRecordQuery(pids=frozenset({huge})))) == []
    assert list(history.logons(Look(), LogonRecordQuery(logon_ids=frozenset({str(huge)})))) == []
    reader = Reader(kept.keeper.files)
    assert reader.rows_at(1, kept.story.ms, frozenset({huge})) == []
    kept.keeper.stop()
