"""providers/ls_user_change_record.py: changes of user in the logon sessions that the caller may see."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.past import BOB, ask, everything, keep
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path)
    yield story
    story.keeper.stop()


def test_changes(kept: Kept) -> None:
    rows = everything(kept, "LS_UserChangeRecord")
    assert len(rows) > 5
    logons = {row["RecordId"]: row["Uid"] for row in everything(kept, "LS_LogonRecord")}
    for row in rows:
        assert (row["FromUid"], row["ToUser"]) == (logons[row["LogonRecordId"]], "root")
        assert row["Command"] == f"/usr/bin/id {row['FromUid']}"
    text = f"SELECT * FROM LS_UserChangeRecord WHERE LogonRecordId = '{rows[0]['LogonRecordId']}'"
    assert rows[0] in ask(kept, text)


def test_a_user_sees_those_of_its_own_logins_without_commands(kept: Kept) -> None:
    rows = everything(kept, "LS_UserChangeRecord", BOB)
    assert {row["FromUid"] for row in rows} == {1001}
    assert {row["Command"] for row in rows} == {None}


def test_the_change_of_the_process_has_the_command(kept: Kept) -> None:
    changes = {row["SudoCommand"] for row in everything(kept, "LS_ChangeRecord")}
    assert any((command or "").startswith("/usr/bin/id ") for command in changes)
