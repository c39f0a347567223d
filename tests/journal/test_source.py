"""The host as it was at a moment: equal to what was read then."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from logonscope import Host
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.errors import NotFoundError, NotSupportedError
from logonscope.journal.history import JournalHistory
from logonscope.ownership import LINUX
from tests.journal.polled import PolledMachine, feed, key, make_keeper
from tests.kernel import SOMEBODY, Nursery, require_logins

ROOT = Caller("root", 0, administrator=True)


def now() -> datetime:
    return datetime.now(UTC)


def host_of(folder: Path, machine: PolledMachine) -> Host:
    machine.source.history = JournalHistory(str(folder), "full")
    return LocalHost(machine.source, LINUX, ROOT, lambda *_: 0)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    require_logins()
    with Nursery() as made:
        yield made


def test_past_processes_are_those_that_were_read_then(tmp_path: Path, nursery: Nursery) -> None:
    folder, machine = tmp_path / "history", PolledMachine()
    keeper = make_keeper(folder, machine)
    answers = []
    pids: list[int] = []
    for step in range(5):
        if step in {1, 2, 3}:
            pids += nursery.login(SOMEBODY + step, 3)
        if step == 4:
            nursery.end(*pids[:4])
        feed(keeper, machine.events())
        # processes of others start and end between the reading and this moment
        expected = {(*key(process), owner.logon_id) for process, owner in machine.read(frozenset(pids))}
        answers.append((now(), expected))
        time.sleep(0.03)
    host = host_of(folder, machine)
    for moment, expected in answers:
        past = {row.pid: row for row in host.at(moment).processes() if row.pid in pids}
        assert {(pid, row.logon_id) for pid, row in past.items()} == {(pid, logon) for pid, _, logon in expected}
        assert {session.logon_id for session in host.at(moment).sessions()} >= {logon for _, _, logon in expected}
    assert len(answers[3][1]) == 9
    keeper.stop()


def test_values_of_past_processes(tmp_path: Path, nursery: Nursery) -> None:
    folder, machine = tmp_path / "history", PolledMachine()
    (pid,) = nursery.login(SOMEBODY, name=b"past \xff")
    keeper = make_keeper(folder, machine)
    feed(keeper, machine.events())
    present = host_of(folder, machine)
    past = present.at(now() + timedelta(milliseconds=5))
    then, here = past.whose(pid)[0], present.whose(pid)[0]
    assert then.session.logon_id == here.session.logon_id
    assert (then.process.name, then.process.uid, then.process.ppid) == (
        here.process.name, here.process.uid, here.process.ppid,
    )  # fmt: skip
    assert then.process.start is not None
    assert here.process.start is not None
    assert abs(then.process.start - here.process.start) <= timedelta(seconds=1)
    assert then.process.process_guid == here.process.process_guid
    row = next(iter(past.query(f"SELECT WorkingSetSize, Name FROM Win32_Process WHERE Handle = '{pid}'")))
    assert row["WorkingSetSize"] is None
    keeper.stop()


def test_sockets_are_not_kept(tmp_path: Path) -> None:
    folder, machine = tmp_path / "history", PolledMachine()
    keeper = make_keeper(folder, machine)
    feed(keeper, machine.events())
    past = host_of(folder, machine).at(now() + timedelta(milliseconds=5))
    with pytest.raises(NotSupportedError, match=r"sockets cannot be read here \(not kept in the history\)"):
        past.whose(":22")
    keeper.stop()


def test_what_a_history_never_keeps_is_no_fault_of_the_host(tmp_path: Path) -> None:
    folder, machine = tmp_path / "history", PolledMachine()
    keeper = make_keeper(folder, machine)
    feed(keeper, machine.events())
    past = host_of(folder, machine).at(now() + timedelta(milliseconds=5))
    checks = past.doctor()
    assert "/proc" in {check.subject for check in checks}
    assert [check for check in checks if "not kept" in check.finding] == []
    keeper.stop()


def test_a_moment_outside_the_history_is_refused(tmp_path: Path) -> None:
    folder, machine = tmp_path / "history", PolledMachine()
    keeper = make_keeper(folder, machine)
    feed(keeper, machine.events())
    host = host_of(folder, machine)
    with pytest.raises(NotFoundError, match=r"no history of .*; logonscope doctor shows what is kept"):
        host.at(now() - timedelta(days=1))
    with pytest.raises(NotFoundError, match=r"no history of .*: it is in the future; give an earlier time"):
        host.at(now() + timedelta(days=1))
    keeper.stop()
