"""Tests of faces/cli/table.py: a table is as wide as its terminal, and names the columns that it leaves out."""

import argparse
import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from logonscope.faces.cli.columns import EXTRA, ListColumn
from logonscope.faces.cli.table import print_table
from tests.conversation import Shown


class Row(NamedTuple):
    """A process."""

    pid: int
    command: str


def _fit(_: Row, cells: int, moment: datetime) -> str:
    return f"{moment:%Y}"[:cells]


COLUMNS = (
    ListColumn("PID", 7, lambda row: str(row.pid)),
    ListColumn("START", 16, lambda _: "2026-01-01 10:02", rank=1, min_cells=4, shorten=_fit),
    ListColumn("TTY", 7, lambda _: "pts/0", rank=EXTRA),
    ListColumn("COMMAND", 0, lambda row: row.command),
)
ROWS = [Row(1, "init"), Row(4312, "python3 -m http.server 8080 " + "x" * 100)]


def shown(room: int, rows: Iterable[Row], monkeypatch: pytest.MonkeyPatch, **options: object) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(room))
    out = Shown()
    with contextlib.redirect_stdout(out):
        args = argparse.Namespace(color="never", **options)
        assert print_table(args, rows, COLUMNS, lambda: datetime(2026, 1, 1, tzinfo=UTC)) == 2
    return out.getvalue().splitlines()


def test_a_wide_terminal_shows_every_column_and_cuts_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(80, ROWS, monkeypatch)
    assert lines[0] == "PID   START             TTY    COMMAND"
    assert lines[1] == "1     2026-01-01 10:02  pts/0  init"
    assert lines[2].endswith("xxx…")
    assert len(lines[2]) == 80


def test_the_time_of_the_host_is_read_once_for_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    calls: list[str] = []

    def read_time() -> datetime:
        calls.append("asked")
        return datetime(2026, 1, 1, tzinfo=UTC)

    with contextlib.redirect_stdout(Shown()):
        print_table(argparse.Namespace(color="never"), ROWS, COLUMNS, read_time)
    assert calls == ["asked"]


def test_a_narrow_one_names_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(40, ROWS, monkeypatch) == [
        "PID   START  COMMAND",
        "1     2026   init",
        "4312  2026   python3 -m http.server 808…",
        "1 more column: -o json (tty)",
    ]
    assert shown(30, ROWS, monkeypatch, columns=None)[-2:] == ["2 more columns: --columns all", "(start, tty)"]


def test_what_was_requested_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(20, ROWS, monkeypatch, columns=["all"], no_header=True)
    assert lines[0] == "1     2026-01-01 10:02  pts/0  init"
    assert len(lines) == 2


def test_rows_that_come_one_by_one_are_measured_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(80, iter(ROWS), monkeypatch) == shown(80, ROWS, monkeypatch)


def test_what_matters_is_in_a_colour_where_it_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    state = ListColumn("STATE", 10, lambda row: row.command, rank=1, is_highlighted=lambda row: row.pid == 1)
    columns = (ListColumn("PID", 7, lambda row: str(row.pid)), state, ListColumn("END", 3, lambda _: "x"))
    monkeypatch.setenv("COLUMNS", "80")
    out = Shown()
    with contextlib.redirect_stdout(out):
        print_table(argparse.Namespace(color="always"), [Row(1, "你好 gone"), Row(2, "active")], columns)
    assert out.getvalue().splitlines()[1:] == ["1    \x1b[1;33m你好 gone\x1b[0m  x", "2    active     x"]
