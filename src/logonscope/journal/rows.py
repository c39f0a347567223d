"""Rows of the journal in memory, before they are written, and the batch that one commit writes."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

ID, PLACE, PID, TICKS, PARENT, PROGRAM, CREDENTIAL, COMMAND, CHANGES, CLASS, LASTED, STATUS, SOURCE, ENDED = range(14)
"""Positions of the columns of a process."""

REPORTED, STARTED, CHANGED, PROCESS_ENDED, LOGON_STARTED, LOGGED_OUT, LOGON_ENDED, LOST = range(8)
"""Kinds of events in the event log. For each number of the journal, the event log has 8 * the row that the event is
about + the kind; or 0, if the number is not that of an event.

REPORTED: a failed logon or a change of user. The row is in the table ``failed_logon`` or in the table ``user_change``.
"""

PID_SHIFT, ZONE_SHIFT = 7, 8
"""How many low bits of a pid, and of a row number, the table ``process_zone`` leaves out."""


Row = list[Any]
"""The row of a process: its columns, ID to ENDED."""


class Stream(NamedTuple):
    """The codes of a batch (event_codes.py): of events after the position ``first``, up to the position ``last``."""

    first: int
    last: int
    codes: "array[int]"


class Batch(NamedTuple):
    """What one commit writes."""

    first_seq: int
    next_seq: int
    ms: int  # time of the newest event, or a later reading of the clocks, in ms since the boot
    rows: list[tuple[Any, ...]]
    changes: list[tuple[Any, ...]]
    changed_ids: list[int]  # rows of processes that were written earlier and now got their first change
    ends: list[tuple[int, int, int | None, int | None, int | None, int]]  # id, lasted, class, status, source, seq
    programs: list[tuple[Any, ...]]
    credentials: list[tuple[Any, ...]]
    commands: list[tuple[int, bytes]]
    places: list[tuple[Any, ...]]
    logons: list[tuple[Any, ...]]
    moments: list[tuple[Any, ...]]
    losses: list[tuple[Any, ...]]
    failed_logons: list[tuple[Any, ...]]
    user_changes: list[tuple[Any, ...]]
    events: "array[int]"
    stream: Stream

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to write."""
        return not (self.events or self.moments or self.logons or self.ends)


def duration_class(lasted_ms: int) -> int | None:
    """Return floor(log4(seconds)) of a duration; None below 1 s.

    A process of class k can have been running at a moment only if it started at most 4^(k+1) s before.
    """
    seconds = lasted_ms // 1000
    return (seconds.bit_length() - 1) >> 1 if seconds else None


def zones_of(process_rows: Iterable[Sequence[Any]]) -> list[tuple[int, int]]:
    """Return the rows of ``process_zone`` for rows of processes."""
    return sorted({(row[PID] >> PID_SHIFT, row[ID] >> ZONE_SHIFT) for row in process_rows})
