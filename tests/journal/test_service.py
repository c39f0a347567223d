"""The settings of the history as a policy; and a service that writes what this machine does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.errors import InvalidParameterError, RecordingError
from logonscope.facts.history import ProcessRecord
from logonscope.journal.history import JournalHistory
from logonscope.journal.policy import DAY_MS, Policy
from logonscope.journal.service import HistoryService, make_policy
from logonscope.machine import Look
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


def records(history: JournalHistory, query: ProcessRecordQuery) -> list[ProcessRecord]:
    return list(history.processes(Look(), query))


def _problems(history: JournalHistory) -> list[str]:
    try:
        return [check.finding for check in history.checks() if check.ok is False]
    except RecordingError as error:
        return [error.message]
