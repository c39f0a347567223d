"""Tests of broker/sessions.py: all logon sessions with their processes, in the expected order."""

from hypothesis import given, settings

from logonscope.facts import UNSET
from tests import example
from tests.broker import operations as broker
from tests.broker.crowds import Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import BOOT, ROOT, TICKS, HostFolder, manager_service, session_scope


def test_the_system_session_is_first_then_the_order_is_by_start() -> None:
    sessions = broker.sessions(Memory(example.snapshot()).request(ROOT))
    assert [session.logon_id for session in sessions] == ["4294967295", "4294967297", "37", "41", "42", "63"]


def test_the_system_session_is_first_even_if_a_clock_was_wrong(host: HostFolder) -> None:
    host.process(410, "sshd", ses=41, loginuid=1000)
    host.login("41", uid=1000, leader=410, audit=41, realtime=(BOOT - 1000) * 1_000_000, monotonic=10_000_000_000)
    assert [session.logon_id for session in host.connect().sessions()] == [str(UNSET), "41"]


def test_a_record_without_processes_is_no_logon_session(host: HostFolder) -> None:
    host.login("41", uid=1000, leader=410, audit=41, state="closing")
    assert [session.logon_id for session in host.connect().sessions()] == [str(UNSET)]


def test_a_logon_session_lives_as_long_as_one_of_its_processes(host: HostFolder) -> None:
    host.login("41", uid=1000, leader=410, audit=41, state="closing")
    host.process(500, "tmux: server", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"))
    (_, session) = host.connect().sessions()
    assert (session.logon_id, session.state, session.processes, session.leftovers) == ("41", "logged out", 1, 1)


def test_a_tree_is_of_one_reading() -> None:
    host = Memory(example.snapshot()).request(ROOT)
    trees = broker.tree(host)
    assert [tree.session for tree in trees] == broker.sessions(host)
    assert [len(tree.processes) for tree in trees] == [tree.session and tree.session.processes for tree in trees]
    assert {row.logon_id for tree in trees for row in tree.processes if tree.session} == {
        tree.session.logon_id for tree in trees if tree.session
    }


def test_processes_of_unknown_owners_are_last_without_a_logon_session(host: HostFolder) -> None:
    host.process(66)
    host.spoil(66, "sessionid", "cgroup")
    system, unknown = host.connect().tree()
    assert system.session is not None
    assert unknown.session is None
    assert [row.pid for row in unknown.processes] == [66]
    assert [(row.evidence, row.logon_id) for row in unknown.processes] == [("unread", None)]
    assert len(host.connect().sessions()) == 1


def test_a_hostile_remote_host_can_be_carried(host: HostFolder) -> None:
    host.process(410, "sshd", ses=41, loginuid=1000)
    host.login("41", uid=1000, leader=410, audit=41, remote=1, remote_host=r"evil\x1b[2J\xff")
    assert host.connect().sessions("41")[0].remote_host == "evil\ufffd[2J\ufffd"


def test_a_manager_and_a_login_of_one_user_are_two_logon_sessions(host: HostFolder) -> None:
    host.process(410, "sshd", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"), start=50 * TICKS)
    host.login("41", uid=1000, leader=410, audit=41)
    host.process(90, "systemd", ses=42, loginuid=1000, uid=1000, cgroup=manager_service(1000))
    host.user_manager(1000, 90)
    found = {session.logon_id: session for session in host.connect().sessions("alice")}
    assert found.keys() == {"41", "42"}
    assert (found["42"].logon_type, found["42"].login, found["42"].login_class) == (5, "user@1000.service", "manager")


@given(crowds())
@settings(max_examples=50)
def test_every_process_is_counted_once(crowd: Crowd) -> None:
    host = Memory(crowd.snapshot).request(ROOT)
    owned = [owner.logon_id for owner in crowd.owner.values() if owner.logon_id]
    sessions = broker.sessions(host)
    assert {session.logon_id: session.processes for session in sessions} == {
        logon: owned.count(logon) for logon in owned
    }
    assert sum(len(tree.processes) for tree in broker.tree(host)) == len(crowd.process)
