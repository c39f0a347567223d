"""Writer: commits batches, moves rows of processes to the indexed table in short steps, and seals rows.

Rows of processes are written to ``recent``, which has no index, and moved to ``process`` later: a commit then writes
only a tenth of the pages.
"""

import logging
import os
import sqlite3
import time
import uuid
import weakref
from array import array
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from logonscope.journal import chain, rows, schema
from logonscope.journal.database import damaged_error, open_writer
from logonscope.journal.dictionaries import Dictionary
from logonscope.journal.event_codes import EventCodes
from logonscope.journal.files import JournalFiles
from logonscope.journal.logon_rows import COLUMNS, ENDED_SEQ, StoredLogons
from logonscope.journal.recorder import StoredState
from logonscope.journal.rows import CHANGES, ID, LASTED, Batch
from logonscope.journal.statements import insert_rows, update_rows

MAX_RECENT = 4000
"""Number of rows in ``recent`` above which rows are moved."""

MOVE_STEP = 1000
"""Rows that one step moves. A step takes about 10 ms in a journal of 10,000,000 rows.

The more rows a step moves, the more of them share a page of the file.
"""

RESUME_EVENTS = 200_000
"""Number of the newest events that the event log keeps for readers that resume."""

KEY_BYTES = 32

_END = """UPDATE {table} SET lasted = e.column2, class = e.column3, status = e.column4,
  source = nullif(coalesce({table}.source, 0) | coalesce(e.column5, 0), 0){ended}
  FROM (VALUES {{}}) AS e WHERE {table}.id = e.column1"""
_END_RECENT = _END.format(table="recent", ended="")
_END_PROCESS = _END.format(table="process", ended=", ended = e.column6")
_LOGON_UPSERT = "INSERT OR REPLACE"

_log = logging.getLogger(__name__)


class Writer:
    """The one connection that writes, deletes and checkpoints. Used by one thread."""

    def __init__(self, files: JournalFiles) -> None:
        self.files = files
        self._wal = files.read_wal_state() if files.exists else None
        self.database = open_writer(files)
        # closed at the latest with the last reference to this object
        weakref.finalize(self, self.database.close)
        self._inode = files.inode()
        self.losses: list[str] = []
        """What the journal lost before this run: texts for the table ``loss``."""
        self.resume_events = RESUME_EVENTS
        self.journal_id = ""
        self.epoch = 0
        self.last_event = 0
        """The number of the last committed event."""
        self._moved = 0  # rows up to this number are in ``process``
        self._recent = 0  # number of rows in ``recent``
        self._link = chain.FIRST_LINK
        # ends that are not sealed yet, of processes that were sealed before their end: row, and number of the end
        self._process_ends: list[tuple[int, int]] = []
        self._dictionary_ids = dict.fromkeys(DICTIONARIES, 0)  # number of the last sealed row of each dictionary
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self.database.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise damaged_error(files, error) from None

    def __repr__(self) -> str:
        return f"<Writer of {self.files.folder}, {self.last_event} written>"

    @property
    def is_in_place(self) -> bool:
        """Return whether the path of the database still leads to the file that is open."""
        return self._inode == self.files.inode()

    def _open(self) -> None:
        # the first read recovers the write-ahead log
        self.was_clean = self._value("clean") in {None, 1}
        if not self.was_clean:
            self._check_wal()
        execute = self.database.execute
        (last,) = execute("SELECT max(seq + n - 1) FROM eventlog").fetchone()
        (audited,) = execute("SELECT max(seq) FROM audit").fetchone()
        self.last_event = max(last or 0, audited or 0, self._value("through") or 0)
        seal = execute("SELECT seq, chain FROM seal ORDER BY seq DESC LIMIT 1").fetchone()
        if seal is not None:
            self._moved, self._link = seal
            for table in self._dictionary_ids:
                (number,) = execute(
                    f"SELECT coalesce(max(id), 0) FROM {table} WHERE seq <= ?",
                    (self._moved,),
                ).fetchone()
                self._dictionary_ids[table] = number
        (self._recent,) = execute("SELECT count(*) FROM recent").fetchone()
        self._read_unsealed_ends()

    def _check_wal(self) -> None:
        """Add to ``losses`` what the write-ahead log lost, if the last run did not close the journal."""
        state = self._wal
        if state is None:
            return
        if state.is_missing:
            self.losses.append("the write-ahead log is missing: what was recorded after the last checkpoint is lost")
            return
        _, frames, _ = self.database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if 0 <= frames < state.last_commit:
            self.losses.append(
                f"the write-ahead log is damaged: {state.last_commit - frames} of {state.last_commit} pages are lost"
            )

    def _value(self, key: str) -> Any:
        row = self.database.execute("SELECT value FROM journal WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def set_values(self, **values: object) -> None:
        """Store values of the journal by key; in the transaction of the caller, if there is one."""
        self.database.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?)", list(values.items()))

    @property
    def cursor_key(self) -> bytes:
        """Return the key of the cursors of this journal, and of the opaque keys of its records."""
        return bytes(self._value("cursor_key"))

    def begin_run(self, boot_uuid: str, machine: str, ticks: int, machine_id: str | None, version: str) -> StoredState:
        """Begin a run: check the id of the journal, end the last boot if the machine was rebooted, and load the state.

        Args:
            boot_uuid: the id of this boot.
            machine: the facts of the machine as JSON.
            ticks: clock ticks per second.
            machine_id: the id of the machine; a journal of another machine gets a new id.
            version: the version of Logonscope.
        """
        execute = self.database.execute
        # the state file has an epoch that an older copy of the database does not have
        state_id, state_epoch = self.files.read_state()
        (last_epoch,) = execute("SELECT coalesce(max(epoch), 0) FROM run").fetchone()
        journal_id = self._value("id")
        is_copy = state_id != journal_id or state_epoch > last_epoch or self._value("machine") != machine_id
        execute("BEGIN IMMEDIATE")
        try:
            if journal_id is None or is_copy:
                journal_id = uuid.uuid4().hex
                self.set_values(id=journal_id, machine=machine_id)
            # committed before the first event: the mark of each event has the epoch of its run
            self.epoch = last_epoch + 1
            self.set_values(
                clean=0, kept_since=self._value("kept_since") or time.time_ns() // 1000,
                cursor_key=self._value("cursor_key") or os.urandom(KEY_BYTES),
            )  # fmt: skip
            boot = self._begin_boot(boot_uuid, machine, ticks)
            execute(
                "INSERT INTO run VALUES (?, ?, ?, ?, ?)",
                (self.epoch, self.last_event + 1, boot, time.time_ns() // 1000, version),
            )
            execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        # ``clean=0`` must be in the database file itself, because the write-ahead log can get lost
        execute("PRAGMA wal_checkpoint(PASSIVE)")
        self.journal_id = str(journal_id)
        self.files.write_state(self.journal_id, self.epoch)
        return self._load(boot)

    def _begin_boot(self, boot_uuid: str, machine: str, ticks: int) -> int:
        execute = self.database.execute
        row = execute("SELECT id FROM boot WHERE uuid = ?", (boot_uuid,)).fetchone()
        if row is not None:
            return int(row[0])
        self._end_last_boot()
        (number,) = execute("SELECT coalesce(max(id), 0) + 1 FROM boot").fetchone()
        execute(
            "INSERT INTO boot VALUES (?, ?, ?, ?, ?, ?)", (number, boot_uuid, self.last_event + 1, None, ticks, machine)
        )
        return int(number)

    def _end_last_boot(self) -> None:
        """End all that still ran in the last boot; the end is when the service last saw the machine run."""
        last = self.database.execute(
            "SELECT id, first_seq, seen_until, ticks FROM boot ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if last is None:
            return
        boot, first_seq, seen_until, ticks = last
        # BOOT_ENDED: the machine may have run longer than until ``seen_until``
        until, first, events = seen_until or 0, self.last_event + 1, array("q")
        for table in ("recent", "process"):
            running = self.database.execute(
                f"SELECT id, ticks FROM {table} WHERE lasted IS NULL AND id >= ?",
                (first_seq,),
            ).fetchall()
            ends = []
            for number, start in running:
                lasted = max(0, until - start * 1000 // ticks)
                seq = first + len(events)
                ends.append((number, lasted, rows.duration_class(lasted), None, schema.BOOT_ENDED, seq))
                events.append(number << 3 | rows.PROCESS_ENDED)
            update_rows(self.database, _END_RECENT if table == "recent" else _END_PROCESS, ends)
            if table == "process":
                self._process_ends += [(end[0], end[5]) for end in ends]
        logons = self.database.execute("SELECT id FROM logon WHERE boot = ? AND ended IS NULL", (boot,)).fetchall()
        for (number,) in logons:
            self.database.execute(
                "UPDATE logon SET ended = ?, ended_seq = ?, source = ? WHERE id = ?",
                (until, first + len(events), schema.BOOT_ENDED, number),
            )
            events.append(number << 3 | rows.LOGON_ENDED)
        if events:
            codes = EventCodes()
            row = (first, len(events), events.tobytes(), self.epoch, 0, 0, codes.take(events).codes.tobytes())
            insert_rows(self.database, "eventlog", [row])
        self.last_event += len(events)

    def _load(self, boot: int) -> StoredState:
        execute = self.database.execute
        (first_seq,) = execute("SELECT first_seq FROM boot WHERE id = ?", (boot,)).fetchone()
        # the row of an ended process does not change any more: only rows of running processes are needed in memory
        alive = [
            list(row)
            for table in ("process", "recent")
            for row in execute(f"SELECT * FROM {table} WHERE lasted IS NULL AND id >= ?", (first_seq,))
        ]
        # in memory, CHANGES has the state after the last change: the next change is stored only if it differs from this
        for row in alive:
            if row[CHANGES]:
                row[CHANGES] = execute(
                    "SELECT place, program, credential, command FROM change WHERE process = ? ORDER BY id DESC LIMIT 1",
                    (row[ID],),
                ).fetchone()
        places = execute(
            "SELECT id, logon, tty_nr, pid_namespaces, host_root FROM place ORDER BY id DESC LIMIT 50000"
        ).fetchall()
        open_logons = [
            dict(zip(COLUMNS, row, strict=True))
            for row in execute("SELECT * FROM logon WHERE boot = ? AND ended IS NULL", (boot,))
        ]
        return StoredState(
            self.last_event + 1,
            boot,
            self._load_dictionary("program", "exe, comm, name", 3),
            self._load_dictionary("credential", "uids, gids, user", 0),
            Dictionary(self._next_id("place")),
            StoredLogons(self._next_id("logon"), open_logons, {row[0]: row[1] for row in places}),
            alive,
            {row[0]: row[2:] for row in places},
            self._read_command,
        )

    def _read_command(self, number: int) -> bytes | None:
        row = self.database.execute("SELECT argv FROM command WHERE id = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def _load_dictionary(self, table: str, columns: str, text_columns: int) -> Dictionary:
        """Load the newest values of a dictionary; the first ``text_columns`` columns are texts, stored as bytes."""
        dictionary = Dictionary(self._next_id(table))
        query = f"SELECT id, {columns} FROM {table} ORDER BY id DESC LIMIT 20000"
        for number, *values in self.database.execute(query):
            key = tuple(
                value.decode("utf-8", "surrogateescape") if position < text_columns and value is not None else value
                for position, value in enumerate(values)
            )
            dictionary.numbers.setdefault(key, number)
        return dictionary

    def _next_id(self, table: str) -> int:
        (number,) = self.database.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()
        return max(int(number), (self._value(f"next_{table}") or 0))

    def reserve_numbers(self, table: str, last: int) -> None:
        """Give no new row a number up to ``last``, which is that of a deleted row; in a transaction of the caller."""
        # otherwise rows, and keys that clients have, would name the new row in place of the deleted one
        self.set_values(**{f"next_{table}": max(last + 1, self._value(f"next_{table}") or 0)})

    def write(self, batch: Batch) -> None:
        """Commit a batch. After this, its rows survive a power failure.

        Raises:
            sqlite3.Error: the batch was not written; it can be written again.
        """
        database = self.database
        database.execute("BEGIN IMMEDIATE")
        try:
            self._insert(batch)
            database.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self.last_event = batch.next_seq - 1
        self._recent += len(batch.rows)
        self._process_ends += [(end[0], end[5]) for end in batch.ends if end[0] <= self._moved]

    def _insert(self, batch: Batch) -> None:
        database = self.database
        insert_rows(database, "program", batch.programs)
        insert_rows(database, "credential", batch.credentials)
        insert_rows(database, "place", batch.places)
        insert_rows(database, "logon", batch.logons, _LOGON_UPSERT)
        insert_rows(database, "command", batch.commands)
        insert_rows(database, "recent", batch.rows)
        insert_rows(database, "change", batch.changes)
        insert_rows(database, "failed_logon", batch.failed_logons)
        insert_rows(database, "user_change", batch.user_changes)
        moved = self._moved
        # the number of a row decides whether it is in ``recent`` or in ``process``
        update_rows(database, _END_RECENT, [end for end in batch.ends if end[0] > moved])
        update_rows(database, _END_PROCESS, [end for end in batch.ends if end[0] <= moved])
        for number in batch.changed_ids:
            table = "recent" if number > moved else "process"
            database.execute(f"UPDATE {table} SET changes = 1 WHERE id = ?", (number,))
        insert_rows(database, "moment", batch.moments)
        insert_rows(database, "loss", batch.losses)
        if batch.moments:
            database.execute("UPDATE boot SET seen_until = ? WHERE id = (SELECT max(id) FROM boot)", (batch.ms,))
        if batch.events:
            first, last, codes = batch.stream
            packed = codes.tobytes() or None
            row = (batch.first_seq, len(batch.events), batch.events.tobytes(), self.epoch, first, last, packed)
            insert_rows(database, "eventlog", [row])

    def _roll_back(self) -> None:
        # after SQLITE_FULL and similar errors, SQLite has rolled back already
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")

    @property
    def needs_move(self) -> bool:
        """Return whether rows should be moved out of ``recent``."""
        return self._recent > MAX_RECENT

    @property
    def last_link(self) -> bytes:
        """Return the last link of the hash chain."""
        return self._link

    @property
    def moved(self) -> int:
        """Return the number up to which all rows were moved and sealed."""
        return self._moved

    def move_all(self) -> None:
        """Move every row out of ``recent``, in steps."""
        while self._recent:
            self.move_step()

    def move_step(self) -> None:
        """Move the oldest rows of ``recent`` to ``process``, and seal all rows up to them, in one transaction."""
        database, process_ends = self.database, self._process_ends
        database.execute("BEGIN IMMEDIATE")
        try:
            moved_rows = database.execute("SELECT * FROM recent ORDER BY id LIMIT ?", (MOVE_STEP,)).fetchall()
            # the last step also seals the numbers after its last row, which belong to other tables
            last = moved_rows[-1][ID] if len(moved_rows) == MOVE_STEP else self.last_event
            # SQL moves the rows, not Python: sqlite3 releases the interpreter lock, so that other threads can run
            database.execute("INSERT INTO process SELECT * FROM recent WHERE id <= ?", (last,))
            database.execute("DELETE FROM recent WHERE id <= ?", (last,))
            insert_rows(database, "process_zone", rows.zones_of(moved_rows), "INSERT OR IGNORE")
            link, sealed = self._seal(moved_rows, last)
            oldest = self.last_event - self.resume_events
            # the newest row of the event log is not deleted: ``_open`` reads the last number from it
            database.execute("DELETE FROM eventlog WHERE seq + n <= min(?, ?)", (oldest, last))
            database.execute("COMMIT")
        except BaseException:
            self._process_ends = process_ends
            self._roll_back()
            raise
        # after the commit: a step that fails is tried again as a whole
        self._moved, self._link = last, link
        self._dictionary_ids.update(sealed)
        self._recent -= len(moved_rows)

    def _seal(self, moved_rows: list[tuple[Any, ...]], last: int) -> tuple[bytes, dict[str, int]]:
        """Insert the seal of all rows after the last seal, up to a number.

        Return its link in the chain, and the last sealed row of each dictionary that has new rows.
        """
        hashes = [chain.process_hash(row) if row[LASTED] is not None else chain.start_hash(row) for row in moved_rows]
        hashes += self._other_hashes(last)
        dictionary_hashes, sealed = self._dictionary_hashes(last)
        count, total = chain.add_hashes(hashes + dictionary_hashes)
        digest = chain.pack_digest(total)
        link = chain.next_link(self._link, last, count, digest)
        self.database.execute("INSERT INTO seal VALUES (?, ?, ?, ?, NULL, NULL)", (last, count, digest, link))
        return link, sealed

    def _other_hashes(self, last: int) -> list[int]:
        """Return the hashes of rows of SEALED_TABLES, and of ends, after the last seal and up to ``last``."""
        span = (self._moved, last)
        hashes: list[int] = []
        for table, key in SEALED_TABLES:
            query = f"SELECT * FROM {table} WHERE {key} > ? AND {key} <= ?"
            hashes += [chain.row_hash(table, row) for row in self.database.execute(query, span)]
        return hashes + list(self._end_hashes(last))

    def _end_hashes(self, last: int) -> Iterator[int]:
        """Yield the hashes of ends after the last seal and up to ``last``.

        The ends are those of sealed processes, and those of logon sessions, whose rows are sealed only at their end.
        """
        # later ends are left for the next seal
        due = [number for number, seq in self._process_ends if seq <= last]
        self._process_ends = [end for end in self._process_ends if end[1] > last]
        for first in range(0, len(due), MOVE_STEP):
            marks = ",".join(map(str, due[first : first + MOVE_STEP]))
            for row in self.database.execute(f"SELECT * FROM process WHERE id IN ({marks})"):
                yield chain.end_hash(row)
        for row in self.database.execute(
            "SELECT * FROM logon WHERE ended_seq > ? AND ended_seq <= ?", (self._moved, last)
        ):
            yield chain.row_hash("logon", row)

    def _read_unsealed_ends(self) -> None:
        """Add to ``_process_ends`` the ends that an earlier run did not seal; the event log names them."""
        query = "SELECT events FROM eventlog WHERE seq + n > ?"
        numbers = set[int]()
        for (packed,) in self.database.execute(query, (self._moved + 1,)):
            events = array("q")
            events.frombytes(packed)
            numbers.update(
                event >> 3 for event in events if event & 7 == rows.PROCESS_ENDED and event >> 3 <= self._moved
            )
        for number in numbers:
            row = self.database.execute("SELECT ended FROM process WHERE id = ?", (number,)).fetchone()
            if row is not None and row[0] is not None and row[0] > self._moved:
                self._process_ends.append((number, row[0]))

    def _dictionary_hashes(self, last: int) -> tuple[list[int], dict[str, int]]:
        """Return the hashes of the dictionary rows after the last seal, and the last such row of each dictionary."""
        hashes, sealed = [], dict[str, int]()
        for table in DICTIONARIES:
            # ids have the order of seq, which is the second column
            query = f"SELECT * FROM {table} WHERE id > ? ORDER BY id"
            new_rows = self.database.execute(query, (self._dictionary_ids[table],))
            for row in takewhile(lambda row: row[1] <= last, new_rows):
                hashes.append(chain.row_hash(table, row))
                sealed[table] = row[0]
        return hashes, sealed

    def record_audit(self, text: str, uid: int | None) -> None:
        """Store an audit line, in a transaction of the caller."""
        self.last_event += 1
        self.database.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?)", (self.last_event, time.time_ns() // 1000, uid, text)
        )

    def close(self) -> None:
        """Mark the journal as properly closed, write the write-ahead log back, and close the connection."""
        try:
            self.set_values(clean=1, through=self.last_event)
            self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            _log.warning("cannot close the history in order: %s", error)
        self.database.close()

    def check_quickly(self) -> list[str]:
        """Return the problems that SQLite's quick check finds; it takes seconds for a large journal."""
        lines = [str(line) for (line,) in self.database.execute("PRAGMA quick_check(10)")]
        return [] if lines == ["ok"] else lines


SEALED_TABLES = (
    ("change", "id"), ("command", "id"), ("moment", "seq"), ("loss", "seq"), ("audit", "seq"), ("failed_logon", "id"),
    ("user_change", "id"),
)  # fmt: skip
"""Tables whose own numbers decide which seal covers a row, and the column with the number."""

DICTIONARIES = ("program", "credential", "place")
"""Tables of shared values (dictionaries.py). The second column, ``seq``, decides which seal covers a row."""

SEAL_COLUMNS: Mapping[str, int] = {
    **{table: 0 for table, _ in SEALED_TABLES}, **dict.fromkeys(DICTIONARIES, 1), "logon": ENDED_SEQ,
}  # fmt: skip
"""Table -> position of the column whose number decides which seal covers a row."""
