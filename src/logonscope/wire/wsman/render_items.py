"""Rendering of an enumeration's items: instances, endpoint references, both, or fragments of a projection.

A batch is as many items as fit into a response, rendered one by one or many at once.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows, Instance, shape_of
from logonscope.cim.types import Value
from logonscope.wire.cimxml.write_class import write_class
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.requests import EPR, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import ROW_OCTETS, Octets, RowCutter

_ROW = itemgetter(1)
"""Returns the row of an Item."""

CHUNK_ROWS = 64
"""Maximum number of rows that are taken and rendered at once."""

Item = tuple[Any, Any]
"""A result and one of its rows; or a class definition and (); or ``render_events.EVENTS`` and an event."""


class ItemRenderer:
    """Renders the items of an enumeration; the renderer of a result is kept over responses, until the next result."""

    def __init__(
        self,
        resource: Resource,
        mode: str,
        base_class: Class | None = None,
        server: str | None = None,
        *,
        hierarchy: bool = False,
    ) -> None:
        """Initialize with the options of the request.

        Args:
            resource: the requested resource, which decides the form of URIs.
            mode: the EnumerationMode (DSP0226 8.7).
            base_class: render every instance as one of this class; None: as one of its own class.
            server: the computer's name for system properties of a projection; None: no projection.
            hierarchy: whether definitions of classes list their superclasses.
        """
        self._resource, self._mode, self._base_class, self._server = resource, mode, base_class, server
        self._hierarchy = hierarchy
        self._result: ClassRows | Class | None = None
        self._render: render_instance.Render
        self._render_all: render_instance.RenderAll | None = None
        self._cutter: RowCutter

    def renderer(self, result: ClassRows | Class) -> render_instance.Render:
        """Return the renderer of a result's rows, or of a class definition."""
        if result is not self._result:
            self._result, self._render = result, self._make_renderer(result)
            self._render_all = self._make_bulk_renderer(result)
            if isinstance(result, ClassRows):
                self._cutter = RowCutter(result.cls, result.columns)
                self._render = self._cutter.limit_arrays(self._render)
        return self._render

    def render_all(self, items: Sequence[tuple[ClassRows | Class, Sequence[Value]]]) -> str | None:
        """Return many rows of one result as one text, which takes less time; None: render them one by one."""
        self.renderer(items[0][0])
        return None if self._render_all is None else self._render_all(list(map(_ROW, items)))

    def can_shorten(self, result: ClassRows | Class) -> bool:
        """Return whether rows of a result can be shortened: definitions of classes cannot."""
        return isinstance(result, ClassRows)

    def render_shortened(self, result: ClassRows, row: Sequence[Value], octets: Octets) -> str:
        """Return a row as an item, cut to at most ROW_OCTETS if its values allow that: see RowCutter."""
        return self._cutter.render_shortened(self.renderer(result), row, octets)

    def _make_bulk_renderer(self, result: ClassRows | Class) -> render_instance.RenderAll | None:
        if isinstance(result, Class) or self._server is not None or self._mode in {EPR, OBJECT_AND_EPR}:
            return None
        return render_instance.associations_renderer(self._base_class or result.cls, result.columns, self._resource)

    def _make_renderer(self, result: ClassRows | Class) -> render_instance.Render:
        if isinstance(result, Class):
            return partial(_render_definition, result, hierarchy=self._hierarchy)
        if self._server is not None:
            system = SystemProperties(result, self._server)
            return render_instance.fragment_renderer(
                result.cls, result.columns, result.shown or result.columns, self._resource, system
            )
        render_whole = render_instance.instance_renderer(self._base_class or result.cls, result.columns, self._resource)
        if self._mode not in {EPR, OBJECT_AND_EPR}:
            return render_whole
        reference = render_instance.reference_renderer(result.cls, result.columns, self._resource)
        return reference if self._mode == EPR else render_instance.pair_renderer(render_whole, reference)


def _render_definition(cls: Class, _: Sequence[Value], *, hierarchy: bool) -> str:
    return write_class(cls, hierarchy=hierarchy)


class SystemProperties:
    """Returns the value of a row's system property by its name."""

    def __init__(self, result: ClassRows, server: str) -> None:
        self._shape = shape_of(result, server)

    def __call__(self, row: Sequence[Value], name: str) -> Value:
        value: Value = Instance(self._shape, tuple(row))[name]
        return value


class Renderer(Protocol):
    """Renders items."""

    def renderer(self, result: Any) -> Callable[[Any], str]:
        """Return the renderer of the rows of a result."""

    def render_all(self, items: Sequence[Item]) -> str | None:
        """Return many rows of one result as one text; None: they have to be rendered one by one."""

    def can_shorten(self, result: Any) -> bool:
        """Return whether rows of a result can be shortened."""

    def render_shortened(self, result: Any, row: Any, octets: Callable[[str], int]) -> str:
        """Return a row as an item, cut to at most ROW_OCTETS if its values allow that."""


class Batch(NamedTuple):
    """Rendered items.

    Attributes:
        texts: the items; a text can have many.
        item_count: the number of items in all texts.
        free: the octets that the items leave free in the response.
        surplus: the first item that did not fit, and the items that were taken after it.
        surplus_octets: the size of the first item that did not fit.
    """

    texts: list[str]
    item_count: int
    free: int
    surplus: Sequence[Item] = ()
    surplus_octets: int = 0


def render_batch(renderer: Renderer, items: Iterator[Item], free: int, octets: Callable[[str], int]) -> Batch:
    """Render items until one does not fit into ``free`` octets; ``octets`` returns the encoded size of a text."""
    texts, count, initial_free = list[str](), 0, free
    chunk = list(islice(items, 1))
    while chunk:
        # An enumeration of several classes has a result for each class, one after the other.
        text = renderer.render_all(chunk) if chunk[-1][0] is chunk[0][0] else None
        if text is not None and (size := octets(text)) <= free:
            texts.append(text)
            count, free = count + len(chunk), free - size
        # Items that cannot be rendered as one text, or do not all fit, are rendered one by one.
        else:
            batch = _batch_of_single_items(renderer, chunk, free, octets)
            texts += batch.texts
            count, free = count + batch.item_count, batch.free
            if batch.surplus:
                return batch._replace(texts=texts, item_count=count)
        # No more items are taken than may fit: further items would be read and rendered in vain.
        average = max(1, (initial_free - free) // count)
        chunk = list(islice(items, min(CHUNK_ROWS, max(1, free // average))))
    return Batch(texts, count, free)


def _batch_of_single_items(renderer: Renderer, items: Sequence[Item], free: int, octets: Callable[[str], int]) -> Batch:
    texts, ascii_octets = list[str](), octets("x")
    for position, (result, row) in enumerate(items):
        text = renderer.renderer(result)(row)
        # ASCII, the usual case, is not encoded for its size: this runs for every item.
        size = ascii_octets * len(text) if text.isascii() else octets(text)
        if size > ROW_OCTETS and renderer.can_shorten(result):
            text = renderer.render_shortened(result, row, octets)
            size = octets(text)
        if size > free:
            return Batch(texts, position, free, items[position:], size)
        free -= size
        texts.append(text)
    return Batch(texts, len(items), free)
