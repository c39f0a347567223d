"""Schema of the journal: its tables, its version, and the migrations from older versions.

The SQL must run on SQLite 3.34 and newer: no STRICT, no RETURNING, no ``->>``, no DROP COLUMN. The
comments describe the tables.
"""

import sqlite3
from collections.abc import Mapping

APPLICATION_ID = 0x4C4F4753
"""``PRAGMA application_id`` of a journal: "LOGS"."""

VERSION = 5
"""``PRAGMA user_version``: the version of the schema."""

_ROW = """
  id INTEGER PRIMARY KEY, place INT NOT NULL, pid INT NOT NULL, ticks INT NOT NULL, parent INT, program INT,
  credential INT, command INT, changes INT, class INT, lasted INT, status INT, source INT, ended INT"""
"""Columns of a process. id: the number of its start; ids have the order of starts, except those of FOUND processes.

ticks: start in clock ticks since the boot. parent: the parent's row. place, program, credential, command: the state
after its start, or after its first exec if the start and the exec were in one batch and one logon session. changes: 1
if there are rows in ``change``. class: floor(log4(seconds)) of an ended process that lasted 1 s or more. lasted: ms;
NULL: it runs. status: the status of wait(2). source: bits, see FOUND. ended: the number of the end, only if the row had
been moved to ``process`` before the end.
"""

ZONES = "CREATE TABLE process_zone (pids INT, zone INT, PRIMARY KEY(pids, zone)) WITHOUT ROWID"
"""For each block of 128 neighbouring pids, the zones (blocks of 256 neighbouring ids of rows) with a process of these
pids.

The kernel gives pids in ascending order, so a zone has pids of few blocks. An index of pids would write the entry of
each row to another page: these pages would be two thirds of all that is written."""

FOUND_INDEX = "CREATE INDEX process_found ON process(id) WHERE source & 1"
"""Processes that were found running: their ids are greater than the order of starts would give."""

LISTED_INDEX = "CREATE INDEX change_listed ON change(process) WHERE listed IS NOT NULL"

FAILED_LOGONS = (
    # ms: since the boot; logon: the logon session of the program that rejected the attempt, NULL: not known
    """CREATE TABLE failed_logon (id INTEGER PRIMARY KEY, ms INT NOT NULL, logon INT, service TEXT NOT NULL, pid INT,
       user TEXT, is_known_user INT, address TEXT, port INT, remote_host TEXT, method TEXT, tty TEXT, by_user TEXT,
       command TEXT, reason TEXT, attempts INT NOT NULL, source TEXT)""",
    "CREATE INDEX failed_logon_user ON failed_logon(user COLLATE NOCASE, id)",
)
USER_CHANGES = (
    # process, place: the rows of the process and of its place, NULL: not known
    """CREATE TABLE user_change (id INTEGER PRIMARY KEY, ms INT NOT NULL, process INT, place INT, pid INT NOT NULL,
       from_uid INT, from_user TEXT, to_uid INT NOT NULL, to_user TEXT, is_complete INT NOT NULL, program TEXT,
       through TEXT, command TEXT, source TEXT)""",
    "CREATE INDEX user_change_process ON user_change(process)",
    "CREATE INDEX user_change_place ON user_change(place)",
)

_EVENT_CODES = ", epoch INT, first INT, last INT, codes BLOB"

TABLES = (
    "CREATE TABLE journal (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # one row for each start of the service, committed before the first event of the run
    """CREATE TABLE run (epoch INTEGER PRIMARY KEY, first_seq INT NOT NULL, boot INT NOT NULL, wall INT NOT NULL,
       version TEXT)""",
    # machine: the facts of the machine as JSON; seen_until: the last time at which the service saw it
    # run, in ms since the boot
    """CREATE TABLE boot (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, first_seq INT NOT NULL, seen_until INT,
       ticks INT NOT NULL, machine TEXT NOT NULL)""",
    # the clock map: ms since the boot, and wall time in microseconds since the epoch; stepped: by how many microseconds
    # the wall clock was set before this row; 0: the first row of a run; NULL: the clock was not set
    """CREATE TABLE moment (seq INTEGER PRIMARY KEY, boot INT NOT NULL, ms INT NOT NULL, wall INT NOT NULL,
       utc_offset INT, stepped INT)""",
    "CREATE INDEX moment_wall ON moment(wall)",
    "CREATE INDEX moment_ms ON moment(boot, ms)",
    "CREATE INDEX moment_step ON moment(seq) WHERE stepped IS NOT NULL",
    "CREATE TABLE program (id INTEGER PRIMARY KEY, seq INT NOT NULL, exe BLOB, comm BLOB, name BLOB)",
    "CREATE INDEX program_name ON program(name)",
    "CREATE INDEX program_exe ON program(exe)",
    # user: the account name of the effective uid
    "CREATE TABLE credential (id INTEGER PRIMARY KEY, seq INT NOT NULL, uids TEXT, gids TEXT, user TEXT)",
    # id: of the same sequence as the numbers of processes and changes. A row uses only a command line whose id is close
    # to its own number (COMMAND_SPAN in dictionaries.py).
    "CREATE TABLE command (id INTEGER PRIMARY KEY, argv BLOB NOT NULL)",
    # the facts that decide the owner of a process, the owner (logon, NULL: not known), and further facts of the process
    """CREATE TABLE place (id INTEGER PRIMARY KEY, seq INT NOT NULL, logon INT, evidence TEXT, ses INT, loginuid INT,
       cgroup BLOB, tty_nr INT, pid_namespaces INT, host_root INT)""",
    "CREATE INDEX place_logon ON place(logon)",
    # one row for each boot, LogonId and generation; started, logged_out, ended: ms since the boot; wall: the start in
    # the login record; ended_seq: the number of the end; seq, logged_out_seq: the next number of the journal when the
    # row was added, and when the logout was stored; record: the login record as JSON
    """CREATE TABLE logon (id INTEGER PRIMARY KEY, seq INT NOT NULL, boot INT NOT NULL, logonid INT NOT NULL,
       generation INT NOT NULL DEFAULT 0, started INT, logged_out INT, logged_out_seq INT, ended INT, ended_seq INT,
       login_uid INT, user TEXT, type INT, service TEXT, tty TEXT, seat TEXT, remote_host TEXT, remote_address TEXT,
       remote_port INT, method TEXT, key_type TEXT, key TEXT, record TEXT, wall INT, source INT)""",
    "CREATE UNIQUE INDEX logon_identity ON logon(boot, logonid, generation)",
    "CREATE INDEX logon_uid ON logon(login_uid, id)",
    "CREATE INDEX logon_user ON logon(user, id)",
    "CREATE INDEX logon_key ON logon(key, id) WHERE key IS NOT NULL",
    "CREATE INDEX logon_ended ON logon(ended_seq) WHERE ended_seq IS NOT NULL",
    "CREATE INDEX logon_open ON logon(boot) WHERE ended IS NULL",
    f"CREATE TABLE process ({_ROW})",
    "CREATE INDEX process_place ON process(place)",
    ZONES,
    "CREATE INDEX process_program ON process(program)",
    "CREATE INDEX process_lasting ON process(class, id, lasted) WHERE class IS NOT NULL",
    "CREATE INDEX process_alive ON process(id) WHERE lasted IS NULL",
    FOUND_INDEX,
    # the newest processes, without indexes; the rows are moved to ``process`` in short steps
    f"CREATE TABLE recent ({_ROW})",
    # the state of a process after a change; listed: 1: lists of processes show this state instead of the state
    # in the row of the process; of several such changes, the last one (see listed_states.py)
    """CREATE TABLE change (id INTEGER PRIMARY KEY, process INT NOT NULL, ms INT NOT NULL, place INT, program INT,
       credential INT, command INT, listed TEXT)""",
    "CREATE INDEX change_process ON change(process)",
    "CREATE INDEX change_place ON change(place)",
    LISTED_INDEX,
    *FAILED_LOGONS,
    *USER_CHANGES,
    "CREATE TABLE loss (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL, n INT, ms_from INT, ms_to INT, wall INT)",
    # one row for each commit; events: for each of the n numbers from seq on, the kind of event and the row that the
    # event is about; codes: the codes of the events after the position ``first`` up to the position ``last``, for
    # readers that resume (see event_codes.py); NULL: no codes
    "CREATE TABLE eventlog (seq INTEGER PRIMARY KEY, n INT NOT NULL, events BLOB NOT NULL" + _EVENT_CODES + ")",
    # the hash chain. A seal covers the rows up to seq that no earlier seal covers. n: their number; digest: the sum of
    # their hashes; removed, removed_digest: number and sum of hashes of those that were deleted since
    """CREATE TABLE seal (seq INTEGER PRIMARY KEY, n INT NOT NULL, digest BLOB NOT NULL, chain BLOB NOT NULL,
       removed INT, removed_digest BLOB)""",
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY, wall INT NOT NULL, uid INT, text TEXT NOT NULL)",
    "CREATE VIEW every AS SELECT * FROM process UNION ALL SELECT * FROM recent",
)

MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: (
        FOUND_INDEX, ZONES, "INSERT INTO process_zone SELECT DISTINCT pid >> 7, id >> 8 FROM process",
        "DROP INDEX process_pid",
    ),
    2: (*FAILED_LOGONS, *USER_CHANGES),
    3: tuple(
        f"ALTER TABLE eventlog ADD COLUMN {column}" for column in ("epoch INT", "first INT", "last INT", "codes BLOB")
    ),
    # the column sudo was not in use any more; an additional column would change the hashes of sealed rows
    4: ("ALTER TABLE change RENAME COLUMN sudo TO listed", LISTED_INDEX),
}  # fmt: skip
"""Version -> the statements that change the schema to the next version.

Each statement is executed separately: executescript would commit the transaction first.
"""

FOUND, SWEPT, BOOT_ENDED = 1, 2, 4
"""Bits of ``source``: how the start and the end in a row are known; NULL: both were seen as events.

FOUND: the start was not seen, because the journal got no events at that time. SWEPT: the end was not seen: the process
or logon session had ended when it was looked for, and the end in the row is the latest possible time. A process that
the policy excludes after its start has SWEPT, too. BOOT_ENDED: the machine stopped, and the end in the row is the last
time at which the service saw the machine run.
"""


def create_tables(database: sqlite3.Connection) -> None:
    """Create the tables of an empty database, in one transaction."""
    # auto_vacuum has an effect only before the first table
    database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        database.execute(statement)
    database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    database.execute(f"PRAGMA user_version={VERSION}")
    database.execute("COMMIT")


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Run the migrations from a version to the newest one, in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    for number in range(version, VERSION):
        for statement in MIGRATIONS[number]:
            database.execute(statement)
    database.execute(f"PRAGMA user_version={VERSION}")
    database.execute("COMMIT")
