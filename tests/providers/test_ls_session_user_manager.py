"""Tests of providers/ls_session_user_manager.py: the user manager that runs the applications of a desktop login."""

import pytest

from logonscope.cim.schema import LOGONSCOPE
from tests.hosts import HostFolder, manager_service, session_scope, user
from tests.providers.asked import at, everything, values, web1

MANAGER = str((1 << 33) + 1000)


def desktop(host: HostFolder, **fields: object) -> HostFolder:
    """Log alice in at the machine's seat, with the user manager that all her logins share, and over ssh."""
    host.process(20, "systemd", uid=1000, cgroup=f"{manager_service(1000)}/init.scope")
    host.process(21, "firefox", ppid=20, uid=1000, cgroup=f"{manager_service(1000)}/app.slice/firefox.scope")
    host.user_manager(1000, 20)
    for pid, login_id in ((30, "3"), (40, "4")):
        host.process(pid, "session", ses=int(login_id), uid=1000, cgroup=session_scope(1000, login_id))
    wayland: dict[str, object] = {"type": "wayland", "service": "gdm-password", "seat": "seat0"}
    host.login("3", uid=1000, leader=30, **(wayland | fields))
    host.login("4", uid=1000, leader=40)
    return host


def session(logon_id: str) -> str:
    """Return a reference to a logon session."""
    return at(f'LS_LogonSession.LogonId="{logon_id}"')


@pytest.mark.parametrize("kind", ["wayland", "x11", "mir"])
def test_a_desktop_login_has_the_user_manager_of_its_user(host: HostFolder, kind: str) -> None:
    found = everything(desktop(host, type=kind).connect(), "LS_SessionUserManager", "Antecedent", "Dependent")
    assert found == [(session(MANAGER), session("3"))]


def test_a_login_without_a_desktop_has_none(host: HostFolder) -> None:
    assert everything(desktop(host, type="tty").connect(), "LS_SessionUserManager", "Dependent") == []
    assert everything(web1(), "LS_SessionUserManager", "Dependent") == []


def test_the_manager_of_another_user_does_not_match(host: HostFolder) -> None:
    desktop(host)
    host.process(50, "session", ses=5, uid=1001, cgroup=session_scope(1001, "5"))
    host.login("5", uid=1001, leader=50, type="x11")
    assert everything(host.connect(), "LS_SessionUserManager", "Dependent") == [session("3")]


def test_what_the_desktop_opens_is_found_from_its_login(host: HostFolder) -> None:
    by = {"assoc_class": "LS_SessionUserManager", "namespace": LOGONSCOPE}
    (manager,) = desktop(host).connect().associators("LS_LogonSession=3", **by)
    assert (manager.LogonId, manager.User, manager.ProcessCount) == (MANAGER, "alice", 2)
    opened = host.connect().associators(manager["__PATH"], result_class="LS_Process")
    assert sorted(values(opened, "Name")) == ["firefox", "systemd"]
    assert values(host.connect().associators(manager["__PATH"], **by), "LogonId") == ["3"]


def test_both_are_visible_to_their_user_alone(host: HostFolder) -> None:
    desktop(host)
    for uid, count in ((1000, 1), (1001, 0)):
        seen = host.connect(user(uid)).enumerate("LS_SessionUserManager", namespace=LOGONSCOPE)
        assert len(list(seen)) == count
