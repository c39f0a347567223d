"""client/local.py: does a host answer every question, in process and from a recording alike?"""

from pathlib import Path

import pytest

import logonscope
from logonscope import Host, NotFoundError
from logonscope.broker import Broker, Caller, recordable
from logonscope.facts import Source
from logonscope.sources.recorded import save
from tests.example import recording, snapshot


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return logonscope.connect(recording(tmp_path))


def test_sessions_may_be_selected_by_number_or_word(host: Host) -> None:
    for which in (41, "41", "0041"):
        assert [session.user for session in host.sessions(which)] == ["alice"]
    assert [session.login for session in host.sessions("c1")] == ["c1"]
    assert [session.logon_id for session in host.sessions("bob")] == ["37"]
    assert host.sessions("mallory") == []


def test_processes_and_pairs_are_those_of_the_tree(host: Host) -> None:
    from_tree = {(row.pid, row.logon_id) for tree in host.tree() for row in tree.processes}
    assert from_tree == {(row.pid, row.logon_id) for row in host.processes()} == set(host.session_processes())
    assert [row.pid for row in host.processes(63)] == [6000, 6001]
    assert [tree.session.logon_id for tree in host.tree("bob") if tree.session] == ["37"]


def test_one_process_is_asked_by_number_by_name_and_by_port(host: Host) -> None:
    assert host.session_of(4312).session.user == "alice"
    assert host.session_of(4312).evidence == "audit"
    for target in (4312, "4312", ":8080"):
        assert [answer.pid for answer in host.whose(target)] == [4312]
    assert [answer.pid for answer in host.whose("sshd")] == [700, 4100, 4150]
    with pytest.raises(NotFoundError, match="no process 9"):
        host.session_of(9)


def test_a_recording_made_without_elevation_says_that_it_is_partial(tmp_path: Path) -> None:
    path = str(tmp_path / "own.lsr")
    alice = Broker(Source("web1", lambda _: snapshot()), Caller("alice", 1000, administrator=False))
    save(recordable(alice), path, replace=False)
    host = logonscope.connect(path)
    assert not host.everything
    assert {session.user for session in host.sessions()} == {"alice"}
    assert [check.what for check in host.doctor() if check.ok is False] == ["this recording"]


def test_a_recording_can_be_recorded_and_looked_over(host: Host, tmp_path: Path) -> None:
    again = str(tmp_path / "again.lsr")
    assert host.record(again) == 16
    assert logonscope.connect(again).sessions() == host.sessions()
    assert [check.what for check in host.doctor() if check.ok is False] == []
