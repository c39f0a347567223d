"""Removal of rows, for retention and ``forget``: in short steps. Each step updates the seals of the deleted rows."""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from logonscope.journal import chain
from logonscope.journal.rows import ENDED, ID, LASTED, PID_SHIFT, ZONE_SHIFT, zones_of
from logonscope.journal.writer import SEAL_COLUMNS, Writer

STEP = 400
"""Maximum number of processes, or of rows of another table, that one step deletes. A step takes less than 10 ms."""

VACUUM_PAGES = 100

SELF_NUMBERED_TABLES = frozenset({"logon", "place", "program", "credential"})
"""Tables whose next number is greatest number + 1. If the row with the greatest number is deleted, the number must
stay reserved."""


class Remover:
    """Deletes rows on the connection of the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._seals: list[int] = []  # the seq of each seal
        self.removed_user_changes = 0
        """Number of changes of user that were deleted with their processes."""

    def __repr__(self) -> str:
        return f"<Remover of {self._writer!r}>"

    @property
    def database(self) -> sqlite3.Connection:
        """Return the connection of the writer."""
        return self._writer.database

    def remove_processes(self, numbers: Sequence[int]) -> int:
        """Delete processes with their changes and changes of user, in one transaction; return the number of processes.

        Rows that were not moved out of ``recent`` yet are left.
        """
        # a row is sealed when it is moved: a row in ``recent`` has no seal in which its removal could be stored
        numbers = [number for number in numbers if number <= self._writer.moved]
        if not numbers:
            return 0
        marks = ",".join("?" * len(numbers))
        self.database.execute("BEGIN IMMEDIATE")
        try:
            removed = self.database.execute(f"SELECT * FROM process WHERE id IN ({marks})", numbers).fetchall()
            changes = self.database.execute(f"SELECT * FROM change WHERE process IN ({marks})", numbers).fetchall()
            user_changes = self.database.execute(
                f"SELECT * FROM user_change WHERE process IN ({marks})", numbers
            ).fetchall()
            hashes = [
                (row[0], chain.row_hash(table, row))
                for table, rows in (("change", changes), ("user_change", user_changes))
                for row in rows
                if row[0] <= self._writer.moved
            ]
            for row in removed:
                hashes += self._process_hashes(row)
            self.database.execute(f"DELETE FROM process WHERE id IN ({marks})", numbers)
            for table in ("change", "user_change"):
                self.database.execute(f"DELETE FROM {table} WHERE process IN ({marks})", numbers)
            self.database.executemany(
                f"DELETE FROM process_zone WHERE pids = ?1 AND zone = ?2 AND NOT EXISTS (SELECT 1 FROM process"
                f" WHERE id >= ?2 << {ZONE_SHIFT} AND id < (?2 + 1) << {ZONE_SHIFT} AND pid >> {PID_SHIFT} = ?1)",
                zones_of(removed),
            )
            self.add_removed_to_seals(hashes)
            self.database.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self.removed_user_changes += len(user_changes)
        return len(removed)

    def _process_hashes(self, row: tuple[Any, ...]) -> Iterable[tuple[int, int]]:
        """Return the hashes that the seals have of a process, each with the number that decides which seal covers it.

        LASTED is set when a process ends. ENDED, the number of the end, is set only if the row was sealed before the
        end: then the start has a hash, and the end has another one.
        """
        if row[LASTED] is not None and row[ENDED] is None:
            return [(row[ID], chain.process_hash(row))]
        hashes = [(row[ID], chain.start_hash(row))]
        if row[ENDED] is not None and row[ENDED] <= self._writer.moved:
            hashes.append((row[ENDED], chain.end_hash(row)))
        return hashes

    def remove_rows(self, table: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Delete rows of a table in one transaction; return their number.

        Args:
            table: the name of a table in SEAL_COLUMNS.
            rows: the rows, with all columns.
        """
        if not rows:
            return 0
        seal_column = SEAL_COLUMNS[table]
        self.database.execute("BEGIN IMMEDIATE")
        try:
            self.add_removed_to_seals(
                (row[seal_column], chain.row_hash(table, row))
                for row in rows
                if row[seal_column] is not None and row[seal_column] <= self._writer.moved
            )
            self.database.executemany(f"DELETE FROM {table} WHERE id = ?", [(row[0],) for row in rows])
            if table in SELF_NUMBERED_TABLES:
                self._writer.reserve_numbers(table, max(row[0] for row in rows))
            self.database.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return len(rows)

    def add_removed_to_seals(self, hashes: Iterable[tuple[int, int]]) -> None:
        """Add deleted rows to the columns ``removed`` and ``removed_digest`` of their seals.

        Args:
            hashes: for each row, the number that decides which seal covers it, and its hash.
        """
        sums: dict[int, tuple[int, int]] = {}
        for seq, value in hashes:
            seal = self._seal_of(seq)
            count, total = sums.get(seal, (0, 0))
            sums[seal] = count + 1, total + value
        for seal, (count, total) in sums.items():
            earlier, digest = self.database.execute(
                "SELECT coalesce(removed, 0), removed_digest FROM seal WHERE seq = ?", (seal,)
            ).fetchone()
            self.database.execute(
                "UPDATE seal SET removed = ?, removed_digest = ? WHERE seq = ?",
                (earlier + count, chain.pack_digest(chain.unpack_digest(digest) + total), seal),
            )

    def _seal_of(self, seq: int) -> int:
        """Return the seq of the seal that covers a number."""
        if not self._seals or self._seals[-1] < seq:
            self._seals = [row[0] for row in self.database.execute("SELECT seq FROM seal ORDER BY seq")]
        return self._seals[bisect_left(self._seals, seq)]

    def free_pages(self) -> bool:
        """Return at most VACUUM_PAGES free pages to the file system; return whether there are more."""
        # executescript() runs the pragma to its end; execute() would stop it at its first row
        self.database.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        (free,) = self.database.execute("PRAGMA freelist_count").fetchone()
        return bool(free)

    def _roll_back(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
