"""Rows of past processes for a query: which indexes lead to them, and in which pages they are read.

Rows are numbered in the order in which their processes started, so a range of times is a range of numbers. Processes
that were found running after a gap have greater numbers than that order would give: the index process_found finds them.
A list shows some processes in the state after a change, and not in the state of their row (see listed_states.py): the
index change_listed finds these.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple

from logonscope.journal.listed_states import LISTED_AS_ROW, sort_distinct
from logonscope.journal.moments import Moments
from logonscope.journal.reader import SLACK_MS, Boot, Reader
from logonscope.journal.rows import CREDENTIAL, ID, LASTED, PID, PLACE, PROGRAM, TICKS
from logonscope.journal.schema import FOUND
from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery

PAGE = 2000
NO_LIMIT = 1 << 62
"""A number that is greater than all row numbers."""

Limits = Mapping[int, tuple[int, int]]
"""Number of a boot -> ms since that boot: the beginning and the end of a range of wall times."""

Lend = Callable[[], AbstractContextManager[Reader]]
"""Lends a reader; the context manager takes it back."""


class Conditions(NamedTuple):
    """Which rows a query allows."""

    numbers: Sequence[int] | None  # row numbers; None: any
    columns: Mapping[str, Sequence[int]]  # column -> allowed values
    is_running: bool  # True: only processes that run

    @property
    def is_empty(self) -> bool:
        """Return whether no row can match."""
        return any(not values for values in (*self.columns.values(), self.numbers) if values is not None)

    @property
    def is_narrow(self) -> bool:
        """Return whether few rows match: those of some logon sessions, of a pid, or of given row numbers."""
        return self.numbers is not None or "place" in self.columns or "pid" in self.columns

    @property
    def where(self) -> str:
        """Return the conditions of a row as SQL; all values are integers."""
        parts = [f"{column} IN ({','.join(map(str, values))})" for column, values in self.columns.items()]
        return " AND ".join(["1", *parts, *(["lasted IS NULL"] if self.is_running else [])])

    def match(self, row: Sequence[Any]) -> bool:
        """Return whether a row matches."""
        return (
            (self.numbers is None or row[ID] in self.numbers)
            and all(row[COLUMN_POSITIONS[column]] in values for column, values in self.columns.items())
            and (row[LASTED] is None or not self.is_running)
        )


COLUMN_POSITIONS = {"pid": PID, "place": PLACE, "program": PROGRAM, "credential": CREDENTIAL}
"""Columns for which a query can allow only some values -> their positions in a row."""

INDEXED = ("place", "pid", "program")
"""Columns with an index that leads to row numbers; first the column that leads to the fewest rows."""


class ProcessRows:
    """The rows of one query."""

    def __init__(self, lend: Lend, look: Look, query: ProcessRecordQuery) -> None:
        self._lend, self._look, self._query = lend, look, query

    def __repr__(self) -> str:
        return f"<ProcessRows {self._query}>"

    def pages(self) -> Iterator[list[Any]]:
        """Yield rows by pages, in the order of their numbers; no statement stays open between two pages."""
        query = self._query
        with self._lend() as reader:
            conditions = make_conditions(reader, query)
            if conditions.is_empty:
                return
            moments, boots = reader.moments(), reader.boots()
            if query.newest is not None:
                yield self._newest(reader, conditions, query.newest)
                return
            limits = time_limits(moments, query.since, query.until)
            low, high = self._span(moments, boots, is_narrow=conditions.is_narrow)
            early = self._early_rows(reader, conditions, limits, low)
        for rows in (early, *self._later_pages(conditions, low, high)):
            page = rows if limits is None else [row for row in rows if is_process_within(row, boots, limits)]
            if page:
                yield page

    def _span(self, moments: Moments, boots: Sequence[Boot], *, is_narrow: bool) -> tuple[int, int]:
        """Return two numbers: the rows of the processes that started within the times of the query are between them.

        For a narrow query, ``since`` is ignored: all of its few rows are read. A separate search for processes that
        started before ``since`` and still ran at that time would take longer.
        """
        query = self._query
        since = query.started_since
        if since is None and not is_narrow:
            since = query.since
        low, high = -1, NO_LIMIT
        if since is not None:
            low = first_number(moments, boots, since) - 1
        if query.until is not None:
            limits = time_limits(moments, None, query.until) or {}
            high = max(
                (moments.first_row_after(boot, last + SLACK_MS) for boot, (_, last) in limits.items()), default=0
            )
        return low, high

    def _early_rows(self, reader: Reader, conditions: Conditions, limits: Limits | None, low: int) -> list[Any]:
        """Return the rows up to ``low`` of processes that may still run when the time range of the query begins.

        An empty list: the query does not include such rows, or ``_later_pages`` reads them anyway.
        """
        query = self._query
        if query.since is None or query.started_since is not None or conditions.is_narrow or not limits:
            return []
        boot = min(limits)
        rows = reader.listed([row for row in reader.candidate_rows_at(boot, limits[boot][0]) if row[ID] <= low])
        return sort_distinct(filter(conditions.match, rows))

    def _later_pages(self, conditions: Conditions, low: int, high: int) -> Iterator[list[Any]]:
        """Yield pages of the matching rows between two numbers; if the query names row numbers, only those rows.

        Rows from ``high`` on are read, too, if their processes were found running: they may have started earlier.
        """
        if conditions.numbers is not None:
            yield from self._pages_of(conditions, conditions.numbers)
            return
        indexed = next((column for column in INDEXED if column in conditions.columns), None)
        if indexed is not None:
            # the index has the row numbers: first all numbers are read and sorted, then the rows, a page at a time
            yield from self._pages_of(conditions, self._numbers_by_index(conditions, indexed, low, high), indexed)
        else:
            yield from self._pages_between(conditions, low, high)
        if high < NO_LIMIT:
            with self._lend() as reader:
                found_rows = reader.rows(
                    f"SELECT * FROM process INDEXED BY process_found WHERE source & {FOUND} AND id >= {high}"
                    f" UNION ALL SELECT * FROM recent WHERE source & {FOUND} AND id >= {high}"
                )
                found_rows = reader.listed(found_rows)
            yield [row for row in found_rows if conditions.match(row)]

    def _numbers_by_index(self, conditions: Conditions, column: str, low: int, high: int) -> "array[int]":
        numbers = array("q")
        values = ",".join(map(str, conditions.columns[column]))
        with self._lend() as reader:
            if column == "pid":
                for pid in conditions.columns[column]:
                    self._look.check()
                    numbers.extend(reader.numbers_of_pid(pid, low, high))
                return array("q", sorted(set(numbers)))
            for table in ("recent", "process"):
                self._look.check()
                query = f"SELECT id FROM {table} WHERE {column} IN ({values}) AND id > ? AND id < ?"
                numbers.extend(row[0] for row in reader.rows(query, (low, high)))
            query = (
                f"SELECT process FROM change WHERE {column} IN ({values}) AND listed IS NOT NULL"
                " AND process > ? AND process < ?"
            )
            numbers.extend(row[0] for row in reader.rows(query, (low, high)))
        # rows are moved from ``recent`` to ``process``: a row that was moved between the two queries is in both results
        return array("q", sorted(set(numbers)))

    def _pages_of(
        self, conditions: Conditions, numbers: Sequence[int], column: str | None = None
    ) -> Iterator[list[Any]]:
        """Yield the matching rows with these numbers, by pages.

        The numbers come from the index of ``column``; None: they come from no index.
        """
        where = conditions.where
        for first in range(0, len(numbers), PAGE):
            self._look.check()
            page = numbers[first : first + PAGE]
            numbers_of_page = f"id IN ({','.join(map(str, page))})"
            # between the first and the last number of the page, the index leads to the rows of this page only
            span = numbers_of_page if column in {None, "pid"} else f"id >= {page[0]} AND id <= {page[-1]}"
            hint = "NOT INDEXED" if column in {None, "pid"} else f"INDEXED BY process_{column}"
            with self._lend() as reader:
                # ``recent`` first, as in _numbers_by_index: a row that is moved meanwhile is read twice, not missed
                rows = reader.rows(f"SELECT * FROM recent WHERE {span} AND {LISTED_AS_ROW['recent']} AND {where}")
                rows += reader.rows(
                    f"SELECT * FROM process {hint} WHERE {span} AND {LISTED_AS_ROW['process']} AND {where}"
                )
                rows += reader.later_rows(f"{numbers_of_page} AND {where}")
            yield sort_distinct(rows)

    def _pages_between(self, conditions: Conditions, low: int, high: int) -> Iterator[list[Any]]:
        where = conditions.where
        while low < high - 1:
            self._look.check()
            with self._lend() as reader:
                page = _read_page(reader, where, low, high)
                # a page that is not full is the last one
                last = page[-1][ID] if len(page) >= PAGE else high - 1
                page += reader.later_rows(f"id > {low} AND id <= {last} AND {where}")
            low = last
            yield sort_distinct(page)

    @staticmethod
    def _newest(reader: Reader, conditions: Conditions, count: int) -> list[Any]:
        rows: list[Any] = []
        for table in ("recent", "process"):
            query = (
                f"SELECT * FROM {table} WHERE {LISTED_AS_ROW[table]} AND {conditions.where} ORDER BY id DESC LIMIT ?"
            )
            rows += reader.rows(query, (count,))
        rows += reader.later_rows(f"{conditions.where} ORDER BY id DESC LIMIT {count}")
        return sort_distinct(rows)[-count:]


def make_conditions(reader: Reader, query: ProcessRecordQuery) -> Conditions:
    """Return the conditions of a query on the columns of a row."""
    columns: dict[str, Sequence[int]] = {}
    if query.logon_records is not None:
        columns["place"] = reader.places_of(sorted(query.logon_records))
    if query.pids is not None:
        columns["pid"] = sorted(query.pids)
    if query.names is not None or query.name_prefix is not None:
        columns["program"] = reader.programs_named(query.names, query.name_prefix)
    if query.users is not None:
        columns["credential"] = reader.credentials_of(query.users)
    return Conditions(None if query.ids is None else sorted(query.ids), columns, query.is_running)


def _read_page(reader: Reader, where: str, low: int, high: int) -> list[Any]:
    order = f"AND {where} AND id > ? AND id < ? ORDER BY id LIMIT ?"
    query_of_process = f"SELECT * FROM process WHERE {LISTED_AS_ROW['process']} {order}"
    page = reader.rows(query_of_process, (low, high, PAGE))
    if len(page) == PAGE:
        return page
    # rows of ``recent`` are newer than those of ``process``. Some can have been moved since ``process`` was read, so
    # ``process`` is read again
    last = page[-1][ID] if page else low
    page += reader.rows(f"SELECT * FROM recent WHERE {LISTED_AS_ROW['recent']} {order}", (last, high, PAGE))
    return sort_distinct(page + reader.rows(query_of_process, (last, high, PAGE)))[:PAGE]


def first_number(moments: Moments, boots: Sequence[Boot], since: datetime) -> int:
    """Return a row number: the rows of all processes that started at a time or later have this or a greater number."""
    limits = time_limits(moments, since, None) or {}
    if not limits:
        return NO_LIMIT
    boot = min(limits)
    ms = limits[boot][0] - SLACK_MS
    first_seq = next(row.first_seq for row in boots if row.id == boot)
    return first_seq if ms <= 0 else max(first_seq, moments.first_row_at(boot, ms))


def end_number(moments: Moments, until: datetime) -> int:
    """Return a row number: all rows of events up to a time have smaller numbers."""
    limits = time_limits(moments, None, until) or {}
    boots_begun = {span.boot for span in moments.spans if span.first_wall <= until.timestamp() * 1e6}
    ends = (moments.first_row_after(boot, last + SLACK_MS) for boot, (_, last) in limits.items() if boot in boots_begun)
    return max(ends, default=0)


def number_span(reader: Reader, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return two numbers: rows of a range of times are between them. Only for tables without FOUND processes."""
    moments = reader.moments()
    low = -1 if since is None else first_number(moments, reader.boots(), since) - 1
    return low, NO_LIMIT if until is None else end_number(moments, until)


def time_limits(moments: Moments, since: datetime | None, until: datetime | None) -> Limits | None:
    """Return a range of wall times as ms since each boot; None: neither ``since`` nor ``until`` is given."""
    if since is None and until is None:
        return None
    low = -(1 << 60) if since is None else int(since.timestamp() * 1e6)
    high = 1 << 60 if until is None else int(until.timestamp() * 1e6)
    limits: dict[int, tuple[int, int]] = {}
    for span in moments.spans:
        # a span after the time range is skipped. The first span of a boot is not skipped: processes that were found
        # running in it can have started before
        is_later = span.first_wall > high and span.boot in limits
        if is_later or (span.next_seq is not None and span.last_wall < low):
            continue
        # not limited to the span: a process can have started long before the first row of the span
        first = span.first_ms + (low - span.first_wall) // 1000
        last = span.first_ms + (high - span.first_wall) // 1000
        before = limits.get(span.boot)
        limits[span.boot] = (first, last) if before is None else (min(first, before[0]), max(last, before[1]))
    return limits


def is_process_within(row: Sequence[Any], boots: Sequence[Boot], limits: Limits) -> bool:
    """Return whether a process existed within a range of times."""
    boot = boots[boot_position(boots, row[ID])]
    low, high = limits.get(boot.id, (0, -1))
    start = row[TICKS] * 1000 // boot.ticks
    return bool(start < high and (row[LASTED] is None or start + row[LASTED] >= low))


def boot_position(boots: Sequence[Boot], number: int) -> int:
    """Return the position in ``boots`` of the boot to which the row with a number belongs."""
    return max(bisect_right(boots, number, key=_first_seq) - 1, 0)


def _first_seq(boot: Boot) -> int:
    return boot.first_seq
