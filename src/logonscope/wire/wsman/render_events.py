"""Rendering of events as items.

An event is LostEvents, or an instance of an event class. This instance can contain other instances.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from logonscope.cim.instances import ClassRows, Instance, row_of
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.names import DROPPED_EVENTS, XSI
from logonscope.wire.wsman.render_items import Item, SystemProperties
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import ROW_OCTETS, Octets, RowCutter

EVENTS = "events"
"""The first member of each ``render_items.Item`` that is an event: it takes the place of the result (ClassRows)."""

MIN_OCTETS = 64
"""The lowest limit of a single value, in octets."""


class LostEvents(NamedTuple):
    """Lost events. ``missed`` is their number; None: it is not known, or not shown to the caller."""

    missed: int | None


class EventRenderer:
    """A ``render_items.Renderer`` of the events of a subscription; it keeps the renderer of each class."""

    def __init__(self, resource: Resource) -> None:
        """Store the requested resource, which determines the form of URIs."""
        self._resource = resource
        self._renderers: dict[tuple[str, tuple[str, ...]], render_instance.Render] = {}

    def renderer(self, _: str) -> Callable[[LostEvents | Instance], str]:
        """Return the renderer of events."""
        return self.render

    def render_all(self, _: Sequence[Item]) -> None:
        """Return None: events are rendered one by one."""

    def can_shorten(self, _: str) -> bool:
        """Return True: every event can be shortened."""
        return True

    def render_shortened(self, _: str, event: LostEvents | Instance, octets: Octets) -> str:
        """Return an event as an item.

        If it has more than ROW_OCTETS, the limit of its values is lowered until it fits, or down to MIN_OCTETS.
        """
        max_octets, text = ROW_OCTETS, self.render(event)
        while isinstance(event, Instance) and octets(text) > ROW_OCTETS and max_octets > MIN_OCTETS:
            max_octets = max(max_octets * 3 // 4, MIN_OCTETS)
            text = self.render(_cut(event, max_octets, octets))
        return text

    def render(self, event: LostEvents | Instance) -> str:
        """Return an event as an item."""
        if isinstance(event, LostEvents):
            return _write_lost(event.missed)
        shape, row = row_of(event)
        key = shape.cls.name, shape.shown
        render = self._renderers.get(key)
        if render is None:
            result = ClassRows(shape.cls, tuple(shape.columns), iter(()), shape.shown)
            render = self._renderers[key] = self._make_renderer(result, shape.server)
        return render(row)

    def _make_renderer(self, result: ClassRows, server: str) -> render_instance.Render:
        if result.shown == result.columns:
            return render_instance.instance_renderer(result.cls, result.columns, self._resource)
        return render_instance.fragment_renderer(
            result.cls, result.columns, result.shown, self._resource, SystemProperties(result, server)
        )


def _write_lost(count: int | None) -> str:
    """Return the item for events that were lost (DSP0226 10.9)."""
    tag = f'w:DroppedEvents Action="{DROPPED_EVENTS}"'
    return f'<{tag} xmlns:xsi="{XSI}" xsi:nil="true"/>' if count is None else f"<{tag}>{count}</w:DroppedEvents>"


def _cut(event: Instance, max_octets: int, octets: Octets) -> Instance:
    """Return an event whose values, and those of the instances that it contains, are cut by ``RowCutter.cut``."""
    shape, row = row_of(event)
    values = RowCutter(shape.cls, tuple(shape.columns)).cut(row, max_octets, octets)
    cut_values = [_cut(value, max_octets, octets) if isinstance(value, Instance) else value for value in values]
    return Instance(shape, tuple(cut_values))
