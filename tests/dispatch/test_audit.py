"""Tests of dispatch/audit.py: each event is recorded in one line, whatever text clients send."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logonscope.broker import Caller
from logonscope.dispatch.audit import BEGUN, MAX_TEXT_LENGTH, Audit, LogFile
from logonscope.errors import AccessDeniedError, InternalError
from tests.hosts import ROOT
from tests.lab.fixtures import skip_or_fail


def test_lines_are_json_and_no_text_can_make_two_of_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    audit = Audit(LogFile(str(path)), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    audit.record_authentication("203.0.113.7", "basic", "al\nice\x1b\u2028" + "x" * 1000, None)
    audit.record_method_outcome(
        "::1", Caller("alice", 1000, False), "Win32_Process.Terminate", 'Win32_Process.Handle="7"', "0"
    )
    first, second = path.read_bytes().splitlines()
    assert json.loads(second) == {
        "time": "2026-01-01T00:00:00.000+00:00", "event": "method", "peer": "::1", "user": "alice",
        "method": "Win32_Process.Terminate", "path": 'Win32_Process.Handle="7"', "outcome": "0",
    }  # fmt: skip
    assert json.loads(first)["accepted"] is False
    assert len(json.loads(first)["user"]) == MAX_TEXT_LENGTH
    assert first.isascii()


def test_the_file_is_for_its_owner_and_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    LogFile(str(path))("one")
    LogFile(str(path))("two")
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_moved_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    path, write = tmp_path / "audit.log", LogFile(str(tmp_path / "audit.log"))
    for line in ("one", "two"):
        write(line)
        path.rename(tmp_path / line)
    write("three")
    assert [(tmp_path / name).read_text() for name in ("one", "two", "audit.log")] == ["one\n", "two\n", "three\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_there_can_be_no_new_file_the_old_one_has_it(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    write = LogFile(str(tmp_path / "here" / "audit.log"))
    (tmp_path / "here").rename(tmp_path / "there")
    write("one")
    assert (tmp_path / "there" / "audit.log").read_text() == "one\n"


def test_a_deleted_file_gets_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    write = LogFile(str(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write("one")
    path.rmdir()
    write("two")
    assert path.read_text() == "two\n"


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(AccessDeniedError, match="cannot write"):
        LogFile(str(tmp_path))


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of some pages, and fill it but for a few bytes."""
    if os.geteuid() != 0:
        skip_or_fail("only root can mount")
    words = ["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        skip_or_fail("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_no_method_is_begun_and_authentication_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk(tmp_path) as folder:
        path = folder / "audit"
        appender = LogFile(str(path))
        audit = Audit(appender, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        audit.record_method_begin("192.0.2.7", ROOT, "Win32_Process.Terminate", 'Win32_Process.Handle="1"')
        (folder / "other").write_bytes(b"x" * 4096)
        with suppress(InternalError):
            for _ in range(100):
                audit.record_method_begin("192.0.2.7", ROOT, "Win32_Process.Terminate", 'Win32_Process.Handle="1"')
        with pytest.raises(
            InternalError, match="cannot write to the audit log: No space left on device; the method was"
        ):
            audit.record_method_begin("192.0.2.7", ROOT, "Win32_Process.Terminate", 'Win32_Process.Handle="1"')
        for _ in range(3):
            audit.record_authentication("192.0.2.7", "basic", "root", ROOT)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "other").unlink()
        audit.record_authentication("192.0.2.7", "basic", "root", ROOT)
        os.close(appender._file)  # noqa: SLF001 -- else it cannot be unmounted
    assert caplog.messages == ["cannot write to the audit log: No space left on device"]
    assert len(lines) > 10
    assert all(line.endswith("\n") and json.loads(line)["outcome"] == BEGUN for line in lines)
