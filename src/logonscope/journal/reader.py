"""Reader: the rows of the journal on a read-only connection, as facts of processes and logins.

No read transaction stays open between two calls: as long as one is open, the write-ahead log grows.
"""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.facts import Login, Process
from logonscope.journal.database import open_reader
from logonscope.journal.files import JournalFiles
from logonscope.journal.listed_states import LISTED_AS_CHANGED
from logonscope.journal.logon_rows import COLUMNS, decode_login
from logonscope.journal.moments import FINE_SPAN, Moments
from logonscope.journal.rows import (
    CHANGES,
    COMMAND,
    CREDENTIAL,
    ID,
    LASTED,
    PARENT,
    PID,
    PID_SHIFT,
    PLACE,
    PROGRAM,
    TICKS,
    ZONE_SHIFT,
)

CHUNK = 500
"""Maximum number of values in one statement."""

MAX_INTEGER = (1 << 63) - 1

SLACK_MS = 1000
"""Rows are in the order in which they arrived. It differs from the order of starts by less than so many ms."""

CLASSES = 14
"""Number of duration classes; the longest one ends at 4^14 s, or 8 years."""

MAX_COMMANDS = 20_000
"""Number of kept command lines beyond which a reader drops all of them before it reads more."""

_LASTING = "SELECT * FROM process INDEXED BY process_lasting WHERE"
_SHORT = "SELECT * FROM process NOT INDEXED WHERE class IS NULL AND lasted IS NOT NULL"
_RUNNING = "AND id >= ? AND id < ? AND ticks * ? <= ? AND ticks * ? + lasted > ?"
"""Condition of the rows of processes that ran at ``ms``: parameters low, high, tick_ms, ms, tick_ms, ms."""

MAX_PIDS = 50
"""If a query has more pids, all processes that ran at the moment are read."""

# A zone is a block of 256 row numbers; process_zone names the zones that have a pid of a block of 128 pids. The plus
# makes SQLite limit p.id by the zone alone: without it, SQLite would read, for each zone, all rows from ``low`` to
# ``high``.
_OF_PID = (
    f"SELECT p.id FROM process_zone z CROSS JOIN process p NOT INDEXED"
    f" ON p.id >= z.zone << {ZONE_SHIFT} AND p.id < (z.zone + 1) << {ZONE_SHIFT}"
    f" WHERE z.pids = ? AND z.zone >= ? AND z.zone <= ? AND p.pid = ? AND +p.id > ? AND +p.id < ?"
)


def _zone_parameters(pid: int, low: int, high: int) -> tuple[int, ...]:
    return pid >> PID_SHIFT, low >> ZONE_SHIFT, high >> ZONE_SHIFT, pid, low, high


class Place(NamedTuple):
    """A row of ``place``: the facts that decide the owner, the owner, and further facts that the processes share."""

    logon: int | None
    evidence: str
    ses: int | None
    loginuid: int | None
    cgroup: str | None
    tty_nr: int | None
    pid_namespaces: int | None
    host_root: bool | None


class Program(NamedTuple):
    """A row of ``program``."""

    exe: str | None
    comm: str | None
    name: str | None


class Credential(NamedTuple):
    """A row of ``credential``."""

    uids: Any
    gids: Any
    user: str | None


UNKNOWN_PLACE = Place(None, "unread", None, None, None, None, None, None)
UNKNOWN_PROGRAM = Program(None, None, None)
UNKNOWN_CREDENTIAL = Credential(None, None, None)


class Boot(NamedTuple):
    """A row of ``boot``."""

    id: int
    uuid: str
    first_seq: int
    seen_until: int | None
    ticks: int
    machine: str


class Reader:
    """One read-only connection, with the places, programs, credentials and command lines that it has read."""

    def __init__(self, files: JournalFiles) -> None:
        self.database = open_reader(files)
        # closed at the latest with the last reference to this object
        weakref.finalize(self, self.database.close)
        self._places: dict[int, Place] = {}
        self._programs: dict[int, Program] = {}
        self._credentials: dict[int, Credential] = {}
        self._commands: dict[int, bytes] = {}
        self._boots: dict[int, Boot] = {}

    def __repr__(self) -> str:
        return "<Reader of a journal>"

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query: the statement is finished, so that no transaction stays open."""
        try:
            return self.database.execute(query, parameters).fetchall()
        except OverflowError:
            # integers of SQLite have 64 bits, and a caller can name any pid; no row has the greatest integer
            fitting = [min(value, MAX_INTEGER) if isinstance(value, int) else value for value in parameters]
            return self.database.execute(query, fitting).fetchall()

    def value(self, key: str) -> Any:
        """Return the value of a key in the table ``journal``; None: the table has no such key."""
        row = self.database.execute("SELECT value FROM journal WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def moments(self) -> Moments:
        """Return the clock map as it is now."""
        return Moments(self.database)

    def boot(self, number: int) -> Boot:
        """Return the boot with a number."""
        if number not in self._boots:
            self._boots[number] = Boot(*self.rows("SELECT * FROM boot WHERE id = ?", (number,))[0])
        return self._boots[number]

    def boots(self) -> list[Boot]:
        """Return all boots, the oldest first."""
        return [Boot(*row) for row in self.rows("SELECT * FROM boot ORDER BY id")]

    def load_dictionaries(self, process_rows: Iterable[Sequence[Any]]) -> None:
        """Read the places, programs and credentials of process rows, except those that were read before."""
        process_rows = list(process_rows)
        self.load_programs(row[PROGRAM] for row in process_rows)
        self.load_places(row[PLACE] for row in process_rows)
        credentials = {row[CREDENTIAL] for row in process_rows}.difference(self._credentials, (None,))
        for row in self.by_numbers("SELECT * FROM credential WHERE id IN ({})", sorted(credentials)):
            self._credentials[row[0]] = _make_credential(row)

    def load_programs(self, numbers: Iterable[int | None]) -> None:
        """Read programs that were not read yet."""
        missing = {number for number in numbers if number is not None} - self._programs.keys()
        for row in self.by_numbers("SELECT * FROM program WHERE id IN ({})", sorted(missing)):
            self._programs[row[0]] = _make_program(row)

    def load_places(self, numbers: Iterable[int | None]) -> None:
        """Read places that were not read yet."""
        missing = {number for number in numbers if number is not None} - self._places.keys()
        for row in self.by_numbers("SELECT * FROM place WHERE id IN ({})", sorted(missing)):
            self._places[row[0]] = _make_place(row)

    def places_of(self, logons: Sequence[int]) -> list[int]:
        """Return the numbers of the places of logon sessions."""
        return [row[0] for row in self.by_numbers("SELECT id FROM place WHERE logon IN ({})", logons)]

    def programs_named(self, names: frozenset[str] | None, prefix: str | None) -> list[int]:
        """Return the numbers of the programs with one of these names, and with a name that has this prefix.

        The columns ``name`` and ``comm`` are compared, ignoring case. If the compared part of a name has characters
        outside ASCII, every prefix matches: see ``ColumnRange.prefix``.

        Args:
            names: the allowed names; None: any.
            prefix: the beginning of a name; None: any.
        """
        lower_names = None if names is None else {name.lower() for name in names}
        lower_prefix = None if prefix is None else prefix.lower()
        numbers = []
        for number, *texts in self.rows("SELECT id, name, comm FROM program"):
            words = {decode_text(text).lower() for text in texts if text is not None}  # type: ignore[union-attr]  # not None
            if lower_names is not None and not words & lower_names:
                continue
            if lower_prefix is not None and not any(_may_begin_with(lower_prefix, word) for word in words):
                continue
            numbers.append(number)
        return numbers

    def credentials_of(self, users: frozenset[str]) -> list[int]:
        """Return the numbers of the credentials with one of these account names, ignoring case."""
        names = {user.lower() for user in users}
        query = "SELECT id, user FROM credential WHERE user IS NOT NULL"
        return [number for number, user in self.rows(query) if user.lower() in names]

    def load_commands(self, numbers: Iterable[int | None]) -> None:
        """Read command lines that were not read yet."""
        # command lines are large, and few are requested twice
        if len(self._commands) > MAX_COMMANDS:
            self._commands.clear()
        missing = {number for number in numbers if number is not None} - self._commands.keys()
        self._commands.update(self.by_numbers("SELECT id, argv FROM command WHERE id IN ({})", sorted(missing)))

    def by_numbers(self, query: str, numbers: Sequence[int]) -> Iterator[Any]:
        """Yield the rows of a query whose text has ``{}``, or several times ``{0}``, in place of a list of numbers."""
        for first in range(0, len(numbers), CHUNK):
            chunk = numbers[first : first + CHUNK]
            marks = ",".join(f"?{position}" for position in range(1, len(chunk) + 1))
            yield from self.rows(query.format(marks), chunk)

    def place(self, number: int | None) -> Place:
        """Return a place that was loaded."""
        return self._places.get(number or 0, UNKNOWN_PLACE)

    def program(self, number: int | None) -> Program:
        """Return a program that was loaded."""
        return self._programs.get(number or 0, UNKNOWN_PROGRAM)

    def credential(self, number: int | None) -> Credential:
        """Return a credential that was loaded."""
        return self._credentials.get(number or 0, UNKNOWN_CREDENTIAL)

    def command(self, number: int | None) -> bytes | None:
        """Return a command line that was loaded."""
        return self._commands.get(number or 0)

    def logons(self, where: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of logon sessions that meet an SQL condition, each as a dict by column name."""
        query = f"SELECT * FROM logon WHERE {where}"
        return [dict(zip(COLUMNS, row, strict=True)) for row in self.rows(query, parameters)]

    def logons_at(self, boot: int, ms: int) -> list[Login]:
        """Return the login records at a moment, as they were then."""
        where = "boot = ? AND started <= ? AND (ended IS NULL OR ended > ?) AND record IS NOT NULL"
        return [login_at(row, ms) for row in self.logons(where, (boot, ms, ms))]

    def rows_at(self, boot: int, ms: int, pids: frozenset[int] | None = None) -> list[list[Any]]:
        """Return the rows of the processes that ran at a moment, in their state then."""
        running = self.started_rows_at(self.boot(boot), ms, pids)
        self._apply_changes(running, ms)
        return running

    def started_rows_at(self, boot: Boot, ms: int, pids: frozenset[int] | None = None) -> list[list[Any]]:
        """Return the rows of the processes that ran at a moment, in their state after the start."""
        tick_ms = 1000 // boot.ticks
        return [
            list(row)
            for row in self._candidates(boot, ms, pids)
            if (pids is None or row[PID] in pids)
            and (start := row[TICKS] * tick_ms) <= ms
            and (row[LASTED] is None or start + row[LASTED] > ms)
        ]

    def candidate_rows_at(self, boot: int, ms: int) -> list[Any]:
        """Return the rows of the processes that ran at a moment, and perhaps of others, in the state of their start."""
        return [] if ms <= 0 else self._candidates(self.boot(boot), ms, None)

    def later_rows(self, condition: str) -> list[Any]:
        """Return the processes that lists show in a state after a change: their rows, in that later state.

        All other processes are listed in the state of their start. ``condition`` is SQL with the columns of a row.
        """
        return self.rows(f"SELECT * FROM {LISTED_AS_CHANGED} WHERE {condition}")

    def listed(self, process_rows: Iterable[Sequence[Any]]) -> list[Any]:
        """Return the rows of these processes, each in the state in which lists show the process."""
        process_rows = list(process_rows)
        changed = [row[ID] for row in process_rows if row[CHANGES]]
        later: dict[int, Any] = {}
        for first in range(0, len(changed), CHUNK):
            numbers = ",".join(map(str, changed[first : first + CHUNK]))
            later |= {row[ID]: row for row in self.later_rows(f"id IN ({numbers})")}
        return [later.get(row[ID], row) for row in process_rows]

    def _candidates(self, boot: Boot, ms: int, pids: frozenset[int] | None) -> list[Any]:
        """Return the rows of the processes that ran at a moment, and perhaps of others."""
        moments = self.moments()
        high = moments.first_row_after(boot.id, ms + SLACK_MS)
        tick_ms = 1000 // boot.ticks
        if pids is not None and len(pids) <= MAX_PIDS:
            last_ticks = ms // tick_ms
            newest = (self._newest_of_pid(pid, boot.first_seq, high, last_ticks) for pid in sorted(pids))
            return [row for row in newest if row is not None]
        rows = self.rows("SELECT * FROM recent WHERE id < ? AND id >= ?", (high, boot.first_seq))
        alive = "SELECT * FROM process INDEXED BY process_alive WHERE lasted IS NULL AND id >= ? AND id < ?"
        rows += self.rows(alive, (boot.first_seq, high))
        # SQLite itself tests whether a process ran then, so that the rows of other processes are not even fetched
        running = (tick_ms, ms, tick_ms, ms)
        # a process of this class lasted less than 4^(length_class + 1) s: if it ran then, its row is not before ``low``
        for length_class in range(CLASSES):
            low = self._first_row_since(moments, boot, ms - 1000 * 4 ** (length_class + 1) - SLACK_MS, high)
            rows += self.rows(f"{_LASTING} class = ? {_RUNNING}", (length_class, low, high, *running))
            if low <= boot.first_seq:
                # ``low`` is at the boot already, so one query reads all longer classes
                rows += self.rows(f"{_LASTING} class > ? {_RUNNING}", (length_class, low, high, *running))
                break
        # processes that lasted less than 1 s have no class: those that ran then had started less than 1 s before
        low = self._first_row_since(moments, boot, ms - 2 * SLACK_MS, high)
        # the short processes of all later rows started after the moment
        high = min(high, moments.narrow(low, high, (ms + SLACK_MS) * boot.ticks // 1000) + 2 * FINE_SPAN)
        return rows + self.rows(f"{_SHORT} {_RUNNING}", (low, high, *running))

    def numbers_of_pid(self, pid: int, low: int, high: int) -> list[int]:
        """Return the numbers of the rows of a pid that are greater than ``low`` and less than ``high``."""
        # ``recent`` is read first: a row that the writer moves to ``process`` meanwhile is found twice, and not missed
        rows = self.rows("SELECT id FROM recent WHERE pid = ? AND id > ? AND id < ?", (pid, low, high))
        rows += self.rows(_OF_PID, _zone_parameters(pid, low, high))
        return [row[0] for row in rows]

    def _newest_of_pid(self, pid: int, low: int, high: int, last_ticks: int) -> Any:
        """Return the row of the last process with a pid that started up to ``last_ticks``; None: there is none.

        Earlier processes with this pid had ended when it started.
        """
        query = "SELECT * FROM recent WHERE pid = ? AND id >= ? AND id < ? AND ticks <= ? ORDER BY id DESC LIMIT 1"
        rows = self.rows(query, (pid, low, high, last_ticks))
        if rows:
            return rows[0]
        # from the newest zone on: the first row that is found is the last process
        zones = "SELECT zone FROM process_zone WHERE pids = ? AND zone >= ? AND zone <= ? ORDER BY zone DESC"
        query = "SELECT * FROM process NOT INDEXED WHERE id >= ? AND id < ? AND pid = ? AND ticks <= ? ORDER BY id DESC"
        for (zone,) in self.rows(zones, (pid >> PID_SHIFT, low >> ZONE_SHIFT, high >> ZONE_SHIFT)):
            first, last = max(low, zone << ZONE_SHIFT), min(high, (zone + 1) << ZONE_SHIFT)
            rows = self.rows(query, (first, last, pid, last_ticks))
            if rows:
                return rows[0]
        return None

    def _first_row_since(self, moments: Moments, boot: Boot, ms: int, high: int) -> int:
        """Return a row number: all processes whose rows have smaller numbers started before a time."""
        if ms <= 0:
            return boot.first_seq
        low = moments.first_row_at(boot.id, ms)
        highest = moments.first_row_after(boot.id, ms)
        return max(boot.first_seq, moments.narrow(low, min(high, highest), ms * boot.ticks // 1000))

    def _apply_changes(self, process_rows: list[list[Any]], ms: int) -> None:
        """Put rows into the state that their processes had at a moment: the state after the last change until then."""
        changed = {row[ID]: row for row in process_rows if row[CHANGES]}
        query = "SELECT process, ms, place, program, credential, command FROM change WHERE process IN ({}) ORDER BY id"
        for number, changed_at, *state in self.by_numbers(query, sorted(changed)):
            # in the order of the changes: the last one before the moment wins
            if changed_at <= ms:
                row = changed[number]
                row[PLACE], row[PROGRAM], row[CREDENTIAL], row[COMMAND] = state

    def parents(self, process_rows: Sequence[Sequence[Any]]) -> dict[int, tuple[int, int]]:
        """Return pid and start of these processes and of their parents, by the number of their row."""
        pids_and_starts = {row[ID]: (row[PID], row[TICKS]) for row in process_rows}
        missing = {row[PARENT] for row in process_rows}.difference(pids_and_starts, (None,))
        # ``every`` is the view of the tables ``process`` and ``recent``
        query = "SELECT id, pid, ticks FROM every WHERE id IN ({})"
        for number, pid, ticks in self.by_numbers(query, sorted(missing)):
            pids_and_starts[number] = pid, ticks
        return pids_and_starts


def login_at(row: dict[str, Any], ms: int) -> Login:
    """Return the login record of a logon session as it was at a moment."""
    login = decode_login(row["record"])
    # after a logout logind lists the login as closing while processes are left; ``gone`` alone decides that the logon
    # session is logged out
    if row["logged_out"] is not None and row["logged_out"] <= ms:
        return login._replace(gone=True, process=None, state="closing")
    return login._replace(gone=False) if login.process is not None else login


def make_process(reader: Reader, row: Sequence[Any], ppid: int | None) -> Process:
    """Return the facts of a process row; its place, program, credential and command line were loaded before."""
    place, program, credential = (
        reader.place(row[PLACE]),
        reader.program(row[PROGRAM]),
        reader.credential(row[CREDENTIAL]),
    )
    return Process(
        row[PID], ses=place.ses, loginuid=place.loginuid, cgroup=place.cgroup, comm=program.comm, ppid=ppid,
        tty_nr=place.tty_nr, start=row[TICKS], tgid=row[PID], uids=credential.uids, gids=credential.gids,
        pid_namespaces=place.pid_namespaces, cmdline=reader.command(row[COMMAND]), exe=program.exe,
        host_root=place.host_root, name=program.name,
    )  # fmt: skip


def _make_place(row: Sequence[Any]) -> Place:
    _, _, logon, evidence, ses, loginuid, cgroup, tty_nr, pid_namespaces, host_root = row
    return Place(
        logon, evidence, ses, loginuid, decode_text(cgroup), tty_nr, pid_namespaces,
        None if host_root is None else bool(host_root),
    )  # fmt: skip


def _make_program(row: Sequence[Any]) -> Program:
    return Program(*map(decode_text, row[2:]))


def _make_credential(row: Sequence[Any]) -> Credential:
    return Credential(_split_ids(row[2]), _split_ids(row[3]), row[4])


def _split_ids(text: str | None) -> tuple[int | None, ...] | None:
    return None if text is None else tuple(int(word) if word else None for word in text.split(","))


def decode_text(text: bytes | None) -> str | None:
    """Return a text that is stored as bytes."""
    return None if text is None else text.decode("utf-8", "surrogateescape")


def _may_begin_with(prefix: str, word: str) -> bool:
    return word.startswith(prefix) or not word[: len(prefix)].isascii()
