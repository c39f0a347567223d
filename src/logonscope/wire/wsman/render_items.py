"""Rendering of an enumeration's items: instances, endpoint references, both, or fragments of a projection."""

from collections.abc import Sequence
from functools import partial
from operator import itemgetter

from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows, Instance, shape_of
from logonscope.cim.types import Value
from logonscope.wire.cimxml.write_class import write_class
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.requests import EPR, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import Octets, RowCutter

_ROW = itemgetter(1)
"""The row of an item, which is a result and a row."""


class ItemRenderer:
    """Renders the items of an enumeration; the renderer of a result is made once, for all responses."""

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
            hierarchy: definitions of classes list their superclasses.
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
        """Return many rows of one result as one text, at less cost; None if they have to be rendered one by one."""
        self.renderer(items[0][0])
        return None if self._render_all is None else self._render_all(list(map(_ROW, items)))

    def can_shorten(self, result: ClassRows | Class) -> bool:
        """Return whether rows of a result can be shortened: definitions of classes cannot."""
        return isinstance(result, ClassRows)

    def render_shortened(self, result: ClassRows, row: Sequence[Value], octets: Octets) -> str:
        """Return a row as an item, cut to the largest size that an item may have."""
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
