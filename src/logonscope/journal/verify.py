"""Verification of the hash chain.

The hashes of all sealed rows are recomputed. The first bad seal is reported: one that does not match its rows, or whose
link does not follow from the seal before it.
"""

import sqlite3
from bisect import bisect_left
from typing import Any

from logonscope.journal import chain
from logonscope.journal.rows import ENDED, ID, LASTED
from logonscope.journal.writer import DICTIONARIES, SEAL_COLUMNS, SEALED_TABLES
from logonscope.machine.history import Verification

PAGE = 20_000


class Verifier:
    """Recomputes the chain on one connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def verify(self) -> Verification:
        """Verify the journal."""
        result = self._verify()
        if result.is_intact:
            return result
        # Rows that retention deletes while other rows are read look like missing rows. So all rows are read again, in
        # one transaction, which shows all rows as at one moment. The first reading has no transaction, because SQLite's
        # write-ahead log cannot shrink before a transaction ends.
        self._database.execute("SAVEPOINT verification")
        try:
            return self._verify()
        finally:
            self._database.execute("RELEASE verification")

    def _verify(self) -> Verification:
        seals = self._database.execute("SELECT * FROM seal ORDER BY seq").fetchall()
        if not seals:
            return Verification(0, 0, 0, self._count_unsealed(0), "", None, "")
        last = seals[-1][0]
        self._seqs = [seal[0] for seal in seals]
        self._counts = [0] * len(seals)
        self._totals = [0] * len(seals)
        self._add_processes(last)
        for table, key in SEALED_TABLES:
            self._add_table(table, key, last)
        for table in DICTIONARIES:
            self._add_table(table, "id", last)
        for row in self._database.execute(
            "SELECT * FROM logon WHERE ended_seq IS NOT NULL AND ended_seq <= ?", (last,)
        ).fetchall():
            self._add(row[SEAL_COLUMNS["logon"]], chain.row_hash("logon", row))
        first_bad, reason = self._first_bad(seals)
        return Verification(
            len(seals), sum(self._counts), sum(seal[4] or 0 for seal in seals), self._count_unsealed(last),
            seals[-1][3].hex(), first_bad, reason,
        )  # fmt: skip

    def _add(self, seq: int, value: int) -> None:
        """Add a hash to the sum of the seal that covers the number ``seq``."""
        position = bisect_left(self._seqs, seq)
        self._counts[position] += 1
        self._totals[position] += value

    def _add_processes(self, last: int) -> None:
        # A process that was sealed while it ran has a hash of its start and, once its end is sealed, a hash of its end.
        # A process that had ended before it was sealed has one hash.
        for row in self._rows_up_to(last, "process"):
            if row[LASTED] is None or (row[ENDED] is not None and row[ENDED] > last):
                self._add(row[ID], chain.start_hash(row))
            elif row[ENDED] is None:
                self._add(row[ID], chain.process_hash(row))
            else:
                self._add(row[ID], chain.start_hash(row))
                self._add(row[ENDED], chain.end_hash(row))

    def _rows_up_to(self, last: int, table: str) -> Any:
        """Yield the rows of a table up to a number. They are read by pages, so that no transaction stays open."""
        last_read = -1
        while page := self._database.execute(
            f"SELECT * FROM {table} WHERE id > ? AND id <= ? ORDER BY id LIMIT {PAGE}",
            (last_read, last),
        ).fetchall():
            yield from page
            last_read = page[-1][0]

    def _add_table(self, table: str, key: str, last: int) -> None:
        """Add the rows that the seals up to the number ``last`` cover, in the order of the column ``key``."""
        seal_column, last_read = SEAL_COLUMNS[table], -1
        query = f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {PAGE}"
        while page := self._database.execute(query, (last_read,)).fetchall():
            for row in page:
                if row[seal_column] > last:
                    return
                self._add(row[seal_column], chain.row_hash(table, row))
            last_read = page[-1][0]

    def _first_bad(self, seals: list[tuple[Any, ...]]) -> tuple[tuple[int, int] | None, str]:
        """Return the first and the last row number of the first bad seal, and the reason; None: all seals match."""
        link, before = chain.FIRST_LINK, 0
        for position, (seq, count, digest, stored_link, removed, removed_digest) in enumerate(seals):
            span = (before + 1, seq)
            link = chain.next_link(link, seq, count, digest)
            if link != stored_link:
                return span, "the seal does not fit the one before it"
            if self._counts[position] + (removed or 0) != count:
                missing = count - self._counts[position] - (removed or 0)
                return span, f"{missing} rows are missing" if missing > 0 else f"{-missing} rows were added"
            total = (self._totals[position] + chain.unpack_digest(removed_digest)) % chain.MODULUS
            if total != chain.unpack_digest(digest):
                return span, "rows were changed"
            before = seq
        return None, ""

    def _count_unsealed(self, last: int) -> int:
        """Return how many rows follow the last seal. A logon session is sealed only when it has ended."""
        conditions = [
            ("recent", "id > ?"),
            *((table, f"{key} > ?") for table, key in SEALED_TABLES),
            *((table, "seq > ?") for table in DICTIONARIES),
            ("logon", "ended_seq IS NULL OR ended_seq > ?"),
        ]
        return sum(
            self._database.execute(f"SELECT count(*) FROM {table} WHERE {condition}", (last,)).fetchone()[0]
            for table, condition in conditions
        )
