"""sources/linux/source.py: is every look a new one, and does it read no more than it needs?"""

import shutil
import signal
import subprocess
from typing import Any

import pytest

from logonscope.facts import UNSET
from logonscope.machine import Action, Needs
from logonscope.sources.linux import linux
from tests.hosts import HostFolder


def test_every_look_sees_what_is_there_now(host: HostFolder) -> None:
    source = host.source
    before = source.observe(Needs(logins=True))
    assert ([process.pid for process in before.processes], before.logins) == ([1], ())
    host.process(2)
    host.login("41", uid=1000, leader=2)
    host.account("carol", 1002)
    after = source.observe(Needs(logins=True))
    assert sorted(process.pid for process in after.processes) == [1, 2]
    assert [login.id for login in after.logins] == ["41"]
    assert after.accounts[1002].name == "carol"


def test_processes_are_read_while_they_are_iterated(host: HostFolder) -> None:
    host.process(2, ses=41)
    snapshot = host.observe(process=frozenset({"ses"}), pids=frozenset({1, 2}))
    host.write("proc/2/sessionid", "42")
    assert [process.ses for process in snapshot.processes] == [UNSET, 42]


def test_logins_are_read_only_when_they_are_asked_for(host: HostFolder) -> None:
    host.login("41", uid=1000, leader=1)
    assert host.observe().logins == ()
    shutil.rmtree(host.root / "run")
    host.write("run/systemd/sessions", "")
    assert host.observe().troubles == []


def test_the_source_is_labelled_by_its_root(host: HostFolder) -> None:
    assert host.source.label == str(host.root)


def test_a_directory_is_read_only_when_it_is_asked_for(host: HostFolder) -> None:
    host.write("etc/group", "staff:x:50:alice\n")
    nothing, asked = host.observe(), host.observe(all_users=True, all_groups=True)
    assert (list(nothing.users), list(nothing.groups)) == ([], [])
    assert [account.name for account in asked.users] == ["root", "alice", "bob"]
    assert [group.name for group in asked.groups] == ["staff"]


def test_users_are_read_while_they_are_iterated(host: HostFolder) -> None:
    snapshot = host.observe(all_users=True)
    host.account("carol", 1002)
    assert [account.name for account in snapshot.users] == ["root", "alice", "bob", "carol"]


def test_the_platform_and_the_vitals_are_read_only_when_they_are_asked_for(host: HostFolder) -> None:
    host.write("proc/meminfo", "MemTotal: 10 kB\n")
    host.write("proc/sys/kernel/arch", "aarch64\n")
    assert (host.observe().platform, host.observe().vitals) == (None, None)
    snapshot = host.observe(platform=True, vitals=True)
    assert snapshot.platform is not None
    assert snapshot.vitals is not None
    assert (snapshot.platform.architecture, snapshot.vitals.memory) == ("aarch64", 10240)


def test_all_sockets_or_those_with_a_port_or_none(host: HostFolder) -> None:
    host.listener(443, 9001)
    host.listener(8080, 9002)
    asked: list[dict[str, Any]] = [{}, {"ports": frozenset({443})}, {"ports": frozenset()}, {"all_sockets": True}]
    assert [[socket.port for socket in host.observe(**needs).sockets] for needs in asked] == [
        [],
        [443],
        [],
        [443, 8080],
    ]


def test_nothing_can_be_done_to_a_folder(host: HostFolder) -> None:
    assert host.source.act is None


def test_something_can_be_done_to_this_machine() -> None:
    act = linux().act
    assert act is not None
    with subprocess.Popen(["sleep", "60"]) as child:
        (found,) = linux().observe(Needs(process=frozenset({"start"}), pids=frozenset({child.pid}))).processes
        with pytest.raises(ProcessLookupError):
            act(Action(child.pid, (found.start or 0) + 1))
        act(Action(child.pid, found.start or 0))
        assert child.wait(5) == -signal.SIGKILL


def test_this_machine_has_accounts_and_groups_of_its_own() -> None:
    snapshot = linux().observe(Needs(users=frozenset({"root"}), groups_of=frozenset({"root"})))
    assert [(account.name, account.uid) for account in snapshot.users] == [("root", 0)]
    assert 0 in [group.gid for group in snapshot.groups]
