"""Batches of items: as many as fit into a response, rendered one by one or many at once."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from logonscope.wire.wsman.row_cutter import ROW_OCTETS

CHUNK_ROWS = 64
"""Maximum number of rows that are taken and rendered at once."""

Item = tuple[Any, Any]
"""A result, and one of its rows."""


class Renderer(Protocol):
    """Renders items."""

    def renderer(self, result: Any) -> Callable[[Any], str]:
        """Return the renderer of the rows of a result."""

    def render_all(self, items: Sequence[Item]) -> str | None:
        """Return many rows of one result as one text; None: they have to be rendered one by one."""

    def can_shorten(self, result: Any) -> bool:
        """Return whether rows of a result can be shortened."""

    def render_shortened(self, result: Any, row: Any, octets: Callable[[str], int]) -> str:
        """Return a row as an item, cut to the largest size that an item may have."""


class Batch(NamedTuple):
    """Rendered items as ``texts``, their number, the octets that they leave free, and the rows that did not fit.

    ``octets``: the size of the first row that did not fit.
    """

    texts: list[str]
    rows: int
    free: int
    surplus: Sequence[Item] = ()
    octets: int = 0


def render_batch(writer: Renderer, rows: Iterator[Item], free: int, octets: Callable[[str], int]) -> Batch:
    """Render rows until one does not fit into ``free`` octets; ``octets`` returns the encoded size of a text."""
    texts, count, initial_free = list[str](), 0, free
    items = list(islice(rows, 1))
    while items:
        # Enumerations of several classes have a result for each, one after the other.
        text = writer.render_all(items) if items[-1][0] is items[0][0] else None
        if text is not None and (size := octets(text)) <= free:
            texts.append(text)
            count, free = count + len(items), free - size
        # Rows that cannot be rendered at once, or do not all fit, are rendered one by one.
        else:
            batch = _batch_of_single_rows(writer, items, free, octets)
            texts += batch.texts
            count, free = count + batch.rows, batch.free
            if batch.surplus:
                return batch._replace(texts=texts, rows=count)
        # No more rows than may fit: those that do not fit would be read and rendered in vain.
        average = max(1, (initial_free - free) // count)
        items = list(islice(rows, min(CHUNK_ROWS, max(1, free // average))))
    return Batch(texts, count, free)


def _batch_of_single_rows(writer: Renderer, items: Sequence[Item], free: int, octets: Callable[[str], int]) -> Batch:
    texts, width = list[str](), octets("x")
    for position, (result, row) in enumerate(items):
        text = writer.renderer(result)(row)
        # ASCII, the usual case, is not encoded for its size: this runs for every row.
        size = width * len(text) if text.isascii() else octets(text)
        if size > ROW_OCTETS and writer.can_shorten(result):
            text = writer.render_shortened(result, row, octets)
            size = octets(text)
        if size > free:
            return Batch(texts, position, free, items[position:], size)
        free -= size
        texts.append(text)
    return Batch(texts, len(items), free)
