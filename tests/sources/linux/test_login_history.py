"""Tests of sources/linux/login_history.py: past logins from every database, written by other programs."""

import sqlite3
import struct
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logonscope.facts import LoginHistory
from logonscope.machine import Look
from logonscope.sources.linux.login_history import read_login_history


def utmp(kind: int, user: str, seconds: int, line: str = "pts/0") -> bytes:
    """Return a record as glibc's struct utmp lays it out on x86: each field at its offset in utmp.h."""
    record = bytearray(384)
    struct.pack_into("<h", record, 0, kind)
    record[8 : 8 + len(line)] = line.encode()
    record[44 : 44 + len(user)] = user.encode()
    struct.pack_into("<ii", record, 340, seconds, 5)
    return bytes(record)


def write(root: Path, path: str, data: bytes = b"") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def read(root: Path) -> list[LoginHistory]:
    return sorted(read_login_history(str(root), Look()))


def test_no_database_is_no_history_and_no_trouble(tmp_path: Path) -> None:
    look = Look()
    assert list(read_login_history(str(tmp_path), look)) == []
    assert look.troubles == []


def test_lastlog_is_read_by_uid_across_its_holes(tmp_path: Path) -> None:
    file = write(tmp_path, "var/log/lastlog")
    with file.open("r+b") as lastlog:
        for uid, seconds in ((0, 1000), (1000, 2000), (2_000_000_000, 3000)):
            lastlog.seek(292 * uid)
            lastlog.write(struct.pack("<I", seconds) + b"pts/0".ljust(288, b"\0"))
    assert read(tmp_path) == [
        LoginHistory("lastlog", uid, None, seconds * 1_000_000)
        for uid, seconds in ((0, 1000), (1000, 2000), (2_000_000_000, 3000))
    ]


def test_wtmp_counts_logins_and_knows_the_logout_by_the_line(tmp_path: Path) -> None:
    records = (
        utmp(2, "reboot", 1), utmp(7, "alice", 100), utmp(7, "bob", 150, "pts/1"), utmp(8, "", 200),
        utmp(7, "alice", 300, "pts/2"), utmp(8, "", 400, "pts/9"),
    )  # fmt: skip
    write(tmp_path, "var/log/wtmp", b"".join(records))
    assert read(tmp_path) == [
        LoginHistory("wtmp", None, "alice", 300_000_005, 200_000_005, 2),
        LoginHistory("wtmp", None, "bob", 150_000_005, None, 1),
    ]


def test_lastlog2_and_wtmpdb(tmp_path: Path) -> None:
    (tmp_path / "var/lib/lastlog").mkdir(parents=True)
    (tmp_path / "var/lib/wtmpdb").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "var/lib/lastlog/lastlog2.db") as lastlog2:
        lastlog2.execute(
            "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT)"
        )
        lastlog2.execute(
            "INSERT INTO Lastlog2 VALUES('alice', 1000, 'pts/0', '192.0.2.1', 'sshd'), ('bob', 0, '', '', '')"
        )
    with sqlite3.connect(tmp_path / "var/lib/wtmpdb/wtmp.db") as wtmpdb:
        wtmpdb.execute(
            "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, Logout INTEGER,"
            " TTY TEXT, RemoteHost TEXT, Service TEXT)"
        )
        rows = [(1, "reboot", 1, 2), (3, "alice", 10, 20), (3, "alice", 30, None)]
        wtmpdb.executemany("INSERT INTO wtmp(Type, User, Login, Logout) VALUES(?, ?, ?, ?)", rows)
    lastlog2.close()
    wtmpdb.close()
    assert read(tmp_path) == [
        LoginHistory("lastlog2", None, "alice", 1_000_000_000),
        LoginHistory("wtmpdb", None, "alice", 30, 20, 2),
    ]


def test_a_damaged_database_is_a_trouble_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/wtmpdb/wtmp.db", b"no database" * 100)
    write(tmp_path, "var/log/wtmp", b"\xff" * 384)
    write(tmp_path, "var/log/lastlog", struct.pack("<I", 7).ljust(292, b"\0"))
    look = Look()
    assert [row.source for row in read_login_history(str(tmp_path), look)] == ["lastlog"]
    assert {trouble.subject for trouble in look.troubles} == {"/var/lib/wtmpdb/wtmp.db", "/var/log/wtmp"}
    assert {trouble.advice for trouble in look.troubles} == {""}


@given(st.binary(max_size=2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_logins_or_a_trouble(tmp_path: Path, data: bytes) -> None:
    for path in ("var/log/wtmp", "var/log/lastlog", "var/lib/lastlog/lastlog2.db"):
        write(tmp_path, path, data)
    for row in read_login_history(str(tmp_path), Look()):
        assert row.last_login is None or row.last_login > 0
