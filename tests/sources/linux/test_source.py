"""sources/linux/source.py: is every look a new one, and does it read no more than it needs?"""

import shutil

from logonscope.facts import UNSET, Needs
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
