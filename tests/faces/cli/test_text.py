"""faces/cli/text.py: does no control character of any process ever reach a terminal?"""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from logonscope.faces.cli.text import cells, crop, for_terminal, styled


@given(st.text(st.characters(), max_size=60))
def test_nothing_that_a_terminal_acts_on_passes(text: str) -> None:
    shown = for_terminal(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in "\u202e\u2066\u200b"]
    assert len(shown) == len(text)


def test_ordinary_text_of_any_language_passes_unchanged() -> None:
    for text in ("bash -c 'ls'", "Größe 你好 🎉", ""):
        assert for_terminal(text) == text


def test_an_escape_sequence_is_disarmed() -> None:
    assert for_terminal("\x1b]0;owned\x07\x1b[2J") == "\ufffd]0;owned\ufffd\ufffd[2J"


@given(st.text(max_size=40), st.integers(1, 50))
def test_a_cropped_text_fits(text: str, columns: int) -> None:
    assert cells(crop(text, columns)) <= max(columns, 1)


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert (cells("你好"), cells("e\u0301"), cells("abc")) == (4, 1, 3)
    assert crop("你好吗", 5) == "你好…"
    assert crop("long enough", None) == "long enough"


def test_without_a_terminal_nothing_is_styled() -> None:
    assert styled("word", "bold", color=True) == "word"
