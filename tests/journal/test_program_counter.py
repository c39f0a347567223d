"""journal/program_counter.py: the programs of a login, counted over its rows."""

from collections import Counter
from pathlib import Path

from logonscope.journal.program_counter import ProgramCounter
from logonscope.journal.reader import Reader
from logonscope.machine import Look
from logonscope.machine.history import LogonRecordQuery, ProcessRecordQuery
from tests.journal.kept import Kept


def test_counts_are_those_of_the_rows(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(300)
    kept.move_all()
    kept.live(100)
    history, reader = kept.history(), Reader(kept.keeper.files)
    logons = [record.id for record in history.logons(Look(), LogonRecordQuery())]
    counts = ProgramCounter(reader).count(logons)
    for logon in logons:
        rows = list(history.processes(Look(), ProcessRecordQuery(logon_records=frozenset({logon}))))
        runs = Counter((row.process.name, row.process.exe) for row in rows)
        failed = Counter((row.process.name, row.process.exe) for row in rows if row.status)
        found = counts.get(logon, ())
        assert {(part.name, part.executable): part.runs for part in found} == runs
        assert {(part.name, part.executable): part.failed for part in found if part.failed} == failed
        assert [part.runs for part in found] == sorted((part.runs for part in found), reverse=True)
        for part in found:
            starts = [row.start for row in rows if (row.process.name, row.process.exe) == (part.name, part.executable)]
            assert (part.first, part.last) == (starts[0], starts[-1])
    reader.close()
    kept.keeper.stop()
