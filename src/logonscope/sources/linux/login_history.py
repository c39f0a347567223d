"""Reader of past logins: lastlog(8), lastlog2(8), wtmpdb(8) and wtmp(5).

Distributions differ: Debian 13 has lastlog2 and wtmpdb, Debian 12 has lastlog and wtmp.
Login programs write these files with root's rights.
"""

import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from logonscope.facts import LoginHistory
from logonscope.machine import Look, Trouble

LASTLOG, WTMP = "var/log/lastlog", "var/log/wtmp"
LASTLOG2, WTMPDB = "var/lib/lastlog/lastlog2.db", "var/lib/wtmpdb/wtmp.db"
SECONDS = 3.0
"""Maximum seconds of a query to an SQLite database."""

MAX_BYTES = 64 << 20
"""Maximum bytes of lastlog and of wtmp that are read."""

_LASTLOG_RECORD = struct.Struct("=I32s256s")  # lastlog.h: ll_time, ll_line, ll_host
_UTMP_RECORD = struct.Struct("=h2xi32s4s32s256s4xi2i36x")  # utmp(5) where times have 32 bits
_USER_PROCESS, _DEAD_PROCESS, _LAST_TYPE = 7, 8, 9
_STEPS = 20_000
"""Steps of SQLite's virtual machine between two checks of the time."""


def read_login_history(root: str, look: Look) -> Iterator[LoginHistory]:
    """Yield the past logins of each account, one row for each database that has the account."""
    readers: tuple[tuple[str, Callable[[str], Iterable[LoginHistory]]], ...] = (
        (LASTLOG, _read_lastlog),
        (LASTLOG2, _read_lastlog2),
        (WTMPDB, _read_wtmpdb),
        (WTMP, _read_wtmp),
    )
    for path, read in readers:
        try:
            yield from read(os.path.join(root, path))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            advice = "run as root to read past logins" if isinstance(error, PermissionError) else ""
            look.report(Trouble(f"/{path}", f"{reason:.200}", advice))


def _read_lastlog(path: str) -> Iterator[LoginHistory]:
    """Yield the last login of each uid. The file is an array by uid, and mostly holes, which are not read."""
    size, read_bytes = _LASTLOG_RECORD.size, 0
    with open(path, "rb", buffering=0) as file:
        offset, end = 0, os.fstat(file.fileno()).st_size
        while offset < end and read_bytes < MAX_BYTES:
            try:
                offset = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:  # ENXIO: only a hole is left
                return
            # a block of data of the sparse file can begin in the middle of a record
            offset -= offset % size
            data = os.pread(file.fileno(), size * 256, offset)
            if len(data) < size:
                return
            for index in range(len(data) // size):
                seconds, _, _ = _LASTLOG_RECORD.unpack_from(data, index * size)
                if seconds:
                    yield LoginHistory("lastlog", uid=offset // size + index, last_login=seconds * 1_000_000)
            offset += len(data) // size * size
            read_bytes += len(data)


def _read_lastlog2(path: str) -> Iterator[LoginHistory]:
    for user, seconds in _query(path, "SELECT Name, Time FROM Lastlog2 LIMIT 1000000"):
        if isinstance(user, str) and isinstance(seconds, int) and seconds > 0:
            yield LoginHistory("lastlog2", user=user, last_login=seconds * 1_000_000)


def _read_wtmpdb(path: str) -> Iterator[LoginHistory]:
    # in wtmpdb, USER_PROCESS is 3 (wtmpdb.h), and times are microseconds
    sql = "SELECT User, MAX(Login), MAX(Logout), COUNT(*) FROM wtmp WHERE Type = 3 GROUP BY User LIMIT 1000000"
    for user, login, logout, count in _query(path, sql):
        if isinstance(user, str):
            yield LoginHistory("wtmpdb", None, user, *map(_positive, (login, logout, count)))


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _query(path: str, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query of an SQLite database, which is opened read-only.

    Raises:
        OSError: there is no such file, or it cannot be reached.
        ValueError: the query failed: the file is no such database, SQLite is missing, or the query took too long.
    """
    # raises FileNotFoundError if the file is missing: the errors of SQLite do not show this reason
    os.stat(path)
    try:
        import sqlite3  # noqa: PLC0415 -- few hosts have these databases
    except ImportError:
        raise ValueError("this Python has no module sqlite3") from None
    from urllib.request import pathname2url  # noqa: PLC0415 -- few hosts have these databases

    deadline = time.monotonic() + SECONDS
    try:
        with closing(sqlite3.connect(f"file:{pathname2url(path)}?mode=ro", uri=True, timeout=1)) as connection:
            # the query is ended when the handler returns a true value
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        raise ValueError(str(error)) from None


def _read_wtmp(path: str) -> Iterator[LoginHistory]:
    """Yield the logins of each user, with their number unless only the end of the file was read."""
    logins: dict[str, list[int]] = {}  # user -> number of logins, last login, last logout
    user_of_line: dict[bytes, str] = {}
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        # the end of the file has the newest records
        skipped = max(0, size - MAX_BYTES) // _UTMP_RECORD.size * _UTMP_RECORD.size
        file.seek(skipped)
        for ut_type, line, user, moment in _utmp_records(file.read(MAX_BYTES)):
            if ut_type == _USER_PROCESS and user:
                entry = logins.setdefault(user, [0, 0, 0])
                entry[0], entry[1] = entry[0] + 1, max(entry[1], moment)
                user_of_line[line] = user
            # a logout has no name in its record, only the line (terminal) of its login
            elif ut_type == _DEAD_PROCESS and line in user_of_line:
                entry = logins[user_of_line.pop(line)]
                entry[2] = max(entry[2], moment)
    for user, (count, login, logout) in logins.items():
        yield LoginHistory("wtmp", None, user, login or None, logout or None, None if skipped else count)


def _utmp_records(data: bytes) -> Iterator[tuple[int, bytes, str, int]]:
    """Yield type, line, user and time of the records.

    Raises:
        ValueError: the records have another layout.
    """
    for offset in range(0, len(data) - _UTMP_RECORD.size + 1, _UTMP_RECORD.size):
        ut_type, _, line, _, user, _, _, seconds, microseconds = _UTMP_RECORD.unpack_from(data, offset)
        # on machines such as aarch64, times have 64 bits and records are longer: then the values here are invalid
        if not 0 <= ut_type <= _LAST_TYPE or not 0 <= microseconds < 1_000_000:
            raise ValueError("its records have another form")
        name = user.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        yield ut_type, line, name, (seconds & 0xFFFFFFFF) * 1_000_000 + microseconds
