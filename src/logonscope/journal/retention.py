"""Retention: deletes, in short steps, rows that are older than the policy keeps.

If the journal is larger than the policy allows, the oldest rows are deleted, too.

A read-only connection finds the rows; the connection of the writer deletes them. Only rows of ``process`` are deleted:
rows of ``recent`` that may be too old are moved there first.
"""

from collections.abc import Callable, Iterator
from typing import Any

from logonscope.facts import UNSET
from logonscope.journal.dictionaries import COMMAND_SPAN
from logonscope.journal.listed_states import listed_place
from logonscope.journal.moments import Moments
from logonscope.journal.policy import Policy
from logonscope.journal.process_rows import boot_position
from logonscope.journal.reader import SLACK_MS, Reader
from logonscope.journal.removal import STEP, Remover
from logonscope.journal.writer import Writer

PAGE = 5000
"""Rows that are read in one step."""

COMMANDS_IN_STEP = COMMAND_SPAN // 4
"""Maximum number of command lines that one step compares with the rows."""

MAX_COMMAND_AHEAD = 20_000
"""Maximum by which the number of a command line exceeds the number of a row that uses it.

Both numbers come from one sequence, in the same batch."""

DURATION_CLASSES = 20
"""Number of duration classes that are searched. The longest one ends at 4^20 s: no process lasts longer."""

WHOLE_BOOT = 1 << 62
"""The limit of a boot that ended before the cutoff: all of its rows are too old."""

SIZE_MARGIN = 0.95
"""Share of the maximum size to which a journal that is too large is reduced."""


class Retention:
    """Steps of retention. Each is short and a transaction of its own: the writer can commit between two of them."""

    def __init__(
        self, writer: Writer, reader: Reader, policy: Policy, drop_command_lines: Callable[[int], bool]
    ) -> None:
        """Create it.

        Args:
            writer: deletes the rows.
            reader: finds the rows.
            policy: what is kept.
            drop_command_lines: makes the recorder forget the command lines with numbers below its argument, so that new
                rows do not use them; returns False if that is not possible now.
        """
        self._writer, self._reader, self._policy = writer, reader, policy
        self._drop_command_lines = drop_command_lines
        self._remover = Remover(writer)
        # place -> the place belongs to the System session, or its owner is not known
        self._is_system_by_place: dict[int, bool] = {}

    def __repr__(self) -> str:
        return f"<Retention of {self._writer!r}>"

    def steps(self, now: int) -> Iterator[int]:
        """Delete what is too old, and what exceeds the maximum size; yield the number of deleted rows after each step.

        ``now``: microseconds since the epoch.
        """
        moments = self._reader.moments()
        yield from self._move_old_rows(
            moments, now - min(self._policy.keep_system_ms, self._policy.keep_logins_ms) * 1000
        )
        # two passes, each with its own stored position: `retained_system` and `retained_logins`
        for is_system, keep_ms in ((True, self._policy.keep_system_ms), (False, self._policy.keep_logins_ms)):
            yield from self._steps_of_sessions(moments, now - keep_ms * 1000, is_system=is_system)
        yield from self._steps_by_size(moments)
        self._note_beginning(now - self._policy.keep_logins_ms * 1000)
        yield from self._remove_commands()
        yield from self._remove_logons(moments, now - self._policy.keep_logins_ms * 1000)
        last_row = self._last_row_before(moments, now - self._policy.keep_logins_ms * 1000)
        yield from self._remove_attempts_and_changes(last_row)
        while self._remover.free_pages():
            yield 0

    def _move_old_rows(self, moments: Moments, cutoff: int) -> Iterator[int]:
        """Move the rows that may be older than a time from ``recent`` to ``process``: only moved rows are deleted."""
        ends = (self._end_of_old_rows(moments, boot, limit_ms) for boot, limit_ms in _limits(moments, cutoff).items())
        end = max(ends, default=0)
        while self._reader.rows("SELECT 1 FROM recent WHERE id < ? LIMIT 1", (end,)):
            self._writer.move_step()
            yield 0

    def _steps_of_sessions(self, moments: Moments, cutoff: int, *, is_system: bool) -> Iterator[int]:
        """Delete the processes that ended before a time: those of logins, or those of the System session."""
        limits = _limits(moments, cutoff)
        if not limits:
            return
        key = f"retained_{'system' if is_system else 'logins'}"
        earlier_end = self._reader.value(key) or 0
        boots = [boot for boot in self._reader.boots() if boot.id in limits]
        end = earlier_end
        for boot in boots:
            low, limit_ms = max(boot.first_seq, earlier_end + 1), limits[boot.id]
            high = self._end_of_old_rows(moments, boot.id, limit_ms)
            yield from self._remove_range(low, high, boot.ticks, limit_ms, is_system=is_system)
            end = max(end, high - 1)
        yield from self._remove_long_lived(earlier_end, limits, is_system=is_system)
        if end > earlier_end:
            self._writer.set_values(**{key: end})

    def _end_of_old_rows(self, moments: Moments, boot: int, limit_ms: int) -> int:
        """Return the row number up to which a run of retention reads the processes of a boot."""
        # A later run does not find processes of less than 1 s, because they have no duration class. If the number is
        # that of 2 s before the limit, every such process with a smaller number has ended before the limit.
        is_whole = limit_ms == WHOLE_BOOT
        return self._end_of_boot(boot) if is_whole else moments.first_row_at(boot, limit_ms - 2 * SLACK_MS)

    def _end_of_boot(self, boot: int) -> int:
        later = [row.first_seq for row in self._reader.boots() if row.id > boot]
        return min(later) if later else self._writer.last_event + 1

    def _remove_range(
        self, low: int, high: int, ticks_per_second: int, limit_ms: int, *, is_system: bool
    ) -> Iterator[int]:
        query = (
            f"SELECT id, {listed_place('process')}, ticks, lasted FROM process WHERE id >= ? AND id < ?"
            f" AND lasted IS NOT NULL ORDER BY id LIMIT {PAGE}"
        )
        while page := self._reader.rows(query, (low, high)):
            yield from self._remove_old(page, ticks_per_second, limit_ms, is_system=is_system)
            low = page[-1][0] + 1

    def _remove_old(self, page: list[Any], ticks_per_second: int, limit_ms: int, *, is_system: bool) -> Iterator[int]:
        self._load_places({row[1] for row in page})
        old = [
            number
            for number, place, ticks, lasted in page
            if ticks * 1000 // ticks_per_second + lasted < limit_ms
            and self._is_system_by_place.get(place, True) is is_system
        ]
        for first in range(0, len(old), STEP):
            yield self._remover.remove_processes(old[first : first + STEP])
        if not old:
            yield 0

    def _remove_long_lived(self, earlier_end: int, limits: dict[int, int], *, is_system: bool) -> Iterator[int]:
        """Delete processes that an earlier run of retention kept, because they ended after its limit.

        ``earlier_end`` is the number of the last row that the earlier run read.
        """
        boots = {boot.id: boot for boot in self._reader.boots()}
        for boot_id, limit_ms in limits.items():
            boot = boots[boot_id]
            end = min(earlier_end, self._end_of_boot(boot_id) - 1)
            for duration_class in range(DURATION_CLASSES):
                low = boot.first_seq
                query = (
                    f"SELECT id, {listed_place('process')}, ticks, lasted"
                    " FROM process INDEXED BY process_lasting WHERE class = ?"
                    f" AND id >= ? AND id <= ? ORDER BY id LIMIT {PAGE}"
                )
                while page := self._reader.rows(query, (duration_class, low, end)):
                    yield from self._remove_old(page, boot.ticks, limit_ms, is_system=is_system)
                    low = page[-1][0] + 1

    def _load_places(self, places: set[int]) -> None:
        missing = sorted(places.difference(self._is_system_by_place))
        query = "SELECT p.id, l.logonid FROM place p LEFT JOIN logon l ON l.id = p.logon WHERE p.id IN ({})"
        for place, logon_id in self._reader.by_numbers(query, missing):
            self._is_system_by_place[place] = logon_id in {None, UNSET}

    def used_bytes(self) -> int:
        """Return the bytes of the pages in use."""
        (pages,), (free,), (size,) = (
            self._reader.rows(f"PRAGMA {name}")[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _note_beginning(self, wall: int) -> None:
        """Store the time since when the history is whole, in microseconds, if it is later than the stored one."""
        if (self._reader.value("kept_since") or 0) < wall:
            self._writer.set_values(kept_since=wall)

    def _steps_by_size(self, moments: Moments) -> Iterator[int]:
        """If the journal is larger than the policy allows, delete the oldest ended processes, down to SIZE_MARGIN.

        Command lines, failed logons and changes of user of the same time are deleted, too. Rows that were not moved out
        of ``recent`` yet are kept.
        """
        if self.used_bytes() <= self._policy.max_bytes:
            return
        # command lines can be the larger part: if they were kept, all processes would be deleted instead
        yield from self._remove_commands_of_deleted_processes()
        # the oldest rows first, of logins and of the System session alike: the size limit has priority over the times
        low, commands_done = 0, self._first_ended()
        query = f"SELECT id, ticks FROM process WHERE id > ? AND lasted IS NOT NULL ORDER BY id LIMIT {STEP}"
        boots = self._reader.boots()
        while self.used_bytes() > self._policy.max_bytes * SIZE_MARGIN:
            rows = self._reader.rows(query, (low,))
            if not rows:
                break
            yield self._remover.remove_processes([row[0] for row in rows])
            low, ticks = rows[-1]
            boot = boots[boot_position(boots, low)]
            self._note_beginning(moments.wall(boot.id, ticks * 1000 // boot.ticks) or 0)
            # failed logons belong to no process with which they could be deleted
            yield from self._remove_attempts_and_changes(low)
            if low - commands_done > COMMANDS_IN_STEP:
                yield from self._remove_commands_of_deleted_processes()
                commands_done = low
        yield from self._remove_commands_of_deleted_processes()

    def _first_ended(self) -> int:
        """Return the row number of the oldest ended process in ``process``.

        If there is none: the number up to which all rows were moved from ``recent`` to ``process``.
        """
        rows = self._reader.rows("SELECT id FROM process WHERE lasted IS NOT NULL ORDER BY id LIMIT 1")
        return int(rows[0][0]) if rows else self._writer.moved

    def _remove_commands_of_deleted_processes(self) -> Iterator[int]:
        """Delete the command lines that are older than the oldest ended process, and that no row uses."""
        (oldest,) = self._reader.rows("SELECT min(id) FROM command")[0]
        low, high = oldest or 0, self._first_ended()
        if low >= high or not self._drop_command_lines(high):
            return
        while low < high:
            end = min(high, low + COMMANDS_IN_STEP)
            yield from self.remove_unused_commands(low, end)
            low = end

    @staticmethod
    def _last_row_before(moments: Moments, cutoff: int) -> int:
        """Return a row number: all failed logons and changes of user up to this number are older than a time."""
        limits = _limits(moments, cutoff)
        # With WHOLE_BOOT, a time after the end of every boot, first_row_at() returns the last row of the boot in the
        # clock map. max(): later boots have greater row numbers.
        return max((moments.first_row_at(boot, ms) - 1 for boot, ms in limits.items()), default=0)

    def _remove_attempts_and_changes(self, last: int) -> Iterator[int]:
        """Delete, up to a row number, failed logons, and the changes of user whose process is not in the journal."""
        queries = (
            ("failed_logon", ""),
            ("user_change", " AND NOT EXISTS (SELECT 1 FROM every WHERE every.id = user_change.process)"),
        )
        last = min(last, self._writer.moved)
        for table, condition in queries:
            query = f"SELECT * FROM {table} WHERE id <= ?{condition} ORDER BY id LIMIT {STEP}"
            while old := self._reader.rows(query, (last,)):
                yield self._remover.remove_rows(table, old)

    def _remove_commands(self) -> Iterator[int]:
        """Delete the command lines that no kept row uses: see COMMAND_SPAN."""
        for key in ("retained_system", "retained_logins"):
            done_key = f"commands_{key}"
            # newer command lines may still be used by new rows
            low, high = self._reader.value(done_key) or 0, (self._reader.value(key) or 0) - COMMAND_SPAN
            while low < high:
                end = min(high, low + COMMANDS_IN_STEP)
                yield from self.remove_unused_commands(low, end)
                low = end
                self._writer.set_values(**{done_key: low})

    def remove_unused_commands(self, low: int, end: int) -> Iterator[int]:
        """Delete the command lines with numbers from ``low`` to below ``end``, if no row uses them."""
        used: set[int] = set()
        for table in ("every", "change"):
            query = f"SELECT command FROM {table} WHERE id >= ? AND id < ? AND command IS NOT NULL"
            for first in range(low - MAX_COMMAND_AHEAD, end + COMMAND_SPAN, COMMAND_SPAN // 8):
                used.update(row[0] for row in self._reader.rows(query, (first, first + COMMAND_SPAN // 8)))
                yield 0
        commands = self._reader.rows("SELECT id FROM command WHERE id >= ? AND id < ?", (low, end))
        unused = [row[0] for row in commands if row[0] not in used]
        for first in range(0, len(unused), STEP):
            numbers = unused[first : first + STEP]
            rows = list(self._reader.by_numbers("SELECT * FROM command WHERE id IN ({})", numbers))
            yield self._remover.remove_rows("command", rows)

    def _remove_logons(self, moments: Moments, cutoff: int) -> Iterator[int]:
        """Delete the logon sessions that ended before a time and have no process, and their places."""
        for boot, limit_ms in _limits(moments, cutoff).items():
            old = self._reader.rows(
                # NOT IN: SQLite reads ``recent``, which has no index, once, and not for each logon session
                "SELECT * FROM logon WHERE boot = ? AND ended IS NOT NULL AND ended < ? AND id NOT IN (SELECT logon"
                " FROM place JOIN recent ON recent.place = place.id WHERE logon IS NOT NULL) AND NOT EXISTS (SELECT 1"
                " FROM place JOIN process ON process.place = place.id WHERE place.logon = logon.id) AND NOT EXISTS"
                " (SELECT 1 FROM place JOIN change ON change.place = place.id"
                " WHERE place.logon = logon.id AND change.listed IS NOT NULL)",
                (boot, limit_ms),
            )
            for first in range(0, len(old), STEP):
                numbers = [row[0] for row in old[first : first + STEP]]
                query = (
                    "SELECT * FROM place WHERE logon IN ({}) AND NOT EXISTS"
                    " (SELECT 1 FROM change WHERE change.place = place.id)"
                    " AND NOT EXISTS (SELECT 1 FROM recent WHERE recent.place = place.id)"
                )
                yield self._remover.remove_rows("place", list(self._reader.by_numbers(query, numbers)))
                yield self._remover.remove_rows("logon", old[first : first + STEP])


def _limits(moments: Moments, cutoff: int) -> dict[int, int]:
    """Return, for each boot, the wall time ``cutoff`` as ms since the boot; WHOLE_BOOT: the boot had ended before it.

    A boot that began after ``cutoff`` has no entry. The newest boot may still run: its limit is not later
    than its last row of the clock map.
    """
    limits: dict[int, int] = {}
    for span in moments.spans:
        if span.last_wall < cutoff:
            is_newest = span.next_seq is None
            limits[span.boot] = span.last_ms if is_newest else WHOLE_BOOT
        elif span.first_wall < cutoff:
            limits[span.boot] = span.first_ms + (cutoff - span.first_wall) // 1000
        elif span.boot in limits and limits[span.boot] == WHOLE_BOOT:
            # the boot goes on after the cutoff
            limits[span.boot] = span.first_ms
    return limits
