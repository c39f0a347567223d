"""journal/logon_conditions.py: logon sessions by user, key and time, in any case of letters."""

from pathlib import Path

from logonscope.machine import Look
from logonscope.machine.history import LogonRecordQuery
from tests.journal.kept import Kept
from tests.journal.test_process_rows import moment


def test_conditions(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(20)
    kept.feed([kept.story.end_logon(3)])
    end = kept.story.ms
    kept.live(200)

    def ask(query: LogonRecordQuery) -> list[str]:
        return [record.logon_id for record in kept.history().logons(Look(), query)]

    assert ask(LogonRecordQuery(users=frozenset({"USER1003"}))) == []
    assert ask(LogonRecordQuery(users=frozenset({"USER1003"}), fold_case=True)) == ["3", "10"]
    assert ask(LogonRecordQuery(keys=frozenset({"SHA256:key1003"}))) == ["3", "10"]
    assert ask(LogonRecordQuery(keys=frozenset({"sha256:KEY1003"}), fold_case=True)) == ["3", "10"]
    assert ask(LogonRecordQuery(logon_ids=frozenset({"3"}), since=moment(end + 2000))) == []
    assert ask(LogonRecordQuery(logon_ids=frozenset({"3"}), since=moment(end - 500))) == ["3"]
    assert ask(LogonRecordQuery(until=moment(500))) == ["4294967295"]
    kept.keeper.stop()
