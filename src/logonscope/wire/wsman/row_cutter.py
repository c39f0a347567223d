"""Rows that are too large for the envelopes of most clients: their long texts and arrays lose the end.

A text is measured as it is written: one `&` is five octets. Keys are never cut. Where a class has the property Unread,
which says what a row lacks, it says what was cut.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.wire.xml import escaped

ROW_OCTETS = 96_000
"""The most that a row has as an item: with the rest of its answer it fits into 100 KiB, the smallest default of clients
(omicli: 102,400; pypsrp and Ruby's winrm: 153,600)."""

UNREAD = "Unread"
BYTE, NUMBER = 3, 20
"""Characters of the longest numbers in arrays of uint8, and in others."""

Octets = Callable[[str], int]

_ENTITY, _HALF_ENTITY = re.compile("&[^;]*;"), re.compile("&[^;]*$")


class _Column(NamedTuple):
    """A column that can be cut, and the tags around each element of it."""

    position: int
    name: str
    array: bool
    tags: str


class RowCutter:
    """Cuts rows of a class with these columns."""

    def __init__(self, cls: Class, columns: Sequence[str]) -> None:
        self._columns = tuple(_cuttable(cls, columns))
        self._arrays = tuple(
            (column.position, ROW_OCTETS // len(column.tags) + 1) for column in self._columns if column.array
        )
        self._unread = columns.index(UNREAD) if UNREAD in columns and UNREAD in cls.properties else None

    def bounded(self, render: Callable[[Sequence[Value]], str]) -> Callable[[Sequence[Value]], str]:
        """Return a renderer that does not write arrays out of which no item can be made."""
        if not self._arrays:
            return render

        def bounded(row: Sequence[Value]) -> str:
            for index, most in self._arrays:
                values: Any = row[index]
                if values is not None and len(values) > most:
                    row = [*row[:index], values[:most], *row[index + 1 :]]
            return render(row)

        return bounded

    def fitting(self, render: Callable[[Sequence[Value]], str], row: Sequence[Value], octets: Octets) -> str:
        """Return a row as an item of at most ROW_OCTETS, if it is not its keys that are too long."""
        most, text = ROW_OCTETS, ""
        while most > len(self._columns):
            most = most * 3 // 4
            text = render(self.cut(row, most, octets))
            if octets(text) <= ROW_OCTETS:
                break
        return text

    def cut(self, row: Sequence[Value], most: int, octets: Octets) -> tuple[Value, ...]:
        """Return a row in which no value is written in more than so many octets."""
        values, cuts = list(row), list[str]()
        for column in self._columns:
            value: Any = row[column.position]
            shortened = _array(value, column.tags, most, octets) if column.array else _text(value, most, octets)
            if shortened is not value:
                values[column.position] = shortened
                cuts.append(f"{column.name}: cut at {most:,} bytes")
        if cuts and self._unread is not None:
            said: Any = values[self._unread]
            values[self._unread] = (*(said or ()), *cuts)
        return tuple(values)


def _cuttable(cls: Class, columns: Sequence[str]) -> Iterator[_Column]:
    for index, name in enumerate(columns):
        known = cls.property_named(name)
        if name not in cls.keys and known.type != "reference" and (known.array or known.type == "string"):
            yield _Column(index, name, known.array, f"<p:{name}></p:{name}>")


def _text(text: str | None, most: int, octets: Octets) -> str | None:
    """Return the longest beginning of a text that is written in at most so many octets."""
    if text is None or (len(text) <= most and octets(escaped(text)) <= most):
        return text
    # Each character is written in an octet at least. The entity at the end of what fits may be cut through.
    encoding = "utf-8" if octets("x") == 1 else "utf-16-le"
    written = escaped(text[:most]).encode(encoding)[:most].decode(encoding, "ignore")
    return text[: len(_ENTITY.sub("x", _HALF_ENTITY.sub("", written)))]


def _array(values: Any, tags: str, most: int, octets: Octets) -> Any:
    """Return the longest beginning of an array that is written in at most so many octets; its last text may be cut."""
    if values is None:
        return None
    around = octets(tags)
    if isinstance(values, bytes):
        fits = most // (around + BYTE * octets("x"))
        return values if len(values) <= fits else values[:fits]
    kept, free = list[Value](), most
    for value in values:
        free -= around
        text = value if isinstance(value, str) else None
        shortened = _text(text, max(free, 0), octets)
        free -= NUMBER * octets("x") if shortened is None else octets(escaped(shortened))
        if free < 0 or shortened != text:
            return (*kept, shortened) if shortened else tuple(kept)
        kept.append(value)
    return values
