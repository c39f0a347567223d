"""Tests of faces/cli/columns.py: the columns that fit are shown, some of them cut; the others are left out."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope import InvalidParameterError
from logonscope.faces.cli.columns import (
    EXTRA,
    ON_REQUEST,
    ListColumn,
    default_columns,
    find_column,
    fit_columns,
    select_columns,
)


class Row(NamedTuple):
    """A row with a value of each kind."""

    name: str | None
    number: int | None = None
    start: datetime | None = None


def shown(row: Row) -> str:
    return str(row.name)


KEY = ListColumn("KEY", 6, shown)
STATE = ListColumn("STATE", 10, shown, rank=1)
FROM = ListColumn("FROM", 20, shown, "name", rank=2, min_cells=8)
TTY = ListColumn("TTY NAME", 8, shown, "tty", rank=EXTRA)
SCOPE = ListColumn("SCOPE", 10, shown, rank=ON_REQUEST)
COMMAND = ListColumn("COMMAND", 0, shown)
COLUMNS = (KEY, STATE, FROM, TTY, SCOPE)


def headings(columns: list[ListColumn] | tuple[ListColumn, ...]) -> list[str]:
    return [column.heading for column in columns]


@pytest.mark.parametrize(
    ("room", "kept", "widths", "gap"),
    [
        (None, ["KEY", "STATE", "FROM", "TTY NAME"], [6, 10, 20, 8], 2),
        (50, ["KEY", "STATE", "FROM", "TTY NAME"], [6, 10, 20, 8], 2),
        (49, ["KEY", "STATE", "FROM"], [6, 10, 20], 2),
        (40, ["KEY", "STATE", "FROM"], [6, 10, 20], 2),
        (35, ["KEY", "STATE", "FROM"], [6, 10, 15], 2),
        (27, ["KEY", "STATE", "FROM"], [6, 10, 9], 1),
        (25, ["KEY", "STATE"], [6, 10], 2),
        (17, ["KEY", "STATE"], [6, 10], 1),
        (16, ["KEY"], [6], 2),
        (3, ["KEY"], [6], 2),
    ],
)
def test_extras_go_first_then_what_can_be_cut_then_the_least_important(
    room: int | None, kept: list[str], widths: list[int], gap: int
) -> None:
    columns = default_columns(COLUMNS)
    layout = fit_columns(columns, [column.cells for column in columns], room)
    assert (headings([*layout.columns]), [*layout.widths], layout.gap) == (kept, widths, gap)
    assert set(headings([*layout.columns])) | set(headings([*layout.left_out])) == set(headings(columns))


@given(st.integers(1, 200), st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_nothing_is_lost_and_what_is_kept_fits(room: int, texts: list[int]) -> None:
    columns = default_columns(COLUMNS)
    layout = fit_columns(columns, texts, room)
    assert len(layout.columns) + len(layout.left_out) == len(columns)
    total = sum(layout.widths) + layout.gap * (len(layout.widths) - 1)
    assert total <= room or headings([*layout.columns]) == ["KEY"]
    natural = dict(zip(headings(columns), texts, strict=True))
    uncut = [
        (column, cells) for column, cells in zip(layout.columns, layout.widths, strict=True) if not column.min_cells
    ]
    assert all(cells == natural[column.heading] for column, cells in uncut)


def test_a_last_column_takes_what_is_left() -> None:
    columns = (KEY, STATE, COMMAND)
    assert [*fit_columns(columns, [6, 10, 400], 80).widths] == [6, 10, 60]
    assert [*fit_columns(columns, [6, 10, 400], 40).widths] == [6, 10, 20]
    assert headings([*fit_columns(columns, [6, 10, 400], 30).left_out]) == ["STATE"]


def test_columns_are_chosen_by_heading_or_field_in_any_case() -> None:
    assert select_columns(["from", "KEY"], COLUMNS) == [FROM, KEY]
    assert select_columns(["tty_name", "name"], COLUMNS) == [TTY, FROM]
    assert select_columns(["all"], COLUMNS) == [*COLUMNS]
    assert select_columns(["state", "ALL"], COLUMNS) == [STATE, KEY, FROM, TTY, SCOPE]
    with pytest.raises(InvalidParameterError, match="'from' is named twice"):
        select_columns(["name", "from"], COLUMNS)
    with pytest.raises(InvalidParameterError, match="invalid column 'x': expected one of key, state, from, tty_name"):
        find_column("x", COLUMNS)


def test_rows_are_sorted_by_value() -> None:
    number, start = ListColumn("N", 3, shown, "number"), ListColumn("S", 3, shown, "start")
    rows = [Row("b", 10, datetime(2026, 1, 2, tzinfo=UTC)), Row("A", 9, datetime(2026, 1, 1, tzinfo=UTC))]
    assert [row.name for row in sorted(rows, key=number.sort_key)] == ["A", "b"]
    assert [row.name for row in sorted(rows, key=start.sort_key)] == ["A", "b"]
    assert [row.name for row in sorted([*rows, Row("41"), Row("9")], key=FROM.sort_key)] == ["9", "41", "A", "b"]
