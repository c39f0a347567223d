"""Removed rows: what the seals have lost of them."""

from pathlib import Path

from logonscope.journal.removal import Remover
from tests.journal.kept import Kept, count


def test_rows_are_gone_and_accounted_for(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(500)
    kept.move_all()
    kept.live(100)
    numbers = [row[0] for row in kept.database.execute("SELECT id FROM process ORDER BY id LIMIT 100")]
    newest = kept.database.execute("SELECT max(id) FROM recent").fetchone()[0]
    # a row that was not moved is left
    assert Remover(kept.keeper.writer).remove_processes([*numbers, newest]) == 100
    assert count(kept.database, "process") == 400
    result = kept.verify()
    assert result.is_intact
    assert result.removed >= 100
    kept.keeper.stop()
