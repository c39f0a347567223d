"""providers/ls_failed_logon_record.py: refused attempts, which nobody but an administrator sees."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.past import BOB, ask, everything, keep
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path, 60)
    yield story
    story.keeper.stop()


def test_an_attempt(kept: Kept) -> None:
    first, second = everything(kept, "LS_FailedLogonRecord")
    assert (first["User"], first["IsKnownUser"], second["User"], second["IsKnownUser"]) == (
        "user1001", True, "hunter2", False,
    )  # fmt: skip
    assert (first["RemoteAddress"], first["RemotePort"], first["Attempts"]) == ("198.51.100.9", 50_001, 2)
    found = ask(kept, "SELECT * FROM LS_FailedLogonRecord WHERE User = 'HUNTER2'")
    assert [row["RecordId"] for row in found] == [second["RecordId"]]
    found = ask(kept, f"SELECT * FROM LS_FailedLogonRecord WHERE Time >= '{first['Time'].isoformat()}'")
    assert len(found) == 2


def test_others_see_none_even_of_their_own_name(kept: Kept) -> None:
    assert everything(kept, "LS_FailedLogonRecord", BOB) == []
    assert ask(kept, "SELECT * FROM LS_FailedLogonRecord WHERE User = 'user1001'", BOB) == []
