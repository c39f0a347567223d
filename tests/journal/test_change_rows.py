"""journal/change_rows.py: changes by their process, their number and their time."""

from pathlib import Path

from logonscope.machine import Look
from logonscope.machine.history import ChangeRecordQuery
from tests.journal.kept import Kept
from tests.journal.test_process_rows import moment


def test_changes(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(200)
    kept.feed(kept.story.late_changes())
    first = kept.story.ms
    kept.live(10)
    kept.feed(kept.story.late_changes())
    history = kept.history()
    everything = list(history.changes(Look(), ChangeRecordQuery()))
    late = [record for record in everything if (record.time or 0) > moment(first + 2000).timestamp() * 1e6]
    assert everything
    for record in everything[:3]:
        query = ChangeRecordQuery(process_records=frozenset({record.process_record}))
        assert record in list(history.changes(Look(), query))
        assert list(history.changes(Look(), ChangeRecordQuery(ids=frozenset({record.id})))) == [record]
    assert set(late) <= set(history.changes(Look(), ChangeRecordQuery(since=moment(first + 2000))))
    assert list(history.changes(Look(), ChangeRecordQuery(until=moment(0)))) == []
    kept.keeper.stop()
