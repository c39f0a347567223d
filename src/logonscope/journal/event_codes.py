"""Codes of the event log, for readers that resume, in the order in which readers of live events saw the events.

A code is 32 times the number of a row, plus 16 if it is the first code of an event of the stream, plus a kind: a kind
of ``rows``, or FOLDED, SKIPPED or PARTS. The position of an event is one more than that of the event before, unless a
SKIPPED is between them. Codes without the 16 have the same position as the code before them: they are further codes of
that event, or what the history found out after that event, when it compared its processes with the running ones.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.journal.rows import Stream

FOLDED, SKIPPED, PARTS = 8, 9, 10
"""FOLDED: the process executed a program, and its row has this program already: there is no row of the change.
SKIPPED: instead of a row number, the code has the position before the next event. PARTS: instead of a row number, it
has the part (see EventCode) of the last code of the position, which is in an earlier batch."""

_FIRST = 16


class EventCode(NamedTuple):
    """A code, with the position of its event."""

    position: int
    part: int  # how many codes of this position are before it; see EventMark
    kind: int
    row: int


class EventCodes:
    """Collects the codes of a batch."""

    def __init__(self) -> None:
        self._codes: array[int] = array("q")
        self._taken = 0  # how many numbers of the batch were handled
        self.position = 0
        """The position of the last event that was added."""
        self._coded = self._first = 0  # the position of the last code, and that before the batch's first code
        self._parts = 0  # codes at the position of the last code, beside the first code there

    def __repr__(self) -> str:
        return f"<EventCodes at {self.position}>"

    def add_found(self, numbers: "array[int]") -> None:
        """Add the codes of what the history found out itself since the last call, without an event of the stream.

        Args:
            numbers: all numbers of the batch so far, each with its kind and row; see ``rows``.
        """
        # called for each event, and mostly there is nothing to add
        if self._taken == len(numbers):
            return
        for number in numbers[self._taken :]:
            if number:
                self._append(number >> 3 << 5 | number & 7, self.position, is_first=False)
        self._taken = len(numbers)

    def add_event(self, numbers: "array[int]", position: int) -> None:
        """Add an event of the stream, with the numbers that were given for it; position 0: not of the stream."""
        taken, count = self._taken, len(numbers)
        self._taken = count
        # 0: such as a change that the second reading of a process found
        if not position:
            return
        self.position, is_first = position, True
        # no slice: most events have one number
        for index in range(taken, count):
            number = numbers[index]
            if number and is_first and position == self._coded + 1:
                # what _append does, without its call
                self._coded, self._parts, is_first = position, 0, False
                self._codes.append(number >> 3 << 5 | number & 7 | _FIRST)
            elif number:
                self._append(number >> 3 << 5 | number & 7, position, is_first=is_first)
                is_first = False

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
        """Return the codes of the batch, and begin the next one."""
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
