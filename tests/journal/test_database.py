"""Connections: one that writes, and ones that cannot."""

import sqlite3
from pathlib import Path

import pytest

from logonscope.errors import RecordingError
from logonscope.journal.database import open_reader, open_writer
from logonscope.journal.files import JournalFiles


def test_pragmas_of_the_writer(tmp_path: Path) -> None:
    database = open_writer(JournalFiles(str(tmp_path / "history")))
    values = {
        name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "mmap_size")
    }
    assert values == {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0}
    assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    database.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    files = JournalFiles(str(tmp_path / "history"))
    writer, reader = open_writer(files), open_reader(files)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM process")
    reader.close()
    writer.close()


def test_a_reader_refuses_a_newer_version(tmp_path: Path) -> None:
    files = JournalFiles(str(tmp_path / "history"))
    writer = open_writer(files)
    writer.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordingError, match=r"newer version \(99"):
        open_reader(files)
    writer.close()
