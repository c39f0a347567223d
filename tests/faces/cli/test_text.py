"""Tests of faces/cli/text.py: no control character of a process reaches a terminal; colours are as configured."""

import argparse
import contextlib
import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.faces.cli.text import (
    ColorChoice,
    cell_width,
    crop,
    for_terminal,
    resolve_color,
    styled,
    terminal_columns,
    terminal_lines,
    wants_color,
    wrapped,
)
from tests.conversation import Shown


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
    assert cell_width(crop(text, columns)) <= max(columns, 1)


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert (cell_width("你好"), cell_width("e\u0301"), cell_width("abc")) == (4, 1, 3)
    assert crop("你好吗", 5) == "你好…"
    assert crop("long enough", None) == "long enough"


def test_where_no_colours_are_wanted_nothing_is_styled() -> None:
    assert styled("word", "bold", color=False) == "word"
    assert styled("word", "bold", color=True) == "\x1b[1mword\x1b[0m"


def test_the_environment_says_how_large_a_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "133")
    monkeypatch.setenv("LINES", "44")
    assert (terminal_columns(), terminal_lines()) == (133, 44)
    for nonsense in ("", "0", "-1", "many", "9" * 30):
        monkeypatch.setenv("COLUMNS", nonsense)
        assert 0 < terminal_columns() < 100_000


@pytest.mark.parametrize(
    ("option", "environment", "setting", "choice"),
    [
        (None, {}, None, "auto"),
        (None, {}, "always", "always"),
        (None, {"FORCE_COLOR": "1"}, "never", "always"),
        (None, {"FORCE_COLOR": "0"}, None, "auto"),
        (None, {"FORCE_COLOR": ""}, "never", "never"),
        (None, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, "always", "never"),
        (None, {"NO_COLOR": ""}, None, "auto"),
        ("always", {"NO_COLOR": "1"}, "never", "always"),
        ("never", {"FORCE_COLOR": "3"}, "always", "never"),
        ("auto", {"NO_COLOR": "1"}, "never", "auto"),
    ],
)
def test_option_environment_and_settings_decide_in_this_order(
    option: ColorChoice | None, environment: Mapping[str, str], setting: ColorChoice | None, choice: ColorChoice
) -> None:
    assert resolve_color(option, environment, setting) == choice


def test_auto_is_for_terminals_that_are_not_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    args = argparse.Namespace(color="auto")
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stdout(Shown()):
        assert wants_color(args)
        assert wants_color(argparse.Namespace())
        monkeypatch.setenv("TERM", "dumb")
        assert not wants_color(args)
        assert wants_color(argparse.Namespace(color="always"))
    assert not wants_color(argparse.Namespace(color="never"))


def test_wide_characters_are_wrapped_by_their_cells() -> None:
    assert wrapped("漢字かな交じり文 and the rest of it", 20) == ["漢字かな交じり文 and", "the rest of it"]
    assert all(cell_width(line) <= 12 for line in wrapped("漢" * 40, 12))
    assert "".join(wrapped("漢" * 40, 12)) == "漢" * 40
