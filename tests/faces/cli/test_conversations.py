"""Conversations with the command. Each file of conversations/ is a command, read top to bottom."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conversation import Turn, answer, turns
from tests.environment import environment
from tests.example import recording

FILES = sorted((Path(__file__).parent / "conversations").glob("*.txt"))
TURNS = [
    pytest.param(turn, id=f"{path.stem}: {turn.typed}")
    for path in FILES
    for turn in turns(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with environment(COLUMNS="80"):
        yield recording(tmp_path_factory.mktemp("host"))


@pytest.mark.parametrize("turn", TURNS)
def test_the_answer_is_that_of_the_conversation(turn: Turn, host: str) -> None:
    assert answer(turn.typed, host).splitlines() == turn.answer.splitlines()


def test_every_command_that_answers_has_a_conversation() -> None:
    assert {
        "get",
        "enumerate",
        "associators",
        "references",
        "invoke",
        "query",
        "classes",
        "class_",
        "tree",
        "sessions",
        "ps",
        "leftovers",
        "whose",
        "doctor",
        "run",
    } <= {path.stem for path in FILES}
