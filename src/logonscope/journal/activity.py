"""Activity of logon sessions: how many processes ran in which bins of a span, counted by SQLite.

Only start, end, status, parent, logon session and user of a process are read, so that even months can be counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from logonscope.journal.listed_states import LISTED_AS_CHANGED, LISTED_AS_ROW
from logonscope.journal.moments import SLACK_US, Moments
from logonscope.journal.reader import SLACK_MS, Boot, Reader
from logonscope.journal.rows import CREDENTIAL, ID, LASTED, PARENT, PLACE, STATUS, TICKS
from logonscope.machine import Look
from logonscope.machine.history import Activity, ActivityQuery

CHUNK_ROWS = 100_000
"""Maximum number of rows of ``process`` that one statement counts. The deadline is checked before each such range."""

FOUND_MS = 60_000
"""If a process started in a gap (a time without events), its row is added at most so many ms after the gap."""

SAME_OFFSET_US = 2000
"""If two offsets of the clock differ by less than this, the clock was not set between them."""

LONG_MS = 1 << 40
"""A time in ms since the boot that is later than all moments of a boot; its negative is earlier than all."""

MAX_DEPTH = 1000
"""Maximum number of ancestors of a process that are read to find out whether a user became root."""

_ROWS_OF_PROCESS = f"(SELECT * FROM process WHERE {LISTED_AS_ROW['process']})"
_ROWS_OF_EVERY = f"(SELECT * FROM every WHERE {LISTED_AS_ROW['every']})"
_COLUMNS = "id, place, parent, credential, first, last, status"
_START = "(ticks * :tick + :offset)"
_ROWS_WITH_BINS = f"""SELECT id, place, parent, credential, status,
 CASE WHEN {_START} < :since THEN -1 ELSE ({_START} - :since) / :bin_us END AS first,
 ({_START} + lasted * 1000 - :since) / :bin_us AS last
 FROM {{table}} WHERE id >= :low AND id < :high AND ticks >= :low_ticks AND ticks < :high_ticks
 AND {_START} < :until AND (lasted IS NULL OR {_START} + lasted * 1000 >= :since)"""
_COUNTS = f"""SELECT place, first, last, count(*), sum(coalesce(status, 0) != 0) FROM ({_ROWS_WITH_BINS})
 GROUP BY 1, 2, 3"""
_ROOTS = f"SELECT {_COLUMNS} FROM ({_ROWS_WITH_BINS}) WHERE credential IN ({{roots}})"


class Segment(NamedTuple):
    """A part of a boot in which the clock was not set: wall time = offset + time since the boot."""

    low_ms: int
    high_ms: int  # exclusive
    offset: int  # microseconds


class RootRow(NamedTuple):
    """A process that runs as root, or an ancestor of one."""

    id: int
    place: int
    parent: int | None
    credential: int
    first_bin: int
    last_bin: int | None
    status: int | None


class ActivityReader:
    """Counts the processes of one query."""

    def __init__(self, reader: Reader, query: ActivityQuery) -> None:
        self._reader, self._query = reader, query
        self._logon_by_place: dict[int, int] = dict(
            reader.by_numbers("SELECT id, logon FROM place WHERE logon IN ({})", sorted(query.logon_records))
        )
        self._roots = {
            number
            for number, uids in reader.rows("SELECT id, uids FROM credential WHERE uids IS NOT NULL")
            if uids.split(",")[1:2] == ["0"]
        }
        # the keys: logon session, first bin, last bin
        self._counts: Counter[tuple[int, int, int | None]] = Counter()
        self._failed: Counter[tuple[int, int, int | None]] = Counter()
        self._root_rows: list[RootRow] = []

    def read(self, look: Look) -> list[Activity]:
        """Return the counts of all logon sessions of the query."""
        moments = self._reader.moments()
        if self._logon_by_place:
            for boot in self._reader.boots():
                self._read_boot(look, moments, boot)
        gained = self._gained_roots(look)
        keys = self._counts.keys() | gained.keys()
        return [Activity(*key, self._counts.get(key, 0), gained.get(key, 0), self._failed.get(key, 0)) for key in keys]

    def _read_boot(self, look: Look, moments: Moments, boot: Boot) -> None:
        query, segments = self._query, list(_segments(moments, boot))
        if not segments:
            return
        # the clock may have been set within the boot: this range covers the range of each segment
        since_ms = min((query.since - segment.offset) // 1000 for segment in segments)
        until_ms = max((query.until - segment.offset) // 1000 + 1 for segment in segments)
        if until_ms < 0 or since_ms > max(span.last_ms for span in moments.spans if span.boot == boot.id) + FOUND_MS:
            return
        low, high = self._row_range(moments, boot, since_ms, until_ms)
        # rows up to this number are in ``process``; the service moves further rows there meanwhile
        last_moved = self._reader.rows("SELECT max(id) FROM process")[0][0] or 0
        for chunk in range(low, min(high, last_moved + 1), CHUNK_ROWS):
            look.check()
            self._count(boot, segments, _ROWS_OF_PROCESS, chunk, min(chunk + CHUNK_ROWS, high, last_moved + 1))
        self._count(boot, segments, _ROWS_OF_EVERY, max(low, last_moved + 1), high)
        # until now, without the processes that lists show in the state after a change
        self._count(boot, segments, LISTED_AS_CHANGED, low, high)
        # processes that were running when the span began, and had started before it
        early = [row for row in self._reader.started_rows_at(boot, since_ms) if row[ID] < low]
        for row in self._reader.listed(early):
            self._count_row(boot, segments, row)

    def _row_range(self, moments: Moments, boot: Boot, since_ms: int, until_ms: int) -> tuple[int, int]:
        """Return a range of row numbers that contains the processes which started between two times."""
        low = moments.first_row_at(boot.id, max(since_ms - SLACK_MS, 0))
        until_ms += SLACK_MS
        if (next_ms := moments.next_ms(boot.id, until_ms)) and next_ms - until_ms > SLACK_US // 1000:
            # the span ends in a gap: processes that started in the gap were found after the gap
            until_ms = next_ms + FOUND_MS
        # two queries: max() of the view ``every`` reads all rows. ``recent`` first: its rows may be moved meanwhile
        last = max(self._reader.rows(f"SELECT max(id) FROM {table}")[0][0] or 0 for table in ("recent", "process"))
        return low, min(moments.first_row_after(boot.id, until_ms), last + 1)

    def _count(self, boot: Boot, segments: Iterable[Segment], table: str, low: int, high: int) -> None:
        for segment in segments:
            values = {**self._parameters(boot, segment), "low": low, "high": high}
            for place, first_bin, last_bin, number, failed in self._select(_COUNTS, table, values):
                # other places belong to logon sessions that the caller may not see, or did not request
                if place in self._logon_by_place:
                    key = self._logon_by_place[place], first_bin, last_bin
                    self._counts[key] += number
                    self._failed[key] += failed
            self._root_rows += map(RootRow._make, self._select(_ROOTS, table, values))

    def _select(self, query: str, table: str, values: dict[str, int]) -> list[Any]:
        text = query.format(table=table, roots=",".join(map(str, sorted(self._roots))))
        return self._reader.database.execute(text, values).fetchall()

    def _parameters(self, boot: Boot, segment: Segment) -> dict[str, int]:
        query = self._query
        return {
            "tick": 1_000_000 // boot.ticks, "offset": segment.offset, "since": query.since, "until": query.until,
            "bin_us": query.bin_us, "low_ticks": segment.low_ms * boot.ticks // 1000,
            "high_ticks": segment.high_ms * boot.ticks // 1000,
        }  # fmt: skip

    def _count_row(self, boot: Boot, segments: Iterable[Segment], row: list[Any]) -> None:
        start_ms, query = row[TICKS] * 1000 // boot.ticks, self._query
        logon = self._logon_by_place.get(row[PLACE])
        offset = next((segment.offset for segment in segments if segment.low_ms <= start_ms < segment.high_ms), None)
        if logon is None or offset is None:
            return
        start = offset + start_ms * 1000
        end = None if row[LASTED] is None else start + row[LASTED] * 1000
        if start >= query.until or (end is not None and end < query.since):
            return
        first_bin = -1 if start < query.since else (start - query.since) // query.bin_us
        last_bin = None if end is None else (end - query.since) // query.bin_us
        self._counts[logon, first_bin, last_bin] += 1
        self._failed[logon, first_bin, last_bin] += bool(row[STATUS])
        if row[CREDENTIAL] in self._roots:
            values = row[ID], row[PLACE], row[PARENT], row[CREDENTIAL], first_bin, last_bin, row[STATUS]
            self._root_rows.append(RootRow(*values))

    def _gained_roots(self, look: Look) -> Counter[tuple[int, int, int | None]]:
        """Count the processes of root that descend from a process of another user in the same logon session."""
        waiting = [
            row for row in self._root_rows if self._logon_by_place.get(row.place) in self._query.non_root_records
        ]
        # row of a process -> row of its nearest ancestor that was not checked yet
        nearest = {row.id: row.parent for row in waiting}
        gained: Counter[tuple[int, int, int | None]] = Counter()
        for _ in range(MAX_DEPTH):
            look.check()
            parents = self._parents({nearest[row.id] for row in waiting} - {None})
            undecided = []
            for row in waiting:
                parent = parents.get(nearest[row.id] or 0)
                # not gained: in its logon session, the process has no known ancestor of another user
                if parent is None or self._logon_by_place.get(parent.place) != self._logon_by_place[row.place]:
                    continue
                if parent.credential in self._roots:
                    nearest[row.id] = parent.parent
                    undecided.append(row)
                else:
                    gained[self._logon_by_place[row.place], row.first_bin, row.last_bin] += 1
            waiting = undecided
            if not waiting:
                break
        return gained

    def _parents(self, numbers: set[Any]) -> dict[int, RootRow]:
        query = "SELECT id, place, parent, credential, 0, 0, 0 FROM every WHERE id IN ({})"
        return {row[0]: RootRow(*row) for row in self._reader.by_numbers(query, sorted(numbers))}


def _segments(moments: Moments, boot: Boot) -> Iterator[Segment]:
    """Yield the segments of a boot. A process that started before the first ClockSpan is in the first segment."""
    spans = [span for span in moments.spans if span.boot == boot.id]
    starts = list[tuple[int, int]]()
    for span in spans:
        offset = span.first_wall - span.first_ms * 1000
        # a ClockSpan also begins when the service restarts: if the clock was not set, it continues the segment
        if not starts or abs(offset - starts[-1][1]) >= SAME_OFFSET_US:
            starts.append((span.first_ms if starts else -LONG_MS, offset))
    for number, (low, offset) in enumerate(starts):
        yield Segment(low, starts[number + 1][0] if number + 1 < len(starts) else LONG_MS, offset)
