"""The writer: batches are whole or not at all, and rows are moved in steps."""

import sqlite3
from pathlib import Path

import pytest

from logonscope.journal.writer import MOVE_STEP
from tests.journal.kept import Kept, count


def test_rows_are_moved_in_steps(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000)
    kept.keeper.writer.move_step()
    assert count(kept.database, "process") == MOVE_STEP
    assert count(kept.database, "recent") == 1000 - MOVE_STEP
    kept.move_all()
    assert (count(kept.database, "process"), count(kept.database, "recent")) == (1000, 0)
    kept.keeper.stop()


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(20)
    writer, before = kept.keeper.writer, count(kept.database, "recent")
    for event in kept.story.events(20):
        kept.keeper.recorder.add(event)
    batch = kept.keeper.recorder.take_batch()
    with pytest.raises(sqlite3.IntegrityError):
        writer.write(batch._replace(rows=[*batch.rows, batch.rows[0]]))
    assert (count(kept.database, "recent"), writer.database.in_transaction) == (before, False)
    writer.write(batch)
    assert count(kept.database, "recent") == before + 20
    kept.keeper.stop()
