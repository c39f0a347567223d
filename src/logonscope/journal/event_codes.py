"""Codes of the event log, for readers that resume, in the order in which readers of live events saw the events.

A code is 32 * the number of a row + flag + kind. The kind is REPORTED or another kind in ``rows``, or FOLDED, SKIPPED
or PARTS.

Codes do not contain the positions of events: ``read_codes`` counts the positions. A code with the flag 16 is the first
code of an event of the stream, and adds 1 to the position. A SKIPPED sets the position. All other codes leave the
position as it is. A code without the flag belongs to the event at the position; or it is a change that the history
found after this event, by comparing its processes with the running ones.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.journal.rows import Stream

FOLDED, SKIPPED, PARTS = 8, 9, 10
"""FOLDED: the process executed a program. Its row has this program already, so the change has no row of its own.

SKIPPED: sets the position, after events that have no code. In place of a row number, it has the new position.

PARTS: it begins a batch that continues the codes of a position. In place of a row number, it has the part (see
EventCode) of the last code of this position in an earlier batch."""

_IS_FIRST = 16
"""The flag of the first code of an event."""


class EventCode(NamedTuple):
    """A code, with the position of its event.

    Attributes:
        position: the number of the event in its run of the service.
        part: 0 for the first code of an event (with the flag 16). Each further code of the position has the part of the
            code before it + 1. If the event has no code, the parts of its position begin with 1. See EventMark, too.
        kind: the kind of the code.
        row: the number of the row.
    """

    position: int
    part: int
    kind: int
    row: int


class EventCodes:
    """Collects the codes of a batch."""

    def __init__(self) -> None:
        self._codes: array[int] = array("q")
        self._coded_count = 0  # how many members of ``event_rows`` have a code, or need none
        self.position = 0
        """The position of the last event that was added."""
        self._coded_position = 0  # the position after the last code, as read_codes counts it
        self._batch_start = 0  # the position at the beginning of the batch
        self._last_part = 0  # the part of the last code: see EventCode

    def __repr__(self) -> str:
        return f"<EventCodes at {self.position}>"

    def add_found(self, event_rows: "array[int]") -> None:
        """Add codes for new rows that belong to no event of the stream.

        These are the rows that were added since the last call of this method, or of ``add_event``.

        Args:
            event_rows: for each number of the batch so far, 8 * row + kind, or 0: see REPORTED in ``rows``.
        """
        # called for each event, and mostly there is nothing to add
        if self._coded_count == len(event_rows):
            return
        for event_row in event_rows[self._coded_count :]:
            if event_row:
                self._append(event_row >> 3 << 5 | event_row & 7, self.position, is_first=False)
        self._coded_count = len(event_rows)

    def add_event(self, event_rows: "array[int]", position: int) -> None:
        """Add the codes of an event: of the rows that were added since the last call. Position 0: add no codes.

        Args:
            event_rows: as in ``add_found``.
            position: of the event; 0: the event is not of the stream.
        """
        start, count = self._coded_count, len(event_rows)
        self._coded_count = count
        # for example, a change that the second reading of a process (feeder.py) found
        if not position:
            return
        self.position, is_first = position, True
        # no slice: most events have one row
        for index in range(start, count):
            event_row = event_rows[index]
            if event_row and is_first and position == self._coded_position + 1:
                # as in _append, without the cost of a call
                self._coded_position, self._last_part, is_first = position, 0, False
                self._codes.append(event_row >> 3 << 5 | event_row & 7 | _IS_FIRST)
            elif event_row:
                self._append(event_row >> 3 << 5 | event_row & 7, position, is_first=is_first)
                is_first = False

    def add_folded(self, row: int, position: int) -> None:
        """Add the code for the execution of a program, which has no row of its own: ``row`` is that of the process."""
        if position:
            self._append(row << 5 | FOLDED, position, is_first=True)

    def _append(self, code: int, position: int, *, is_first: bool) -> None:
        if is_first:
            # events without a code are skipped
            if position != self._coded_position + 1:
                self._codes.append((position - 1) << 5 | SKIPPED)
            self._coded_position, self._last_part = position, 0
            code |= _IS_FIRST
        else:
            if position != self._coded_position:
                # the row was added after events that have no code
                self._codes.append(position << 5 | SKIPPED)
                self._coded_position, self._last_part = position, 0
            if self._last_part and not self._codes:
                self._codes.append(self._last_part << 5 | PARTS)
            self._last_part += 1
        self._codes.append(code)

    def take(self, event_rows: "array[int]") -> Stream:
        """Return the codes of the batch, and begin the next batch."""
        self.add_found(event_rows)
        stream = Stream(self._batch_start, self.position, self._codes)
        self._codes, self._coded_count = array("q"), 0
        if self._coded_position != self.position:
            self._coded_position, self._last_part = self.position, 0
        self._batch_start = self.position
        return stream


def read_codes(first: int, packed: bytes) -> Iterator[EventCode]:
    """Yield the codes of a batch; ``first``: the position at the beginning of the batch."""
    codes: array[int] = array("q")
    codes.frombytes(packed)
    position, part = first, 0
    for code in codes:
        row, kind = code >> 5, code & 15
        if kind == SKIPPED:
            position, part = row, 0
            continue
        if kind == PARTS:
            part = row
            continue
        if code & _IS_FIRST:
            position, part = position + 1, 0
        else:
            part += 1
        yield EventCode(position, part, kind, row)
