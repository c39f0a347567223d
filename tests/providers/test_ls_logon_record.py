"""providers/ls_logon_record.py: one instance for each logon session that is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.past import everything, keep
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = keep(tmp_path, 60)
    yield story
    story.keeper.stop()


def test_a_login_has_its_origin_and_its_key(kept: Kept) -> None:
    (row,) = [row for row in everything(kept, "LS_LogonRecord") if row["LogonId"] == "3"]
    assert (row["User"], row["Uid"], row["LogonType"], row["Service"]) == ("user1003", 1003, 10, "sshd")
    assert (row["RemoteAddress"], row["KeyFingerprint"]) == ("192.0.2.7", "SHA256:key1003")
    assert (row["EndTime"], row["EndIsApproximate"], row["BootId"]) == (None, False, "boot-1")


def test_an_ended_login_has_its_end(kept: Kept) -> None:
    kept.feed([kept.story.end_logon(3)])
    ended = [row["LogonId"] for row in everything(kept, "LS_LogonRecord") if row["EndTime"] is not None]
    assert ended == ["3"]
