"""The queries of the journal's history."""

from pathlib import Path

from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery
from tests.journal.kept import Kept


def test_newest_by_prefix(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(600)
    kept.move_all()
    kept.live(200)
    query = ProcessRecordQuery(name_prefix="P1", newest=20)
    rows = list(kept.history().processes(Look(), query))
    assert len(rows) == 20
    assert all((row.process.name or "").startswith("p1") for row in rows)
    everything = [row.id for row in kept.history().processes(Look(), ProcessRecordQuery(name_prefix="p1"))]
    assert [row.id for row in rows] == everything[-20:]
    kept.keeper.stop()


def test_copies_of_earlier_journals_are_named(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(10)
    subjects = [check.subject for check in kept.history().checks()]
    assert "history: copies" not in subjects
    for name in ("journal.db.version3", "journal.db.damaged-20261128-190000", "journal.db.damaged-20261128-190000-wal"):
        (tmp_path / "history" / name).write_bytes(b"")
    (check,) = [check for check in kept.history().checks() if check.subject == "history: copies"]
    assert check.ok is None
    assert check.finding.startswith("journal.db.damaged-20261128-190000, journal.db.version3: ")
    kept.keeper.stop()
