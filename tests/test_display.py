"""Tests of display.py: reprs are short, and tables in HTML escape the text of processes."""

from datetime import UTC, datetime
from typing import NamedTuple

from logonscope.display import (
    MAX_CELL_CHARACTERS,
    MAX_REPR_CHARACTERS,
    MAX_TABLE_ROWS,
    count_text,
    escape_unprintable,
    field_values,
    row_table,
    short_repr,
    short_row_repr,
    value_table,
)


class Row(NamedTuple):
    """A row to display."""

    pid: int
    name: str | None = None
    note: str = ""


def test_a_count_has_its_noun_in_the_right_number() -> None:
    counts = [count_text(1, "login"), count_text(0, "login"), count_text(1, "process"), count_text(2, "process")]
    assert counts == ["1 login", "0 logins", "1 process", "2 processes"]


def test_an_abridged_repr_has_the_named_fields_that_are_known() -> None:
    assert short_row_repr(Row(1, "init", "x"), ("pid", "name")) == "Row(pid=1, name='init', ...)"
    assert short_row_repr(Row(1), ("pid", "name")) == "Row(pid=1, ...)"


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert short_repr("a" * MAX_REPR_CHARACTERS) == repr("a" * MAX_REPR_CHARACTERS)
    assert short_repr("\n" * 1000) == repr("\n" * MAX_REPR_CHARACTERS) + "..."
    assert short_repr(b"a" * 1000) == repr(b"a" * MAX_REPR_CHARACTERS) + "..."
    assert short_repr(None) == "None"


def test_what_does_not_print_is_escaped() -> None:
    assert escape_unprintable("alice") == "alice"
    assert escape_unprintable("a\x1b[31m\u202eb\nc") == "a\\x1b[31m\\u202eb\\nc"
    assert escape_unprintable("\udcff") == "\\udcff"


def test_a_table_names_what_is_in_it() -> None:
    assert value_table("one", ("name", "value"), [("pid", 1)]) == (
        "<table><caption>one</caption><thead><tr><th>name</th><th>value</th></tr></thead>"
        "<tbody><tr><th>pid</th><td>1</td></tr></tbody></table>"
    )
    assert row_table("all", [Row(1, "a"), Row(2)], ("pid", "name")) == (
        "<table><caption>all</caption><thead><tr><th>pid</th><th>name</th></tr></thead>"
        "<tbody><tr><td>1</td><td>a</td></tr><tr><td>2</td><td></td></tr></tbody></table>"
    )


def test_no_text_is_markup() -> None:
    evil = "<script>alert('\"&')</script>\x00"
    for html in (
        value_table(evil, (evil,), [(evil, evil, [evil])]),
        row_table(evil, [Row(1, evil)], ("pid", "name")),
    ):
        assert "<script" not in html
        assert "'\"" not in html
        assert "\x00" not in html


def test_a_cell_is_text_that_people_read_and_not_without_end() -> None:
    values = (datetime(2026, 1, 1, 10, 2, 3, 4, UTC), b"\x01\xff", ["a", 1], True, "x" * 5000, b"x" * 5000)
    html = value_table("", (), [("", value) for value in values])
    for text in ("2026-01-01 10:02:03+00:00", "01 ff", "a; 1", "True", "x" * MAX_CELL_CHARACTERS + "..."):
        assert f"<td>{text}</td>" in html
    assert len(html) < 5000


def test_of_many_rows_the_first_are_shown_and_the_rest_counted() -> None:
    html = row_table("", [Row(pid) for pid in range(MAX_TABLE_ROWS + 1234)], ("pid", "name"))
    assert html.count("<tr>") == 1 + MAX_TABLE_ROWS + 1
    assert '<td colspan="2">and 1,234 more</td>' in html


def test_fields_that_are_known_are_listed() -> None:
    assert field_values(Row(1, None, "x")) == [("pid", 1), ("note", "x")]
    assert field_values(Row(1, None, "x"), excluded_name="note") == [("pid", 1)]
