"""Growth of the history in the last day, and for how many such days its maximum size is enough."""

from collections.abc import Iterator
from datetime import UTC, datetime

from logonscope.answers.check import Check
from logonscope.journal.process_rows import first_number
from logonscope.journal.reader import Reader
from logonscope.machine.history import HistoryState

DAY_SECONDS = 86_400
MIN_SECONDS = 3600
"""Seconds of history that are needed to estimate its growth."""

MIN_DAYS = 7
"""If the maximum size holds fewer days of growth than this, ``logonscope doctor`` has a note."""


def bytes_a_day(reader: Reader, size: int, row_count: int, now: float) -> int | None:
    """Return by how many bytes the history grows in 24 hours, estimated from the share of its newest rows.

    None: there are no rows, or the history is shorter than MIN_SECONDS.

    Args:
        reader: reads the journal.
        size: bytes of the files of the journal.
        row_count: number of the rows of the journal.
        now: the wall time in seconds.
    """
    since = reader.value("kept_since")
    if since is None or not row_count:
        return None
    seconds = min(DAY_SECONDS, now - since / 1e6)
    if seconds < MIN_SECONDS:
        return None
    first = first_number(reader.moments(), reader.boots(), datetime.fromtimestamp(now - seconds, UTC))
    (recent,) = reader.rows("SELECT count(*) FROM recent WHERE id >= ?", (first,))[0]
    return int(size / row_count * (_sealed_since(reader, first) + recent) * DAY_SECONDS / seconds)


def _sealed_since(reader: Reader, first: int) -> float:
    """Estimate how many sealed rows have the number ``first`` or a greater one."""
    seals = reader.rows("SELECT seq, n - coalesce(removed, 0) FROM seal WHERE seq >= ? ORDER BY seq", (first,))
    if not seals:
        return 0
    (before,) = reader.rows("SELECT coalesce(max(seq), 0) FROM seal WHERE seq < ?", (first,))[0]
    seq, count = seals[0]
    # the seal that covers ``first`` also covers rows before it
    share = (seq - first) / max(1, seq - before)
    return float(sum(row[1] for row in seals) - count * (1 - share))


def size_text(size: float) -> str:
    """Return a number of bytes in the largest unit in which it is at least 1: "225 kB", "3.2 MB"."""
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, max(0, len(str(int(size))) - 1) // 3)
    value = size / 1000**power
    return f"{value:.1f} {units[power]}" if power and value < 10 else f"{value:,.0f} {units[power]}"


def check_growth(state: HistoryState) -> Iterator[Check]:
    """Yield the check of ``logonscope doctor`` about the growth of the history; no check if this is not known."""
    days = state.days_of_size
    if days is None or state.bytes_a_day is None or state.max_bytes is None:
        return
    growth = f"{size_text(state.bytes_a_day)} a day; history_size holds {days:,.0f} days of that"
    is_enough = days >= MIN_DAYS
    advice = "" if is_enough else "raise history_size, or exclude programs with history_exclude"
    yield Check("history: growth", True if is_enough else None, growth, advice)
