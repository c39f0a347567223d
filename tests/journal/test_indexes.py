"""journal/indexes.py: the index of a query depends on the query alone."""

from pathlib import Path

from logonscope.machine.history import (
    ChangeRecordQuery,
    FailedLogonQuery,
    LogonRecordQuery,
    ProcessRecordQuery,
    RecordQuery,
    UserChangeQuery,
)
from tests.journal.kept import Kept
from tests.journal.test_process_rows import moment

QUERIES: tuple[tuple[RecordQuery, list[str]], ...] = (
    (ProcessRecordQuery(pids=frozenset({1})), ["process_zone"]),
    (ProcessRecordQuery(logon_records=frozenset({1})), ["process_place"]),
    (ProcessRecordQuery(name_prefix="a"), ["process_program"]),
    (ProcessRecordQuery(is_running=True), ["process_alive"]),
    (ProcessRecordQuery(since=moment(0)), ["record number"]),
    (ProcessRecordQuery(users=frozenset({"a"})), []),
    (LogonRecordQuery(keys=frozenset({"a"})), ["logon_key"]),
    (LogonRecordQuery(), []),
    (ChangeRecordQuery(since=moment(0)), ["record number"]),
    (ChangeRecordQuery(process_records=frozenset({1})), ["change_process"]),
    (FailedLogonQuery(users=frozenset({"a"})), ["failed_logon_user"]),
    (FailedLogonQuery(until=moment(0)), ["record number"]),
    (FailedLogonQuery(), []),
    (UserChangeQuery(process_records=frozenset({1})), ["user_change_process"]),
    (UserChangeQuery(logon_records=frozenset({1})), ["user_change_place"]),
)


def test_indexes(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    for _ in range(2):
        assert [kept.history().indexes(query) for query, _ in QUERIES] == [names for _, names in QUERIES]
        kept.feed(kept.story.start_logons())
        kept.live(50)
    kept.keeper.stop()
