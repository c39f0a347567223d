"""Tests of sources/linux/inheritance.py: a kernel id counts as inherited only where that is proved."""

import pytest

from logonscope.facts import UNSET, Login, Process
from logonscope.machine import Look
from logonscope.sources.linux.inheritance import MAX_PAM_SECONDS, carried_kernel_id
from tests.hosts import BOOT, TICKS, HostFolder, session_scope

pytestmark = pytest.mark.usefixtures("promptly")

LEADER, SSHD = 4100, 700
STARTED, CREATED = 1000 * TICKS, 1001
"""When the leader started, in ticks, and when its login's record was made, in seconds, both since the boot."""

IN_TIME = (CREATED - MAX_PAM_SECONDS) * TICKS
"""The earliest start of what the login itself may have started."""


def login(host: HostFolder, login_id: str = "41", *, parent: int = 1, audit: int | None = None) -> None:
    """Log alice in with kernel id 41, through a leader with this parent."""
    host.process(LEADER, "sshd", ppid=parent, ses=41, loginuid=1000, start=STARTED,
                 cgroup=session_scope(1000, login_id))  # fmt: skip
    host.login(login_id, uid=1000, leader=LEADER, audit=audit, realtime=(BOOT + CREATED) * 1_000_000)


def inherited(host: HostFolder, login_id: str = "41") -> bool | None:
    """Return whether the login's kernel id is known to be inherited: read with all logins, and alone."""
    source = host.source
    (alone,) = source.logins(Look(), frozenset({login_id}))
    (among,) = (login for login in source.logins(Look()) if login.id == login_id)
    assert alone.inherited is among.inherited
    return alone.inherited


def carrier(host: HostFolder, pid: int, start: int, ses: int = 41) -> None:
    """Start a process of alice's that carries a kernel id and lies in no scope."""
    host.process(pid, "sleep", ses=ses, loginuid=1000, cgroup="/system.slice/x.service", start=start)


def test_a_parent_without_the_id_disproves_it(host: HostFolder) -> None:
    host.process(SSHD, "sshd", start=1)
    login(host, parent=SSHD)
    carrier(host, 500, 5)  # whatever else carries it
    assert inherited(host) is False


def test_a_parent_with_the_id_proves_it_also_against_the_record(host: HostFolder) -> None:
    host.process(SSHD, "sshd", ses=41, loginuid=1000, start=1)
    login(host, parent=SSHD, audit=41)
    assert inherited(host) is True


@pytest.mark.parametrize("comm", ["systemd", "tini", "sshd"])
def test_process_1_may_have_adopted_the_leader(host: HostFolder, comm: str) -> None:
    host.end(1)
    host.process(1, comm, start=1)
    login(host)
    assert inherited(host) is None
    host.end(LEADER)
    host.process(LEADER, "login", ses=41, loginuid=1000, start=STARTED)
    assert inherited(host) is False  # an init starts login(1) itself


@pytest.mark.parametrize(
    ("start", "leader_lives", "proved"),
    [
        (STARTED - 1, True, True),
        (STARTED, True, None),  # a helper of its PAM stack, as keyring daemons are
        (STARTED + 1, True, None),
        (IN_TIME - 1, False, True),
        (IN_TIME, False, None),
        (STARTED, False, None),
    ],
)
def test_an_older_process_with_the_id_proves_it(
    host: HostFolder, start: int, *, leader_lives: bool, proved: bool | None
) -> None:
    login(host)
    carrier(host, 500, start)
    if not leader_lives:
        host.end(LEADER)
    assert inherited(host) is proved


@pytest.mark.parametrize(
    ("comm", "uid", "start", "proved"),
    [
        ("sshd", 0, STARTED - 1, True),
        ("dropbear", 0, CREATED * TICKS - 1, True),
        ("sshd", 0, CREATED * TICKS, None),  # started by the login
        ("sshd", 1000, STARTED - 1, None),  # any user can choose a name
        ("gnome-keyring-d", 0, STARTED - 1, None),
    ],
)
def test_an_older_ssh_daemon_with_the_id_proves_it_though_the_leader_is_gone(
    host: HostFolder, comm: str, uid: int, start: int, *, proved: bool | None
) -> None:
    login(host)
    host.process(500, comm, ses=41, uid=uid, loginuid=1000, cgroup="/system.slice/x.scope", start=start)
    host.end(LEADER)
    assert inherited(host) is proved


def test_a_process_with_another_id_proves_nothing(host: HostFolder) -> None:
    login(host)
    carrier(host, 500, 5, ses=40)
    assert inherited(host) is None


@pytest.mark.parametrize(
    ("other", "seconds", "proved"),
    [
        ("42", CREATED - MAX_PAM_SECONDS - 1, True),
        ("42", CREATED - MAX_PAM_SECONDS + 1, None),  # both may have been logging in at once
        ("42", CREATED + 100, None),
        ("40", CREATED - MAX_PAM_SECONDS - 1, None),
    ],
)
def test_an_older_login_with_a_greater_id_proves_it(
    host: HostFolder, other: str, seconds: int, proved: bool | None
) -> None:
    login(host)
    host.login(other, uid=1001, leader=None, audit=int(other), realtime=(BOOT + seconds) * 1_000_000)
    assert inherited(host) is proved


def test_that_the_leader_is_gone_proves_nothing(host: HostFolder) -> None:
    login(host, audit=41)
    host.end(LEADER)
    assert inherited(host) is None


def test_a_request_searches_once_for_the_carriers_of_an_id(host: HostFolder) -> None:
    login(host)
    carrier(host, 500, 5)
    look, source = Look(), host.source
    assert [login.inherited for login in source.logins(look)] == [True]
    host.trap(500, "sessionid")  # reading it again would hang
    assert [login.inherited for login in source.logins(look)] == [True]
    host.free()


def test_an_id_that_appears_during_a_request_is_searched_for(host: HostFolder) -> None:
    login(host)
    look, source = Look(), host.source
    assert [login.inherited for login in source.logins(look)] == [None]
    host.process(4200, "sshd", ppid=1, ses=42, loginuid=1000, start=STARTED, cgroup=session_scope(1000, "42"))
    host.login("42", uid=1000, leader=4200, realtime=(BOOT + CREATED) * 1_000_000)
    carrier(host, 501, 5, ses=42)
    assert [login.inherited for login in source.logins(look)] == [None, True]


def test_what_logind_calls_cn_outside_a_container_needs_no_proof(host: HostFolder) -> None:
    login(host, "c5")
    host.process(500, "sleep", start=5)
    host.trap(500, "sessionid")  # no process need be read
    assert inherited(host, "c5") is None
    host.free()


def test_in_a_container_cn_is_looked_at_as_any_other(host: HostFolder) -> None:
    host.write("run/host/container-manager", "systemd-nspawn\n")
    login(host, "c5")
    assert inherited(host, "c5") is None
    carrier(host, 500, 5)
    assert inherited(host, "c5") is True


@pytest.mark.parametrize(
    ("login", "key"),
    [
        (Login("41", 1000), 41),
        (Login("41", 1000, audit=42), 42),
        (Login("41", 1000, audit=42, process=Process(9, ses=43)), 43),
        (Login("c1", 1000, scope_ids=(44,)), 44),
        (Login("c1", 1000, scope_ids=(44, 45), remembered=46), 46),
        (Login("c1", 1000, process=Process(9, ses=UNSET)), None),
        (Login("c1", 1000, audit=0), None),
    ],
)
def test_the_carried_kernel_id_comes_from_the_best_evidence(login: Login, key: int | None) -> None:
    assert carried_kernel_id(login) == key
