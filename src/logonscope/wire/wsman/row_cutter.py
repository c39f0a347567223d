"""Shortening of rows that are too large for the envelopes of most clients: long texts and arrays are cut at the end.

The size of a text is its size in XML: one `&` has five octets. Keys and references are never cut. The property Unread
lists the values that a row lacks. If Unread is selected, it lists the values that were cut, too.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.wire.xml import escape

ROW_OCTETS = 96_000
"""The largest size of a row as an item. With the rest of the response, such an item fits into 100 KiB, the smallest
default limit of an envelope among clients (omicli: 102,400; pypsrp and Ruby's winrm: 153,600)."""

UNREAD = "Unread"
BYTE_LENGTH, NUMBER_LENGTH = 3, 20
"""Characters of the longest uint8, and of the longest integer."""

Octets = Callable[[str], int]

_ENTITY, _HALF_ENTITY = re.compile("&[^;]*;"), re.compile("&[^;]*$")


class _Column(NamedTuple):
    """A column that can be cut, and the tags around each of its values."""

    position: int
    name: str
    is_array: bool
    tags: str


class RowCutter:
    """Shortens rows that have the given columns of a class."""

    def __init__(self, cls: Class, columns: Sequence[str]) -> None:
        self._columns = tuple(_cuttable_columns(cls, columns))
        self._arrays = tuple(
            (column.position, ROW_OCTETS // len(column.tags) + 1) for column in self._columns if column.is_array
        )
        self._unread = columns.index(UNREAD) if UNREAD in columns and UNREAD in cls.properties else None

    def limit_arrays(self, render: Callable[[Sequence[Value]], str]) -> Callable[[Sequence[Value]], str]:
        """Return a renderer that cuts arrays before writing, if their tags alone exceed the size of an item."""
        if not self._arrays:
            return render

        # Without this cut, an array of millions of values would be written as XML, only to be cut afterwards.
        def render_bounded(row: Sequence[Value]) -> str:
            for index, max_elements in self._arrays:
                values: Any = row[index]
                if values is not None and len(values) > max_elements:
                    row = [*row[:index], values[:max_elements], *row[index + 1 :]]
            return render(row)

        return render_bounded

    def render_shortened(self, render: Callable[[Sequence[Value]], str], row: Sequence[Value], octets: Octets) -> str:
        """Return a row as an item of at most ROW_OCTETS, or longer if the values that are never cut are too long."""
        max_octets, text = ROW_OCTETS, ""
        # Lower the limit of single values until the whole item fits.
        while max_octets > len(self._columns):
            max_octets = max_octets * 3 // 4
            text = render(self.cut(row, max_octets, octets))
            if octets(text) <= ROW_OCTETS:
                break
        return text

    def cut(self, row: Sequence[Value], max_octets: int, octets: Octets) -> tuple[Value, ...]:
        """Return the row with at most ``max_octets`` octets as XML for each text or array that may be cut."""
        values, cuts = list(row), list[str]()
        for column in self._columns:
            value: Any = row[column.position]
            shortened = (
                _cut_array(value, column.tags, max_octets, octets)
                if column.is_array
                else _cut_text(value, max_octets, octets)
            )
            if shortened is not value:
                values[column.position] = shortened
                cuts.append(f"{column.name}: cut at {max_octets:,} bytes")
        if cuts and self._unread is not None:
            unread_values: Any = values[self._unread]
            values[self._unread] = (*(unread_values or ()), *cuts)
        return tuple(values)


def _cuttable_columns(cls: Class, columns: Sequence[str]) -> Iterator[_Column]:
    for index, name in enumerate(columns):
        declared = cls.property_named(name)
        if name not in cls.keys and declared.type != "reference" and (declared.array or declared.type == "string"):
            yield _Column(index, name, declared.array, f"<p:{name}></p:{name}>")


def _cut_text(text: str | None, max_octets: int, octets: Octets) -> str | None:
    """Return the longest beginning of a text that has at most ``max_octets`` octets as XML."""
    if text is None or (len(text) <= max_octets and octets(escape(text)) <= max_octets):
        return text
    # Each character takes at least one octet, so more than ``max_octets`` characters are never needed. If the cut is
    # inside an entity, the beginning of this entity is dropped, too. A whole entity counts as the character that it
    # escapes.
    encoding = "utf-8" if octets("x") == 1 else "utf-16-le"
    written = escape(text[:max_octets]).encode(encoding)[:max_octets].decode(encoding, "ignore")
    return text[: len(_ENTITY.sub("x", _HALF_ENTITY.sub("", written)))]


def _cut_array(values: Any, tags: str, max_octets: int, octets: Octets) -> Any:
    """Return the longest beginning of an array of at most ``max_octets`` octets as XML; its last text may be cut."""
    if values is None:
        return None
    tag_octets = octets(tags)
    # A value that is not a text counts as the longest number of its kind: to format each value only to measure it would
    # cost more than it saves.
    if isinstance(values, bytes):
        max_values = max_octets // (tag_octets + BYTE_LENGTH * octets("x"))
        return values if len(values) <= max_values else values[:max_values]
    fitting_values, free = list[Value](), max_octets
    for value in values:
        free -= tag_octets
        text = value if isinstance(value, str) else None
        shortened = _cut_text(text, max(free, 0), octets)
        free -= NUMBER_LENGTH * octets("x") if shortened is None else octets(escape(shortened))
        if free < 0 or shortened != text:
            return (*fitting_values, shortened) if shortened else tuple(fitting_values)
        fitting_values.append(value)
    return values
