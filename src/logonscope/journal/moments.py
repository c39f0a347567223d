"""Clock map of the journal: converts wall times to times since a boot and back, also where the clock was set."""

import sqlite3
from typing import NamedTuple

from logonscope.journal.schema import FOUND

SLACK_US = 150_000_000
"""Events may have been recorded up to so many microseconds after the last clock map row of a ClockSpan: the clock map
gets only one row a minute."""

FINE_SPAN = 5000
"""A range of up to so many row numbers is read whole; a longer range is narrowed first (``Moments.narrow``)."""


class ClockSpan(NamedTuple):
    """A span of time in which the service ran and the clock was not set, with its first and last row in the clock map.

    ``boot`` is the number of the boot. Fields ``*_ms`` are ms since this boot; fields ``*_wall`` are wall times in
    microseconds.
    """

    boot: int
    first_seq: int
    next_seq: int | None  # first_seq of the next span; None: this is the newest span
    first_ms: int
    first_wall: int
    last_ms: int
    last_wall: int


class Located(NamedTuple):
    """A wall time as the time since a boot."""

    boot: int  # the number of the boot
    ms: int  # since the boot
    seq: int  # the number of the last row of the clock map that is not later than this time
    btime: int  # the time of the boot, in seconds since 1970, by the clock as it was set at this wall time
    happened_again: bool  # the clock was set back, so that several moments had this wall time; this is the last one


def wall_without_clock(ms: int) -> int:
    """Return a wall time in microseconds for a boot without rows in the clock map: as if the boot had been in 1970."""
    return ms * 1000


class Moments:
    """Conversion of times by the rows of the clock map, on one connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.spans = self._read_spans()

    def __repr__(self) -> str:
        return f"<Moments of {len(self.spans)} spans>"

    def _read_spans(self) -> list[ClockSpan]:
        query = "SELECT seq, boot, ms, wall FROM moment WHERE stepped IS NOT NULL ORDER BY seq"
        starts = self._database.execute(query).fetchall()
        spans = []
        for number, (seq, boot, ms, wall) in enumerate(starts):
            next_seq = starts[number + 1][0] if number + 1 < len(starts) else None
            last_ms, last_wall = self._database.execute(
                "SELECT ms, wall FROM moment WHERE seq >= ? AND seq < ? ORDER BY seq DESC LIMIT 1",
                (seq, next_seq or 1 << 62),
            ).fetchone()
            spans.append(ClockSpan(boot, seq, next_seq, ms, wall, last_ms, last_wall))
        return spans

    def locate(self, wall: int) -> Located | None:
        """Return a wall time in microseconds as the time since a boot; None if nothing was recorded at that time."""
        # if the clock was set back, spans overlap, and several can match
        matches = [span for span in self.spans if span.first_wall <= wall <= span.last_wall + SLACK_US]
        # the slack after one span can reach into the next span, whose rows are nearer to the time
        matches = [span for span in matches if wall <= span.last_wall] or matches[-1:]
        if not matches:
            return None
        span = matches[-1]
        # the plus keeps SQLite from using the index on seq, with which it would read the whole range of seq
        seq, ms, row_wall = self._database.execute(
            "SELECT seq, ms, wall FROM moment WHERE wall <= ? AND +seq >= ? AND +seq < ? ORDER BY wall DESC LIMIT 1",
            (wall, span.first_seq, span.next_seq or 1 << 62),
        ).fetchone()
        btime = (row_wall - ms * 1000) // 1_000_000
        return Located(span.boot, ms + (wall - row_wall) // 1000, seq, btime, len(matches) > 1)

    def wall(self, boot: int, ms: int) -> int | None:
        """Return the wall time in microseconds of a time since a boot; None if the clock map has no row of the boot."""
        row = (
            self._database.execute(
                "SELECT ms, wall FROM moment WHERE boot = ? AND ms <= ? ORDER BY ms DESC, seq DESC LIMIT 1", (boot, ms)
            ).fetchone()
            or self._database.execute(
                "SELECT ms, wall FROM moment WHERE boot = ? ORDER BY ms LIMIT 1", (boot,)
            ).fetchone()
        )
        return None if row is None else int(row[1] + (ms - row[0]) * 1000)

    def rows_between(self, boot: int, first_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Return ms and wall time of the rows of the clock map that apply between two times since a boot.

        The first of these rows is the last row up to ``first_ms``, or the first row of the boot if there is none. The
        result is empty if the clock map has no row of the boot. If two rows have the same ms, the clock was set between
        them: the later row applies.
        """
        (start_ms,) = self._database.execute(
            "SELECT coalesce((SELECT max(ms) FROM moment WHERE boot = ?1 AND ms <= ?2),"
            " (SELECT min(ms) FROM moment WHERE boot = ?1))",
            (boot, first_ms),
        ).fetchone()
        if start_ms is None:
            return []
        query = "SELECT ms, wall FROM moment WHERE boot = ? AND ms >= ? AND ms < ? ORDER BY ms, seq"
        return self._database.execute(query, (boot, start_ms, max(end_ms, start_ms + 1))).fetchall()

    def first_row_at(self, boot: int, ms: int) -> int:
        """Return a row number: all rows of the journal of this time or later have this number or a greater one."""
        row = self._database.execute(
            "SELECT seq FROM moment WHERE boot = ? AND ms <= ? ORDER BY ms DESC LIMIT 1", (boot, ms)
        ).fetchone()
        return self._first_of_boot(boot) if row is None else int(row[0])

    def first_row_after(self, boot: int, ms: int) -> int:
        """Return a row number: all rows of the journal of this time or before have smaller numbers.

        Two kinds of rows are exceptions. Rows can arrive late: a caller that must miss none of them adds SLACK_MS
        (reader.py) to the time. And processes that were found running after a gap have rows with greater numbers.
        """
        row = self._database.execute(
            "SELECT seq FROM moment WHERE boot = ? AND ms > ? ORDER BY ms LIMIT 1", (boot, ms)
        ).fetchone()
        if row is not None:
            return int(row[0])
        next_boot = self._database.execute(
            "SELECT first_seq FROM boot WHERE id > ? ORDER BY id LIMIT 1", (boot,)
        ).fetchone()
        return 1 << 62 if next_boot is None else int(next_boot[0])

    def next_ms(self, boot: int, ms: int) -> int | None:
        """Return the time since the boot of the next row of the clock map; None if there is no next row."""
        row = self._database.execute(
            "SELECT ms FROM moment WHERE boot = ? AND ms > ? ORDER BY ms LIMIT 1", (boot, ms)
        ).fetchone()
        return None if row is None else int(row[0])

    def narrow(self, low: int, high: int, ticks: int) -> int:
        """Find by bisection, from ``low`` to ``high``, a row number near the processes that started at a time.

        Processes with smaller row numbers started before this time; processes whose row numbers are greater by more
        than FINE_SPAN started then or later. ``ticks`` is the time, in clock ticks since the boot. Rows are in the
        order in which they arrived. It differs from the order in which the processes started by less than a second: the
        caller allows for this second.
        """
        # skip processes that were found running after a gap: they started long before the processes in nearby rows
        while high - low > FINE_SPAN:
            middle = (low + high) // 2
            row = self._database.execute(
                "SELECT id, ticks FROM process WHERE id >= ? AND id < ? AND coalesce(source, 0) & ? = 0"
                " ORDER BY id LIMIT 1",
                (middle, high, FOUND),
            ).fetchone()
            if row is None or row[1] >= ticks:
                high = middle
            else:
                low = row[0]
        return low

    def _first_of_boot(self, boot: int) -> int:
        row = self._database.execute("SELECT first_seq FROM boot WHERE id = ?", (boot,)).fetchone()
        return 0 if row is None else int(row[0])
