"""Output on terminals of 40, 80, 120 and 200 columns: conversations in widths/, one file for each width.

Lines are not padded. A text that was cut ends in "…"; columns that were left out are named in the last line.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.faces.cli.text import cell_width
from tests.conversation import Turn, answer, turns
from tests.environment import environment
from tests.example import recording

FILES = sorted((Path(__file__).parent / "widths").glob("*.txt"), key=lambda path: int(path.stem))
TURNS = [
    pytest.param(int(path.stem), turn, id=f"{path.stem}: {turn.typed}")
    for path in FILES
    for turn in turns(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with environment(LINES="1000", NO_COLOR="1", XDG_CONFIG_HOME="/nowhere"):
        yield recording(tmp_path_factory.mktemp("host"))


@pytest.mark.parametrize(("columns", "turn"), TURNS)
def test_the_answer_fits_as_the_conversation_says(
    columns: int, turn: Turn, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = answer(turn.typed, host, terminal=True).splitlines()
    assert [line.rstrip() for line in shown] == turn.answer.splitlines()
    assert "--columns all" in turn.typed or max(map(cell_width, shown)) <= columns


def test_each_width_has_its_conversation() -> None:
    assert [path.stem for path in FILES] == ["40", "80", "120", "200"]


@pytest.mark.parametrize("typed", ["", "sessions"])
@pytest.mark.parametrize("columns", [80, 120, 200])
def test_from_80_columns_on_the_lists_show_what_an_administrator_looks_for(
    typed: str, columns: int, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = answer(typed, host, terminal=True)
    for value in ("alice", "203.0.113.7", "(10)", "active", "logged out", "01-01 10:02", "Batch (4)"):
        assert value in shown
    assert "2 left over" in shown or " LEFT" in shown
    assert "5 processes" in shown or " PROCS" in shown


@pytest.mark.parametrize("columns", range(20, 220, 10))
def test_no_width_loses_a_column_without_naming_it(columns: int, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = answer("sessions", host).splitlines()[0].replace("LOGON ID", "logon_id").lower().split()
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = answer("sessions", host, terminal=True)
    named = shown.replace("LOGON ID", "logon_id").lower().replace(",", " ").replace(")", " ").replace("(", " ").split()
    assert set(everything) <= set(named)
