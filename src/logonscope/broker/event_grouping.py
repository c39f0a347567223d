"""GROUP WITHIN: events of one interval are aggregated to one, for each combination of values of the BY properties."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from logonscope.cim.classes import Class
from logonscope.errors import QuotaViolationError
from logonscope.wql.events import NUMBER_OF_EVENTS, Grouping
from logonscope.wql.predicate import ColumnReader, Predicate, Row, compile_predicate

MAX_GROUPS = 10_000
"""Maximum number of groups that a query has at one time."""


class Group(NamedTuple):
    """Events with the same values of the BY properties; ``due``: when their interval ends, by time.monotonic()."""

    due: float
    representative: Any
    event_count: int


def _count_of(row: Row) -> Any:
    return row[0]


def _count_getter(name: str) -> ColumnReader:
    assert name == NUMBER_OF_EVENTS  # noqa: S101 -- HAVING has no other property
    return _count_of


class EventGroups:
    """The groups of a query that are not delivered yet."""

    def __init__(self, grouping: Grouping, cls: Class, checkpoint: Callable[[], None]) -> None:
        self.by = grouping.by
        self._within = grouping.within
        self._groups: dict[tuple[Any, ...], Group] = {}
        self._having: Predicate | None = None
        if grouping.having is not None:
            self._having = compile_predicate(grouping.having, _count_getter, cls, checkpoint)

    def __repr__(self) -> str:
        return f"<EventGroups: {len(self._groups)}>"

    @property
    def due(self) -> float | None:
        """Return the moment when the next group is complete; None: there is no group."""
        # the groups are in the order of their beginnings, and all wait equally long
        return next((group.due for group in self._groups.values()), None)

    def add(self, values: tuple[Any, ...], event: Any) -> None:
        """Add an event.

        Raises:
            QuotaViolationError: there are too many groups.
        """
        # WQL compares texts case-insensitively
        key = tuple([value.lower() if isinstance(value, str) else value for value in values])
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                raise QuotaViolationError(f"more than {MAX_GROUPS:,} groups at one time", "group BY fewer properties")
            group = Group(time.monotonic() + self._within, event, 0)
        self._groups[key] = group._replace(event_count=group.event_count + 1)

    def complete(self) -> Iterator[tuple[Any, int]]:
        """Remove the groups whose interval is over; yield first event and count of each that HAVING accepts."""
        now = time.monotonic()
        for key in [key for key, group in self._groups.items() if group.due <= now]:
            group = self._groups.pop(key)
            if self._having is None or self._having((group.event_count,)):
                yield group.representative, group.event_count
