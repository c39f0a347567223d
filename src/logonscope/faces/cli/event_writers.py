"""Writers of events: as lines for people, as JSON and as CSV."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.faces.cli.event_text import event_line
from logonscope.faces.cli.event_values import event_values
from logonscope.faces.cli.output import CsvTable, flatten
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from logonscope.cim.instances import Instance

CHECK_SECONDS = 0.5
"""Seconds between two checks whether the output was closed, and whether a writer has something to do."""


class EventWriter:
    """Writes the events of a watch, within ``with``."""

    wait_seconds = CHECK_SECONDS
    """Seconds until ``step`` is called although there is no event."""

    def write(self, event: "HostEvent | Instance") -> None:
        """Write an event."""
        raise NotImplementedError  # not an ABC: ruff (B027) rejects empty methods in one

    def step(self) -> None:
        """Do what is due; called after each event, and at the latest after ``wait_seconds``."""

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """End the output."""


class LineWriter(EventWriter):
    """Prints events for people."""

    def write(self, event: "HostEvent | Instance") -> None:
        if isinstance(event, HostEvent):
            print(event_line(event), flush=True)
            return
        values = flatten(jsonable(event))
        shown = (f"{name}={value}" for name, value in values.items() if value is not None)
        print(for_terminal(f"{event.cim_class.name} {', '.join(shown)}"), flush=True)


class JsonWriter(EventWriter):
    """Prints events as JSON objects, one a line."""

    def write(self, event: "HostEvent | Instance") -> None:
        values = jsonable(event)
        row = values if isinstance(event, HostEvent) else {"class": event.cim_class.name, **values}
        print(json.dumps(row, ensure_ascii=sys.stdout.isatty()), flush=True)


class CsvWriter(EventWriter):
    """Prints events as CSV, with the columns of the first event.

    The events of a query are instances. An event Lost does not fit their columns, and is reported on standard error.
    """

    def __init__(self, *, is_query: bool = False) -> None:
        self._is_query = is_query
        self._writer = CsvTable()
        self._columns: list[str] | None = None

    def write(self, event: "HostEvent | Instance") -> None:
        if self._is_query and isinstance(event, HostEvent):
            print(f"logonscope: {event.lost_text}", file=sys.stderr)
            return
        values: Mapping[str, Any] = event_values(event) if isinstance(event, HostEvent) else flatten(jsonable(event))
        if self._columns is None:
            self._columns = list(values)
            self._writer.write_row(self._columns)
        cells = ("" if (value := values.get(name)) is None else value for name in self._columns)
        is_terminal = sys.stdout.isatty()
        self._writer.write_row(
            [for_terminal(cell) if is_terminal and isinstance(cell, str) else cell for cell in cells]
        )
        sys.stdout.flush()
