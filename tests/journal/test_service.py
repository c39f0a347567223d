"""The settings of the history as a policy; and a service that writes what this machine does."""

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.errors import InvalidParameterError, RecordingError
from logonscope.facts import Process
from logonscope.facts.history import ProcessRecord
from logonscope.journal.history import JournalHistory
from logonscope.journal.policy import DAY_MS, Policy
from logonscope.journal.service import HistoryService, make_policy
from logonscope.machine import Look, ProcessQuery
from logonscope.machine.events import Event
from logonscope.machine.history import ProcessRecordQuery
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from tests import example
from tests.broker.scripted_events import EventMemory
from tests.journal.disks import mounted, remount
from tests.lab.systemd import wait_until


class Quiet(EventMemory):
    """A host on which nothing happens."""

    def events(self, since: int | None = None) -> Iterator[Event]:
        del since
        return iter(())


def test_settings_are_a_policy() -> None:
    policy = make_policy(
        {"system": "3 days"}, "1 GB", "full", ["user:al", "unit:cron.service", "program:/bin/x"], ["key=.*"]
    )
    assert (policy.keep_system_ms, policy.max_bytes, policy.command_lines) == (3 * DAY_MS, 1 << 30, "full")
    assert policy.excludes_process("al", None, None, None)
    assert policy.excludes_process(None, "/bin/x", None, None)
    assert policy.redactions[-1] == "key=.*"


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="invalid span or size"):
        make_policy({}, "many", "name", [], [])
    with pytest.raises(InvalidParameterError, match="at least 16 MB"):
        make_policy({}, "15 MB", "name", [], [])
    with pytest.raises(InvalidParameterError, match="invalid exclusion"):
        make_policy({}, "1 GB", "name", ["bob"], [])


def test_a_history_begins_when_a_full_disk_has_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mounted(tmp_path / "disk", "600k") as disk:
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(1 << 20))
        source = Quiet(example.snapshot())
        service = HistoryService(str(disk / "history"), source, LINUX, Policy(), "1", retry_seconds=0.02)
        assert service.remembered_logins() == []
        history = service.start(source)
        try:
            (problem,) = _problems(history)
            assert problem.startswith(f"cannot read the history: cannot open {disk}")
            assert history.event_log is None
            remount(disk, "size=40m")
            wait_until(lambda: history.event_log, 20)
            wait_until(lambda: history.state().rows, 20)
            assert not [problem for problem in _problems(history) if "nothing is written" in problem]
        finally:
            history.close()
    (line,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith(f"history: cannot open {disk / 'history'}: ")
    assert "full" in line or "No space left" in line


def test_a_history_begins_when_the_processes_can_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Quiet):
        failures = 2

        def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
            if threading.current_thread().name == "history" and self.failures:
                self.failures -= 1
                raise OSError("too many open files")
            return super().processes(look, query)

    with mounted(tmp_path / "disk", "40m") as disk:
        source = Failing(example.snapshot())
        remount(disk, "ro")
        service = HistoryService(str(disk / "history"), source, LINUX, Policy(), "1", retry_seconds=0.02)
        history = service.start(source)
        try:
            remount(disk, "rw")
            wait_until(lambda: history.event_log, 20)
            wait_until(lambda: history.state().rows, 20)
        finally:
            history.close()
    assert source.failures == 0
    lines = [record.message for record in caplog.records if "too many open files" in record.message]
    assert (
        lines == ["history: cannot read the processes: too many open files; nothing is kept until that is possible"] * 2
    )


def test_a_service_stops_while_its_history_waits_for_the_disk(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as disk:
        remount(disk, "ro")
        source = Quiet(example.snapshot())
        history = HistoryService(str(disk / "history"), source, LINUX, Policy(), "1").start(source)
        (problem,) = _problems(history)
        assert "Read-only file system" in problem
        history.close()
    assert "history" not in {thread.name for thread in threading.enumerate()}


class Changing(Quiet):
    """A host without events, whose processes change."""

    def show(self, snapshot: Snapshot) -> None:
        """Be another host from now on."""
        self._snapshots = (snapshot,)


def test_without_events_the_processes_are_compared(tmp_path: Path) -> None:
    before, after = example.snapshot(), example.snapshot()
    ended = next(one for one in before.processes if one.pid == 4312)
    begun = ended._replace(pid=9000, start=(ended.start or 0) + 50, comm="late", name="late")
    after = after._replace(processes=(*(one for one in after.processes if one is not ended), begun))
    source, has_events = Changing(before), True
    service = HistoryService(str(tmp_path / "history"), source, LINUX, Policy(), "1", compare_seconds=0.05)
    history = service.start(source, lambda: has_events)
    try:
        source.show(after)
        assert records(history, ProcessRecordQuery(pids=frozenset({9000}))) == []
        has_events = False
        wait_until(lambda: records(history, ProcessRecordQuery(pids=frozenset({9000}))), 20)
        (record,) = records(history, ProcessRecordQuery(pids=frozenset({4312})))
        assert record.end is not None
        assert record.end_is_approximate
        (late,) = records(history, ProcessRecordQuery(pids=frozenset({9000})))
        assert (late.end, late.process.name, late.logon_record) == (None, "late", record.logon_record)
        assert history.state().losses == 1
    finally:
        service.stop()


@pytest.mark.parametrize("how", ["damaged", "removed", "replaced"])
def test_a_journal_that_cannot_be_written_any_more_is_begun_anew(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "history"
    host, other = example.snapshot(), example.snapshot()
    other = other._replace(processes=tuple(other.processes)[:-3])
    source = Changing(host)
    service = HistoryService(str(folder), source, LINUX, Policy(), "1", retry_seconds=0.05, compare_seconds=0.05)
    history = service.start(source, lambda: False)
    try:
        wait_until(lambda: present(history), 20)
        journal_id, event_log = history.state().journal_id, history.event_log
        if how == "damaged":
            damage(folder / "journal.db", "eventlog")
        else:
            shutil.move(folder, tmp_path / "before")
        if how == "replaced":
            shutil.copytree(tmp_path / "before", folder)
        source.show(other)
        wait_until(lambda: history.event_log is not event_log, 20)
        wait_until(lambda: history.state().losses, 20)
        # a copy with its state file goes on as the same journal
        assert (history.state().journal_id == journal_id) is (how == "replaced")
        assert not [problem for problem in _problems(history) if "nothing is written" in problem]
        wait_until(lambda: present(history) == {process.pid for process in other.processes}, 20)
        (loss,) = [reason for reason in losses(history) if "journal" in reason]
        assert ("damaged" in loss) is (how == "damaged")
    finally:
        history.close()
    assert "unexpected error" not in caplog.text


def damage(database: Path, table: str) -> None:
    """Overwrite the first page of a table, for the connections that have not read it yet, too."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    # another connection drops what it has cached of a database that was written to
    connection.execute("INSERT INTO journal VALUES ('touched', 1)")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    # another process: to close the file would release the locks that SQLite holds in this one
    words = ["dd", "if=/dev/zero", f"of={database}", "bs=4096", f"seek={page - 1}", "count=1", "conv=notrunc"]
    subprocess.run(words, check=True, capture_output=True)


def present(history: JournalHistory) -> set[int]:
    return {record.process.pid for record in records(history, ProcessRecordQuery()) if record.end is None}


def losses(history: JournalHistory) -> list[str]:
    with history.lend_reader() as reader:
        return [reason for (reason,) in reader.rows("SELECT reason FROM loss")]


def records(history: JournalHistory, query: ProcessRecordQuery) -> list[ProcessRecord]:
    return list(history.processes(Look(), query))


def _problems(history: JournalHistory) -> list[str]:
    try:
        return [check.finding for check in history.checks() if check.ok is False]
    except RecordingError as error:
        return [error.message]
