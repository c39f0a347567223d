"""Values and rows as text for people: counts, short reprs, and tables in HTML for Python shells and notebooks.

Text that comes from processes is not trusted: HTML is escaped, and unprintable characters become Python escapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

MAX_REPR_CHARACTERS = 40
"""Maximum number of characters, or bytes, of a value in a repr; the rest is cut off."""

MAX_CELL_CHARACTERS = 1000
"""Maximum number of characters, list elements or bytes of a value in a table; the rest is cut off."""

MAX_TABLE_ROWS = 100
"""Maximum number of rows of a table of named tuples: a notebook saves its output in its file."""


def count_text(number: int, noun: str) -> str:
    """Return a number with its noun: "1 process", "2 processes"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{ending}"


def short_row_repr(row: Any, names: Iterable[str]) -> str:
    """Return the repr of a named tuple with these fields; a field whose value is None is left out."""
    values = ((name, getattr(row, name)) for name in names)
    fields = [f"{name}={short_repr(value)}" for name, value in values if value is not None]
    return f"{type(row).__name__}({', '.join([*fields, '...'])})"


def short_repr(value: object) -> str:
    """Return the repr of a value; a long text is cut before it is escaped."""
    if isinstance(value, (str, bytes)) and len(value) > MAX_REPR_CHARACTERS:
        return f"{value[:MAX_REPR_CHARACTERS]!r}..."
    return repr(value)


def escape_unprintable(text: str) -> str:
    """Return a text with Python's escapes in place of unprintable characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def value_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table: the first value of each row is its name, in a heading cell."""
    lines = (f"<tr><th>{_html_cell(name)}</th>{_html_cells(values)}</tr>" for name, *values in rows)
    return _html_table(caption, headings, lines)


def row_table(caption: str, rows: Sequence[Any], names: Sequence[str]) -> str:
    """Return an HTML table of the first MAX_TABLE_ROWS named tuples, with these fields as columns."""
    lines = [f"<tr>{_html_cells(getattr(row, name) for name in names)}</tr>" for row in islice(rows, MAX_TABLE_ROWS)]
    if len(rows) > MAX_TABLE_ROWS:
        lines.append(f'<tr><td colspan="{len(names)}">and {len(rows) - MAX_TABLE_ROWS:,} more</td></tr>')
    return _html_table(caption, names, lines)


def field_values(row: Any, excluded_name: str = "") -> list[tuple[str, object]]:
    """Return the names and values of a named tuple's fields, without None and without ``excluded_name``."""
    values: Mapping[str, object] = row._asdict()
    return [(name, value) for name, value in values.items() if value is not None and name != excluded_name]


def _html_table(caption: str, headings: Sequence[str], lines: Iterable[str]) -> str:
    head = "".join(f"<th>{_html_cell(heading)}</th>" for heading in headings)
    head = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f"<table><caption>{_html_cell(caption)}</caption>{head}<tbody>{''.join(lines)}</tbody></table>"


def _html_cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{_html_cell(value)}</td>" for value in values)


def _html_cell(value: object) -> str:
    from html import escape  # noqa: PLC0415 -- it loads 2,000 names of characters, and only notebooks need it

    text = _cell_text(value)
    # cut before escaping: a cut in an escape would leave half of it
    short_text = text if len(text) <= MAX_CELL_CHARACTERS else f"{text[:MAX_CELL_CHARACTERS]}..."
    return escape(escape_unprintable(short_text))


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", timespec="seconds")
    if isinstance(value, bytes):
        return value[:MAX_CELL_CHARACTERS].hex(" ")
    if isinstance(value, list):
        return "; ".join(map(_cell_text, islice(value, MAX_CELL_CHARACTERS)))
    return str(value)
