"""How rows are displayed in Python shells and notebooks: short reprs, and tables in HTML.

Text of processes is hostile: HTML is escaped, and characters that do not print are written as Python escapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

LONGEST_IN_REPR = 40
"""Characters of a text in a repr."""

LONGEST_IN_CELL = 1000
"""Characters of a text in a table."""

MOST_ROWS = 100
"""Rows of a table. A notebook keeps its output in the file."""


def abridged(row: Any, names: Iterable[str]) -> str:
    """Return the repr of a named tuple with only these fields, and without those that are None."""
    values = ((name, getattr(row, name)) for name in names)
    fields = [f"{name}={short_repr(value)}" for name, value in values if value is not None]
    return f"{type(row).__name__}({', '.join([*fields, '...'])})"


def short_repr(value: object) -> str:
    """Return the repr of a value; a long text is cut before it is escaped."""
    if isinstance(value, (str, bytes)) and len(value) > LONGEST_IN_REPR:
        return f"{value[:LONGEST_IN_REPR]!r}..."
    return repr(value)


def printable(text: str) -> str:
    """Return a text with Python's escapes in place of characters that do not print."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def value_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table whose first column names what is in the others."""
    lines = (f"<tr><th>{_html_cell(name)}</th>{_html_cells(values)}</tr>" for name, *values in rows)
    return _html_table(caption, headings, lines)


def row_table(caption: str, rows: Sequence[Any], names: Sequence[str]) -> str:
    """Return an HTML table of named tuples, with these fields as columns; of many rows, the first."""
    lines = [f"<tr>{_html_cells(getattr(row, name) for name in names)}</tr>" for row in islice(rows, MOST_ROWS)]
    if len(rows) > MOST_ROWS:
        lines.append(f'<tr><td colspan="{len(names)}">and {len(rows) - MOST_ROWS:,} more</td></tr>')
    return _html_table(caption, names, lines)


def fields_of(row: Any, besides: str = "") -> list[tuple[str, object]]:
    """Return the names and values of a named tuple's fields that are not None, without one of them."""
    named: Mapping[str, object] = row._asdict()
    return [(name, value) for name, value in named.items() if value is not None and name != besides]


def _html_table(caption: str, headings: Sequence[str], lines: Iterable[str]) -> str:
    head = "".join(f"<th>{_html_cell(heading)}</th>" for heading in headings)
    head = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f"<table><caption>{_html_cell(caption)}</caption>{head}<tbody>{''.join(lines)}</tbody></table>"


def _html_cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{_html_cell(value)}</td>" for value in values)


def _html_cell(value: object) -> str:
    from html import escape  # noqa: PLC0415 -- it reads 2,000 names of characters, and only notebooks need it

    text = _cell_text(value)
    cut = text if len(text) <= LONGEST_IN_CELL else f"{text[:LONGEST_IN_CELL]}..."
    return escape(printable(cut))


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", timespec="seconds")
    if isinstance(value, bytes):
        return value[:LONGEST_IN_CELL].hex(" ")
    if isinstance(value, list):
        return "; ".join(map(_cell_text, islice(value, LONGEST_IN_CELL)))
    return str(value)
