"""Tests of sources/linux/source.py: every query reads anew, and reads no more than it needs."""

import shutil
import signal
import subprocess

import pytest

from logonscope.errors import NotSupportedError
from logonscope.facts import UNSET
from logonscope.machine import AccountQuery, Look, ProcessQuery, SocketQuery
from logonscope.machine.action import Action
from logonscope.sources.linux import LinuxSource
from tests.hosts import HostFolder


def test_every_look_sees_what_is_there_now(host: HostFolder) -> None:
    source = host.source
    assert [process.pid for process in source.processes(Look(), ProcessQuery())] == [1]
    assert source.logins(Look()) == ()
    assert source.account(Look(), 1002) is None
    host.process(2)
    host.login("41", uid=1000, leader=2)
    host.account("carol", 1002)
    assert sorted(process.pid for process in source.processes(Look(), ProcessQuery())) == [1, 2]
    assert [login.id for login in source.logins(Look())] == ["41"]
    carol = source.account(Look(), 1002)
    assert carol is not None
    assert carol.name == "carol"


def test_processes_are_read_while_they_are_iterated(host: HostFolder) -> None:
    host.process(2, ses=41)
    query = ProcessQuery(frozenset({"ses"}), pids=frozenset({1, 2}))
    processes = host.source.processes(Look(), query)
    host.write("proc/2/sessionid", "42")
    assert [process.ses for process in processes] == [UNSET, 42]


def test_logins_are_read_only_when_they_are_requested(host: HostFolder) -> None:
    host.login("41", uid=1000, leader=1)
    host.listener(80, 1)
    source, look = host.source, Look()
    assert source.logins(look, frozenset()) == ()
    shutil.rmtree(host.root / "run")
    host.write("run/systemd/sessions", "")
    source.machine(look, frozenset({"platform", "vitals"}))
    assert [process.pid for process in source.processes(look, ProcessQuery(frozenset({"ses", "cgroup"})))] == [1]
    users, groups = source.accounts(look, AccountQuery(users="ALL", groups="ALL"))
    assert len([*users, *groups, *source.sockets(look, SocketQuery())]) == 4
    assert source.account(look, 0) is not None
    assert look.troubles == []
    assert (source.logins(look), len(look.troubles)) == ((), 1)


def test_the_source_is_labelled_by_its_root(host: HostFolder) -> None:
    assert host.source.label == str(host.root)


def test_a_directory_is_read_only_when_it_is_requested(host: HostFolder) -> None:
    host.write("etc/group", "staff:x:50:alice\n")
    users, groups = host.source.accounts(Look(), AccountQuery())
    assert (list(users), list(groups)) == ([], [])
    users, groups = host.source.accounts(Look(), AccountQuery(users="ALL", groups="ALL"))
    assert [account.name for account in users] == ["root", "alice", "bob"]
    assert [group.name for group in groups] == ["staff"]


def test_users_are_read_while_they_are_iterated(host: HostFolder) -> None:
    users, _ = host.source.accounts(Look(), AccountQuery(users="ALL"))
    host.account("carol", 1002)
    assert [account.name for account in users] == ["root", "alice", "bob", "carol"]


def test_the_platform_and_the_vitals_are_read_only_when_they_are_requested(host: HostFolder) -> None:
    host.write("proc/meminfo", "MemTotal: 10 kB\n")
    host.write("proc/sys/kernel/arch", "aarch64\n")
    plain = host.source.machine(Look())
    assert (plain.platform, plain.vitals) == (None, None)
    machine = host.source.machine(Look(), frozenset({"platform", "vitals"}))
    assert machine.platform is not None
    assert machine.vitals is not None
    assert (machine.platform.architecture, machine.vitals.memory) == ("aarch64", 10240)


def test_all_sockets_or_those_with_a_port_or_none(host: HostFolder) -> None:
    host.listener(443, 9001)
    host.listener(8080, 9002)
    queries = (SocketQuery(ports=frozenset({443})), SocketQuery(ports=frozenset()), SocketQuery())
    found = [[socket.port for socket in host.source.sockets(Look(), query)] for query in queries]
    assert found == [[443], [], [443, 8080]]


def test_nothing_can_be_done_to_a_folder(host: HostFolder) -> None:
    assert "act" not in host.source.abilities
    with pytest.raises(NotSupportedError, match="actions are not supported on this host"):
        host.source.act(Action(1, 1))


def test_something_can_be_done_to_this_machine() -> None:
    here = LinuxSource()
    assert "act" in here.abilities
    with subprocess.Popen(["sleep", "60"]) as child:
        query = ProcessQuery(frozenset({"start"}), pids=frozenset({child.pid}))
        (found,) = here.processes(Look(), query)
        with pytest.raises(ProcessLookupError):
            here.act(Action(child.pid, (found.start or 0) + 1))
        here.act(Action(child.pid, found.start or 0))
        assert child.wait(5) == -signal.SIGKILL


def test_this_machine_has_accounts_and_groups_of_its_own() -> None:
    root = frozenset({"root"})
    users, groups = LinuxSource().accounts(Look(), AccountQuery(users=root, groups_of=root))
    assert [(account.name, account.uid) for account in users] == [("root", 0)]
    assert 0 in [group.gid for group in groups]
