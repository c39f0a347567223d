"""Tests of tests/rewrite_answers.py: wrong answers are replaced, and right ones stay as they are."""

from pathlib import Path

import pytest

from tests.environment import environment
from tests.example import recording
from tests.rewrite_answers import CONVERSATIONS, QUERIES, present_conversation, present_queries


def test_the_answers_of_commands_are_replaced(tmp_path: Path) -> None:
    text = (CONVERSATIONS / "classes.txt").read_text(encoding="utf-8")
    with environment(COLUMNS="80"):
        host = recording(tmp_path)
        assert present_conversation(text, host) == text
        assert present_conversation(text.replace("Win32_ServerSession", "Win32_Nothing"), host) == text


@pytest.mark.parametrize("name", ["schema", "errors"])
def test_the_answers_of_queries_are_replaced(name: str) -> None:
    text = (QUERIES / f"{name}.txt").read_text(encoding="utf-8")
    answers = [line for line in text.splitlines() if line and not line.startswith("?")]
    assert present_queries(text) == text
    assert present_queries(text.replace(f"\n{answers[0]}\n", "\nwrong\n", 1)) == text
