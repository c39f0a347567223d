"""Connections to the journal: the one that writes, and read-only ones.

Only one connection writes, deletes and checkpoints. In most versions of SQLite before 3.51.3, two such connections can
corrupt the database ("WAL-reset bug", https://sqlite.org/wal.html). A read-only connection never checkpoints.
"""

import os
import sqlite3
from contextlib import closing
from urllib.parse import quote

from logonscope.errors import RecordingError
from logonscope.journal import schema
from logonscope.journal.files import JournalFiles

WRITER_CACHE_KIB = 32_000
READER_CACHE_KIB = 16_000
WAL_LIMIT = 16_000_000
"""Bytes to which the write-ahead log is truncated once its pages have been written to the database."""

BUSY_MS = 2000
"""Maximum ms to wait for a lock of another connection."""

OLDEST_SQLITE = (3, 34, 0)
_DAMAGED = "cannot read the history"


def open_writer(files: JournalFiles) -> sqlite3.Connection:
    """Open the journal for writing; create it where there is none, and migrate an older version.

    Raises:
        RecordingError: the file is not a journal, is damaged, or has a newer version; there is no room for a
            migration; or SQLite is too old.
        AccessDeniedError: ``JournalFiles.prepare`` rejected the folder or the file.
        OSError: the folder or a file cannot be created.
        sqlite3.Error: the database cannot be opened, created or migrated.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise RecordingError(f"cannot keep history with SQLite {sqlite3.sqlite_version}: 3.34 is needed")
    files.prepare()
    database = sqlite3.connect(
        _uri(files.database, "rw"), uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
    )
    try:
        _prepare(database, files)
    except BaseException as error:
        database.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            raise damaged_error(files, error) from None
        raise
    return database


def is_damage(error: BaseException) -> bool:
    """Return whether an error says that the content of the database is damaged (SQLITE_CORRUPT, SQLITE_NOTADB)."""
    # the errors of a full disk, of a lock, and of a row that exists already are of subclasses
    return type(error) is sqlite3.DatabaseError


def damaged_error(files: JournalFiles, error: BaseException) -> RecordingError:
    """Return the error for a journal that SQLite cannot read."""
    return RecordingError(f"{_DAMAGED} in {files.folder}: {error}", "the service sets it aside and begins a new one")


def is_damaged_error(error: RecordingError) -> bool:
    """Return whether an error comes from ``damaged_error``."""
    return error.message.startswith(_DAMAGED)


def _prepare(database: sqlite3.Connection, files: JournalFiles) -> None:
    version = _check_version(database, files)
    if version == 0:
        schema.create_tables(database)
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", f"cache_size=-{WRITER_CACHE_KIB}", "mmap_size=0",
        f"journal_size_limit={WAL_LIMIT}", "wal_autocheckpoint=1000", "temp_store=MEMORY", "secure_delete=FAST",
    ):  # fmt: skip
        database.execute(f"PRAGMA {pragma}")
    if 0 < version < schema.VERSION:
        files.check_room_for_copy()
        _copy(database, f"{files.database}.version{version}")
        schema.migrate(database, version)


def _check_version(database: sqlite3.Connection, files: JournalFiles) -> int:
    """Return the version of the schema; 0: the database is empty."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return 0
    if application != schema.APPLICATION_ID:
        raise RecordingError(f"cannot read {files.database}: it is not a history journal", "give another directory")
    _check_not_newer(version, files)
    return int(version)


def _check_not_newer(version: int, files: JournalFiles) -> None:
    if version > schema.VERSION:
        raise RecordingError(
            f"cannot read {files.database}: it is of a newer version ({version}; this one reads {schema.VERSION})",
            "install a newer Logonscope",
        )


def _copy(database: sqlite3.Connection, path: str) -> None:
    """Copy the database by SQLite's backup.

    A copy of the file's bytes would lack the write-ahead log, and closing the file would drop SQLite's locks (see
    ``files``).
    """
    os.close(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    with closing(sqlite3.connect(path)) as target, target:
        database.backup(target)


def open_reader(files: JournalFiles) -> sqlite3.Connection:
    """Open the journal read-only.

    Raises:
        RecordingError: the journal is of a newer version.
        sqlite3.Error: the journal cannot be opened.
    """
    database = sqlite3.connect(
        _uri(files.database, "ro"), uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
    )
    try:
        for pragma in ("query_only=ON", f"cache_size=-{READER_CACHE_KIB}", "mmap_size=0", "temp_store=MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        _check_not_newer(version, files)
    except BaseException:
        database.close()
        raise
    return database


def _uri(path: str, mode: str) -> str:
    return f"file:{quote(os.path.abspath(path))}?mode={mode}"
