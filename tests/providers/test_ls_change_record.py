"""providers/ls_change_record.py: one instance for each change that is kept."""

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


def test_a_change_says_what_the_process_became(kept: Kept) -> None:
    found = everything(kept, "LS_ChangeRecord")
    assert {(row["Name"] == "vi", row["Uid"] == 0) for row in found} >= {(True, False), (False, True)}
    commands = {row["SudoCommand"] for row in found}
    assert None in commands
    assert any(command is not None and command.startswith("/usr/bin/id ") for command in commands)
