"""Tests of tests/house: each measure counts what its name says."""

from typing import Any

import pytest

from tests.house import comments, docstrings, lambdas, names, patches, sizes
from tests.house.__main__ import table
from tests.house.figures import Figure
from tests.house.source_files import SourceFile, package_files, total_lines

SAMPLE = SourceFile(
    "sample.py",
    '''"""Sample."""

from logonscope import app
from logonscope.server import server

TABLE = {"pid": lambda process: process.pid}


def rows(of, at=lambda: 1):
    """Return rows."""
    # why it is so
    found = [lambda: of]  # beside
    return found.at


def stub():
    """Do nothing."""


async def short(found): return found  # noqa: E704 -- short


def late():
    import json  # noqa: PLC0415 -- late
    return json  # type: ignore[return-value] -- sample
''',
)
FILES = (SAMPLE,)


def test_sizes_are_a_median_a_percentile_and_a_maximum() -> None:
    assert sizes.spread(range(1, 101)) == (50.5, 91, 100)
    assert sizes.spread([7]) == (7, 7, 7)
    assert sizes.file_lines(FILES) == (25, 25, 25)


def test_a_body_begins_below_the_docstring() -> None:
    assert {function.name: sizes.body_lines(function) for function in SAMPLE.functions()} == {
        "rows": 2, "stub": 0, "short": 1, "late": 2,
    }  # fmt: skip
    assert sizes.long_functions(FILES, 1) == ["sample.py:rows", "sample.py:late"]
    assert sizes.long_files(FILES, 24) == ["sample.py"]


def test_names_are_counted_where_they_are_set_read_and_passed() -> None:
    assert names.nounless_names(FILES) == {"found": 4, "of": 2, "at": 1}
    assert names.nounless_per_1000(FILES) == 7 * 1000 / 25


def test_comments_for_readers_and_for_tools_are_distinguished() -> None:
    assert comments.own_line_comments(FILES) == 1
    assert comments.type_ignores(FILES) == 1
    assert comments.suppressions(FILES) == {"E704": 1, "PLC0415": 1}
    assert comments.suppressions_per_1000(FILES) == 40
    silenced = SourceFile("all.py", "# ruff: noqa: N801, N802 -- names\nx = 1  # noqa\n# fmt: off\n")
    assert comments.suppressions([silenced]) == {"N801, N802": 1, "all": 1}
    assert comments.own_line_comments([silenced]) == 0


def test_a_lambda_in_a_table_is_a_column() -> None:
    assert lambdas.lambdas_in_functions(FILES) == ["sample.py:9", "sample.py:12"]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('monkeypatch.setattr(server, "SECONDS", 1)', 1),
        ('monkeypatch.setattr("logonscope.server.server.SECONDS", 1)', 1),
        ("server.SECONDS = 1", 1),
        ('mock.patch.object(server, "SECONDS", 1)', 1),
        ('monkeypatch.setattr(socket, "gethostname", str)', 0),
        ('monkeypatch.setenv("TZ", "UTC")', 0),
        ("runs.SECONDS = 1", 0),
        ('setattr(server, "SECONDS", 1)', 0),
    ],
)
def test_a_patch_replaces_an_attribute_of_the_package(line: str, count: int) -> None:
    file = SourceFile("test.py", f"import socket\nfrom logonscope.server import server\n{line}\n")
    assert patches.patches([file]) == ["test.py:3"] * count


def test_docstrings_are_looked_for_in_modules_and_in_the_api() -> None:
    assert docstrings.module_docstrings([SAMPLE, SourceFile("bare.py", "x = 1\n")]) == 50
    assert {"Host", "Host.whose", "connect"} <= set(docstrings.public_api())


def test_the_package_is_read_without_what_is_generated() -> None:
    assert total_lines(package_files()) > 10_000
    assert all(file.line_count < 1000 for file in package_files())


@pytest.mark.parametrize(
    ("today", "limits"), [(1.004, {1: True, 0.9: False, 2: True}), (0, {0: True})], ids=["rounded", "nothing"]
)
def test_a_figure_is_compared_as_it_is_shown(today: float, limits: dict[float, bool]) -> None:
    figure: Any = Figure("ignores", "0", 1, today)
    assert {limit: figure.is_within(limit) for limit in limits} == limits


def test_a_figure_of_which_more_is_better_has_a_least() -> None:
    figure = Figure("docstrings", "81", 100, 99, more_is_better=True)
    assert (figure.is_within(99), figure.is_within(100)) == (True, False)
    assert list(table([figure, Figure("lines", "816", 600, 583)])) == [
        "measure     best model  budget  today",
        "docstrings          81     100     99  under",
        "lines              816     600    583",
    ]
