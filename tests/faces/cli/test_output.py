"""Tests of faces/cli/output.py: every format has the same rows, without control characters on a terminal."""

import argparse
import contextlib
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from logonscope.answers.check import Check
from logonscope.faces.cli.columns import ListColumn
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.text import format_time


class Inner(NamedTuple):
    """A row within a row."""

    name: str
    sources: dict[str, str]


class Row(NamedTuple):
    """A row as commands have them."""

    pid: int
    name: str | None
    start: datetime | None
    inner: Inner
    chain: tuple[Inner, ...]


COLUMNS = (ListColumn("PID", 5, lambda row: str(row.pid)), ListColumn("NAME", 0, lambda row: row.name or "-"))
ROWS = [
    Row(1, "a\nb", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), Inner("x", {"name": "y"}), ()),
    Row(22, None, None, Inner('quote"', {}), (Inner("z", {}),)),
]


def printed(form: str, rows: list[Row] | Iterator[Row]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = print_rows(argparse.Namespace(output=form), rows, COLUMNS, "nothing there; do that")
    return code, out.getvalue(), err.getvalue()


def test_json_is_one_array_with_an_object_a_row() -> None:
    code, out, err = printed("json", ROWS)
    first, second = json.loads(out)
    assert (code, err) == (0, "")
    assert first["start"] == "2026-01-02T03:04:05.000000+02:00"
    assert first["name"] == "a\nb"
    assert second["inner"] == {"name": 'quote"', "sources": {}}
    assert second["chain"] == [{"name": "z", "sources": {}}]


def test_jsonl_is_one_object_a_line() -> None:
    _, out, _ = printed("jsonl", ROWS)
    assert [json.loads(line)["pid"] for line in out.splitlines()] == [1, 22]


def test_csv_has_a_heading_and_single_values_alone() -> None:
    _, out, _ = printed("csv", ROWS)
    heading, first, second = csv.reader(io.StringIO(out))
    assert heading == ["pid", "name", "start", "inner_name"]
    assert first == ["1", "a\nb", "2026-01-02T03:04:05.000000+02:00", "x"]
    assert second == ["22", "", "", 'quote"']


def test_every_row_of_csv_has_the_fields_of_the_heading() -> None:
    columns = (ListColumn("NAME", 0, lambda row: row.name),)
    checks = [
        Check("a", True, "x", "", {"losses": 0}),
        Check("b", True, "y", ""),
        Check("c", False, "z", "", {"more": 1}),
    ]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_rows(argparse.Namespace(output="csv"), checks, columns, "")
    assert {len(row) for row in csv.reader(io.StringIO(out.getvalue()))} == {4}


def test_csv_quotes_line_ends_so_that_a_name_cannot_forge_a_row() -> None:
    _, out, _ = printed("csv", [ROWS[0]._replace(name=name) for name in ("x\r7,root,,", "y\r\nz", "\r", "end\r\n")])
    heading, *rows = csv.reader(io.StringIO(out, newline=""))
    assert [row[1] for row in rows] == ["x\r7,root,,", "y\r\nz", "\r", "end\r\n"]
    assert {len(row) for row in rows} == {len(heading)}
    assert out.startswith("pid,name,start,inner_name\n1,")


def test_rows_that_are_all_there_stand_in_columns_as_wide_as_they_need() -> None:
    _, out, _ = printed("table", ROWS)
    assert out.splitlines() == ["PID  NAME", "1    a\ufffdb", "22   -"]


def test_rows_are_printed_as_they_come() -> None:
    seen: list[str] = []
    out = io.StringIO()

    def rows() -> Iterator[Row]:
        for row in ROWS:
            seen.append(out.getvalue())
            yield row

    with contextlib.redirect_stdout(out):
        print_rows(argparse.Namespace(output="table"), rows(), COLUMNS, "")
    assert "a\ufffdb" in seen[1]


def test_an_empty_result_has_a_message_and_is_valid_json() -> None:
    assert printed("json", []) == (1, "[]\n", '{"notice": "nothing there; do that"}\n')
    assert printed("csv", []) == (1, "", "logonscope: nothing there; do that\n")
    assert printed("table", [])[:2] == (1, "")


def test_times_for_people_are_local_and_may_be_missing() -> None:
    assert format_time(None) == ""
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert format_time(moment, "%s") == str(int(moment.timestamp()))
