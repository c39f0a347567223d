"""Codes of events in the event log: for readers that resume, in the order in which readers of live events saw them.

A code is 32 times a row, plus 16 if it is the first one of an event of the stream, plus a kind: a kind of ``rows``, or
one of those below. The position of an event is one more than that of the event before, unless SKIPPED says otherwise.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.journal.rows import Stream

FOLDED, SKIPPED, PARTS = 8, 9, 10
"""FOLDED: the process executed a program, which is part of its row. SKIPPED: the row is the position before the next
event. PARTS: the row is how many codes of the position were in earlier batches."""

_FIRST = 16


class EventCode(NamedTuple):
    """A code with its place: the position, and how many codes of that position are before it."""

    position: int
    part: int
    kind: int
    row: int


class EventCodes:
    """Collects the codes of a batch."""

    def __init__(self) -> None:
        self._codes: array[int] = array("q")
        self._taken = 0  # numbers of the batch whose codes were added
        self.position = 0
        """The position of the last event that was added."""
        self._coded = self._first = 0  # positions of the last code, and before the first one
        self._parts = 0  # codes at the position of the last one, beside the first

    def __repr__(self) -> str:
        return f"<EventCodes at {self.position}>"

    def add_found(self, numbers: "array[int]") -> None:
        """Add what the history found out beside events: the codes of the numbers that were given since the last call.

        Args:
            numbers: of the batch, with the kind and row of each; see ``rows``.
        """
        for number in numbers[self._taken :]:
            if number:
                self._append(number >> 3 << 5 | number & 7, self.position, is_first=False)
        self._taken = len(numbers)

    def add_event(self, numbers: "array[int]", position: int) -> None:
        """Add an event of the stream, with the numbers that were given for it."""
        new = numbers[self._taken :]
        self._taken = len(numbers)
        # a second look at a process is no event of the stream
        if not position:
            return
        is_first = True
        for number in new:
            if number:
                self._append(number >> 3 << 5 | number & 7, position, is_first=is_first)
                is_first = False
        self.position = position

    def add_folded(self, row: int, position: int) -> None:
        """Add the execution of a program that is part of the row of a process."""
        if position:
            self._append(row << 5 | FOLDED, position, is_first=True)

    def _append(self, code: int, position: int, *, is_first: bool) -> None:
        if is_first:
            # events without a code are skipped
            if position != self._coded + 1:
                self._codes.append((position - 1) << 5 | SKIPPED)
            self._coded, self._parts = position, 0
            code |= _FIRST
        else:
            if position != self._coded:
                # what was found out comes after events that have no code
                self._codes.append(position << 5 | SKIPPED)
                self._coded, self._parts = position, 0
            if self._parts and not self._codes:
                self._codes.append(self._parts << 5 | PARTS)
            self._parts += 1
        self._codes.append(code)

    def take(self, numbers: "array[int]") -> Stream:
        """Return the codes of the batch."""
        self.add_found(numbers)
        stream = Stream(self._first, self.position, self._codes)
        self._codes, self._taken = array("q"), 0
        if self._coded != self.position:
            self._coded, self._parts = self.position, 0
        self._first = self.position
        return stream


def read_codes(first: int, packed: bytes) -> Iterator[EventCode]:
    """Yield the codes of a batch that begins after a position."""
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
        if code & _FIRST:
            position, part = position + 1, 0
        else:
            part += 1
        yield EventCode(position, part, kind, row)
