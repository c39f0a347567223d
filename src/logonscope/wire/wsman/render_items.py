"""Items of an enumeration from rows: instances, endpoint references, both, or fragments of a projection."""

from collections.abc import Sequence

from logonscope.cim.classes import Class
from logonscope.cim.instances import Instance, Result, shape_of
from logonscope.cim.types import Value
from logonscope.wire.cimxml.write_class import definition
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.requests import EPR, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import Octets, RowCutter


class ItemWriter:
    """Makes the renderer of each result once, whatever number of answers its rows are sent in."""

    def __init__(
        self,
        where: Resource,
        mode: str,
        base: Class | None = None,
        server: str | None = None,
        *,
        hierarchy: bool = False,
    ) -> None:
        """Take what the client asked for.

        Args:
            where: the form of URIs.
            mode: of the enumeration (DSP0226 8.7).
            base: the class as whose instances all are shown; None: each as its own.
            server: of the system properties of a projection; None: the instances are whole.
            hierarchy: definitions of classes name those above them.
        """
        self._where, self._mode, self._base, self._server = where, mode, base, server
        self._hierarchy = hierarchy
        self._result: Result | Class | None = None
        self._render: render_instance.Render
        self._cutter: RowCutter

    def renderer(self, result: Result | Class) -> render_instance.Render:
        """Return what renders a row of a result, or the definition of a class."""
        if result is not self._result:
            self._result, self._render = result, self._made(result)
            if isinstance(result, Result):
                self._cutter = RowCutter(result.cls, result.columns)
                self._render = self._cutter.bounded(self._render)
        return self._render

    def fitting(self, result: Result, row: Sequence[Value], octets: Octets) -> str:
        """Return an item, cut to the most octets that one may have."""
        return self._cutter.fitting(self.renderer(result), row, octets)

    def _made(self, result: Result | Class) -> render_instance.Render:
        if isinstance(result, Class):
            cls = result
            return lambda _: definition(cls, hierarchy=self._hierarchy)
        if self._server is not None:
            system = _SystemProperties(result, self._server)
            return render_instance.fragment(
                result.cls, result.columns, result.shown or result.columns, self._where, system
            )
        whole = render_instance.instance(self._base or result.cls, result.columns, self._where)
        if self._mode not in {EPR, OBJECT_AND_EPR}:
            return whole
        reference = render_instance.reference(result.cls, result.columns, self._where)
        return reference if self._mode == EPR else render_instance.both(whole, reference)


class _SystemProperties:
    """The system properties of the rows of a result, by name."""

    def __init__(self, result: Result, server: str) -> None:
        self._shape = shape_of(result, server)

    def __call__(self, row: Sequence[Value], name: str) -> Value:
        value: Value = Instance(self._shape, tuple(row))[name]
        return value
