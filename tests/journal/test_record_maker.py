"""journal/record_maker.py: a record has the facts of its row alone, also across boots."""

from pathlib import Path

from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery
from tests.journal.kept import Kept


def test_records(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(150)
    kept.keeper.stop()
    kept.reopen(boot_id="boot-2")
    before = len(kept.story.lives)
    kept.live(150)
    records = list(kept.history().processes(Look(), ProcessRecordQuery()))
    for number, (record, life) in enumerate(zip(records, kept.story.lives, strict=True)):
        process = record.process
        assert (process.pid, process.tgid, process.start) == (life.pid, life.pid, life.ticks)
        assert record.boot_id == ("boot-1" if number < before else "boot-2")
        assert (process.cmdline or b"").startswith((process.exe or "").encode()[:5])
    without = kept.history().processes(Look(), ProcessRecordQuery(command_lines=False))
    assert {record.process.cmdline for record in without} == {None}
    kept.keeper.stop()
