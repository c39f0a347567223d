"""Tests of broker/sub_sessions.py: logon sessions that began below a process of another one."""

from logonscope.broker import Caller
from logonscope.broker.sub_sessions import SubSession, read_sub_sessions
from logonscope.facts import Process
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

SSHD = example.process(4400, 4151, 650, "sshd", "sshd -p 2222", 0, 41, 1000)
BOB = example.process(4500, 4400, 651, "sshd", "sshd: bob [priv]", 0, 90, 1001)
SHELL = example.process(4501, 4500, 652, "bash", "-bash", 1001, 90, 1001)


def read(*processes: Process, caller: Caller = ROOT) -> list[SubSession]:
    snapshot = example.snapshot()._replace(processes=(*example.PROCESSES, *processes))
    return list(read_sub_sessions(Memory(snapshot).request(caller)))


def test_the_first_process_has_a_parent_in_the_outer_session() -> None:
    (found,) = read(SSHD, BOB, SHELL)
    assert (found.outer.logon_id, found.inner.logon_id) == ("41", "90")
    assert (found.parent.pid, found.first_process.pid) == (4400, 4500)


def test_the_first_process_is_the_one_that_started_first_and_not_the_lowest_pid() -> None:
    child = example.process(4399, 4500, 653, "child", "", 1001, 90, 1001)
    assert [row.first_process.pid for row in read(SSHD, BOB, child)] == [4500]


def test_sessions_below_the_system_session_are_no_sub_sessions() -> None:
    assert read() == []


def test_a_younger_process_with_the_parents_pid_is_not_the_parent() -> None:
    assert read(SSHD._replace(start=(BOB.start or 0) + 1), BOB) == []


def test_a_parent_that_has_ended_is_not_known() -> None:
    assert read(BOB, SHELL) == []


def test_a_caller_who_sees_one_of_both_sees_neither() -> None:
    assert read(SSHD, BOB, caller=user(1000)) == read(SSHD, BOB, caller=user(1001)) == []
