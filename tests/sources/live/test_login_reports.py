"""Tests of sources/live/login_reports.py: which source is read. The journal itself: test_user_changes.py."""

import threading
from pathlib import Path

from logonscope.sources.linux.btmp import RECORD
from logonscope.sources.live.login_reports import LoginReports

RECORD_OF_BOB = RECORD.pack(6, 77, b"tty1", b"", b"bob", b"", 0, 1_795_804_778, 0, bytes(16))


def never(pid: int, moment: int) -> bool:
    """Return that no process ran a set-user-ID program."""
    del pid, moment
    return False


def test_without_a_journal_btmp_is_read(tmp_path: Path) -> None:
    has_report = threading.Event()
    reports = LoginReports(str(tmp_path), has_report.set)
    assert (reports.source, reports.check().ok) == (None, False)
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/btmp").write_bytes(RECORD_OF_BOB)
    assert reports.source == "btmp"
    assert "btmp" in reports.check().finding
    reports.start()
    try:
        with (tmp_path / "var/log/btmp").open("ab") as file:
            file.write(RECORD_OF_BOB)
        has_report.clear()
        assert has_report.wait(10)
        (report,) = reports.take(never)
    finally:
        reports.stop()
    assert report.attempt is not None
    assert (report.attempt.user, report.attempt.source, report.ses) == ("bob", "btmp", None)
    assert reports.take(never) == []


def test_a_journal_that_is_there_is_the_only_source(tmp_path: Path) -> None:
    (tmp_path / "var/log/journal/3d12").mkdir(parents=True)
    (tmp_path / "var/log/journal/3d12/system.journal").write_bytes(b"")
    (tmp_path / "var/log/btmp").write_bytes(RECORD_OF_BOB)
    reports = LoginReports(str(tmp_path), lambda: None)
    assert reports.source == "journal"
    reports.start()
    reports.stop()
    assert reports.take(never) == []
