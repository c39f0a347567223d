"""Tests of wql/build.py: the saved parse table is the grammar's, it is the same in every build, and it is data."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.wql.build import FOLDER, build, compute_table, generate_module, read_grammar

STALE = "the grammar or lark changed since it was made: run `python -m logonscope.wql.build`"


def test_the_saved_table_is_the_one_that_would_be_written_now() -> None:
    assert (FOLDER / "compiled.py").read_text(encoding="utf-8") == generate_module(read_grammar()), STALE


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_table_does_not_depend_on_the_hashes_of_strings(seed: str, tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from logonscope.wql.build import build; build(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environment, check=True)
    assert (tmp_path / "compiled.py").read_bytes() == (FOLDER / "compiled.py").read_bytes()


def test_the_saved_table_is_literals_alone() -> None:
    docstring, *assignments = ast.parse(generate_module(read_grammar())).body
    assert isinstance(docstring, ast.Expr)
    for assignment in assignments:
        assert isinstance(assignment, (ast.Assign, ast.AnnAssign))
        assert assignment.value is not None
        assert ast.literal_eval(assignment.value)


def test_a_table_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    target = build(tmp_path)
    os.utime(target, (1, 1))
    assert build(tmp_path).stat().st_mtime == 1
    target.write_text("stale", encoding="utf-8")
    assert "TABLE" in build(tmp_path).read_text(encoding="utf-8")


def test_a_string_that_an_expression_matches_too_is_rejected() -> None:
    assert compute_table('start: A\nA.1: "a"\nB: /a|b/').terminals
    assert compute_table('start: A | "c" B\nA: "a"\nB: /a|b/').terminals  # no state accepts both
    with pytest.raises(ValueError, match="A is matched by B, too: give one of them a higher priority"):
        compute_table('start: A | B\nA: "a"\nB: /a|b/')
