"""providers/ls_process_record.py: one instance for each process that is kept."""

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


def test_a_process_has_its_times_and_its_status(kept: Kept) -> None:
    for row, life in zip(everything(kept, "LS_ProcessRecord"), kept.story.lives, strict=True):
        assert (row["ProcessId"], row["LogonId"]) == (life.pid, life.logon_id)
        assert row["ExitCode"] in ({None} if life.end is None else {0, 1})
        lasted = None if life.end is None else life.end - life.ticks * 10
        assert row["Milliseconds"] == lasted
        assert row["CommandLine"].startswith((row["ExecutablePath"], "bash"))
