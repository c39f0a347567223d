"""journal/report_rows.py: failed logons and changes of user by number, user, logon session and time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.machine import Look
from logonscope.machine.history import FailedLogonQuery, LogonRecordQuery, UserChangeQuery
from tests.journal.kept import Kept
from tests.journal.story import BOOT
from tests.journal.test_process_rows import moment


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = Kept(tmp_path / "history")
    story.feed(story.story.start_logons())
    story.live(300)
    story.feed(story.story.reports())
    story.live(100)
    story.move_all()
    story.feed(story.story.reports())
    yield story
    story.keeper.stop()


def test_failed_logons(kept: Kept) -> None:
    history, late = kept.history(), moment(kept.story.ms)
    records = list(history.failed_logons(Look(), FailedLogonQuery()))
    assert [record.attempt.user for record in records] == ["user1001", "hunter2"] * 2
    assert [record.attempt.is_known_user for record in records] == [True, False] * 2
    assert records[-1].time == BOOT * 1_000_000 + kept.story.ms * 1000
    assert records[0].boot_id == "boot-1"
    found = history.failed_logons(Look(), FailedLogonQuery(users=frozenset({"HUNTER2"})))
    assert list(found) == records[1::2]
    assert list(history.failed_logons(Look(), FailedLogonQuery(ids=frozenset({records[2].id})))) == [records[2]]
    assert set(records[2:]) <= set(history.failed_logons(Look(), FailedLogonQuery(since=late)))
    assert list(history.failed_logons(Look(), FailedLogonQuery(until=moment(0)))) == []


def test_changes_of_user(kept: Kept) -> None:
    history = kept.history()
    logons = {record.id: record.login_uid for record in history.logons(Look(), LogonRecordQuery())}
    records = list(history.user_changes(Look(), UserChangeQuery()))
    assert len(records) > 10
    for record in records:
        assert record.logon_record is not None
        assert (logons[record.logon_record], record.change.to_user) == (record.change.from_uid, "root")
        assert record in list(
            history.user_changes(Look(), UserChangeQuery(logon_records=frozenset({record.logon_record})))
        )
        assert record.process_record is not None
        assert record in list(
            history.user_changes(Look(), UserChangeQuery(process_records=frozenset({record.process_record})))
        )
