"""Tests of bench/compare.py and its parts: two checkouts are compared, and the table shows it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.checkout import HERE, Checkout, checked_out
from bench.compare import Plan, Run, line, recorded, verdict
from bench.contestants import Row, Three, compared, contestants
from bench.ratios import Comparison
from bench.tools import UnavailableError

STEADY = Comparison([0.001] * 5, [0.0012] * 5, [0.001] * 5)


@pytest.fixture
def three() -> Iterator[Three]:
    """Return three workers of this very checkout."""
    with contestants(Checkout(HERE), Checkout(HERE)) as workers:
        yield workers


def test_recorded_hosts_are_compared_in_workers_of_their_own(tmp_path: Path) -> None:
    here = Checkout(HERE)
    rows = list(recorded(Run(here, here, Plan(size=0, few=0, recorded=20, rounds=1), str(tmp_path))))
    assert [row.remark for row in rows] == [""] * 3
    assert all(row.comparison and row.comparison.ratio > 0 for row in rows)
    assert len(list(tmp_path.glob("?/20.lsr"))) == 3


def test_an_operation_that_fails_is_a_row_that_says_why(three: Three) -> None:
    row = compared("a query", three, 1, "queries", recording="nowhere.lsr", texts=[])
    assert row.comparison is None
    assert "recording 'nowhere.lsr' does not exist" in row.remark
    with pytest.raises(UnavailableError, match="TypeError"):
        three[0].ask("prepare", operation="pairs", size=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask about process 1")
def test_an_operation_is_prepared_with_its_arguments(three: Three) -> None:
    assert three[0].ask("prepare", operation="session_of", pid=1)["rows"] == 1


@pytest.mark.skipif(not shutil.which("git") or not Path(HERE, ".git").exists(), reason="no git repository: clone one")
def test_a_revision_is_checked_out_and_built_and_imported_from_there() -> None:
    program = (
        "import bench, logonscope, logonscope.cim.schema.compiled as built; print(logonscope.__file__, built.__file__)"
    )
    with checked_out("HEAD") as base:
        words = [sys.executable, "-P", "-c", program]
        done = subprocess.run(words, env=base.environment, capture_output=True, text=True, check=True)
        assert all(path.startswith(base.root) for path in done.stdout.split())
    assert not Path(base.root).exists()
    with pytest.raises(UnavailableError, match="git worktree add"), checked_out("no-such-revision"):
        pass


def test_a_row_is_a_line_of_the_table() -> None:
    assert line(Row("get", STEADY)).split() == ["get", "1.0", "ms", "1.2", "ms", "1.20", "(1.20", "to", "1.20)", "0.00"]
    assert line(Row("get", None, "no process")).endswith("  not measured: no process")
    assert "12 µs" in line(Row("get", Comparison(*([12e-6],) * 3)))


def test_what_is_slower_is_named() -> None:
    noisy = Comparison([1, 2, 3], [2, 3, 2], [1, 3, 1])
    rows = [Row("get", STEADY), Row("query", noisy), Row("tree", None, "no")]
    assert list(verdict(rows, 1.05)) == [
        "\nslower than 1.05 by more than noise:", "  get",
        "\nslower than 1.05, but within noise (more --rounds, or a quieter machine, would tell):", "  query",
    ]  # fmt: skip
    assert list(verdict(rows, 2)) == []
