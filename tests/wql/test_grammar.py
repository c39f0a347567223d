"""Tests of wql/grammar.py: a table is loaded only if it is of this grammar and of this lark; both parsers agree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lark
import pytest

import logonscope
from logonscope.wql.grammar import OPTIONS, load_parser, read_grammar

PACKAGE = Path(logonscope.__file__).parent
LOADED, COMPUTED = "<deserialized>", "<string>"

PROGRAM = """
from logonscope.wql.grammar import load_parser
from logonscope.wql.parse import parse
from lark import Transformer
print(load_parser(Transformer()).source_path, parse("SELECT Name FROM C WHERE a = 1"))
"""

TEXTS = [
    "SELECT * FROM C",
    "SELECT a, b.c FROM C WITHIN 2 WHERE NOT (a = 1 OR b LIKE '%x') AND c IS NOT NULL GROUP WITHIN 3 BY d HAVING e > 4",
    "ASSOCIATORS OF {C='1'} WHERE AssocClass = D KeysOnly",
]

WRONG_TEXTS = [
    "SELECT",
    "SELECT * FROM C WHERE",
    "SELECT * FROM C WHERE a ! 1",
    "SELECT * FROM FROM",
    "REFERENCES OF {",
]


def changed(folder: Path, change: Callable[[Path], object]) -> list[str]:
    """Return what the package says of its parser, after a change of a copy of it."""
    copy = folder / "logonscope"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    change(copy / "wql")
    child = [sys.executable, "-c", PROGRAM]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(child, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split(maxsplit=1)


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Return a change of the text of a file."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def test_the_saved_table_is_loaded(tmp_path: Path) -> None:
    source, answer = changed(tmp_path, Path.exists)
    assert (source, answer.startswith("Select(")) == (LOADED, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "compiled.py").unlink(),
        replaced("compiled.py", f"LARK_VERSION = {lark.__version__!r}", "LARK_VERSION = '0.0'"),
        replaced("grammar.lark", "// WQL", "// another WQL"),
    ],
    ids=["checkout without a build", "another lark", "another grammar"],
)
def test_a_stale_table_is_computed_in_memory(change: Callable[[Path], object], tmp_path: Path) -> None:
    source, answer = changed(tmp_path, change)
    assert (source, answer.startswith("Select(")) == (COMPUTED, True)


def parsed(parser: lark.Lark, text: str) -> tuple[Any, ...]:
    """Return the tree of a text, or the error with the position and what was accepted there."""
    try:
        return (parser.parse(text),)
    except lark.exceptions.UnexpectedInput as error:
        interactive = getattr(error, "interactive_parser", None)
        return type(error), error.pos_in_stream, interactive and sorted(interactive.accepts())


@pytest.mark.parametrize("text", [*TEXTS, *WRONG_TEXTS])
def test_a_loaded_parser_answers_as_one_that_is_computed(text: str) -> None:
    transformer: lark.Transformer[lark.Token, Any] = lark.Transformer()
    computed = lark.Lark(read_grammar(), **OPTIONS, transformer=transformer)
    assert parsed(load_parser(transformer), text) == parsed(computed, text)
