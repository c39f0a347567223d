"""Tests of sources/linux/logins.py: records are read unchanged, and checked against the leader."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from logonscope.facts import UNSET, Login, Machine
from logonscope.machine import Look
from logonscope.sources.linux import LinuxSource
from logonscope.sources.linux.logins import _has_pidfd_ids, _LoginReader, _pidfd_id
from tests.hosts import BOOT, TICKS, HostFolder, manager_service, session_scope

pytestmark = pytest.mark.usefixtures("promptly")


def read(host: HostFolder, *login_ids: str) -> dict[str, Login]:
    """Read logins, by id."""
    return {login.id: login for login in host.source.logins(Look(), frozenset(login_ids) or None)}


def troubles(host: HostFolder) -> list[str]:
    """Return what could not be read."""
    look = Look()
    host.source.logins(look)
    return [trouble.subject for trouble in look.troubles]


def ssh(host: HostFolder, login_id: str = "41", **fields: object) -> None:
    """Log alice in; her leader is process 410, which the kernel numbers 41."""
    host.process(410, "sshd", ses=41, loginuid=1000, cgroup=session_scope(1000, login_id), start=50 * TICKS)
    host.login(login_id, uid=1000, leader=410, **fields)


def test_every_line_of_a_session_file_is_a_fact(host: HostFolder) -> None:
    ssh(
        host, user="alice", active=1, state="active", remote=1, remote_host="192.0.2.7", remote_user="al",
        service="sshd", seat="seat0", vtnr=2, tty="pts/0", display=":0", desktop="GNOME", audit=41,
    )  # fmt: skip
    login = read(host)["41"]
    assert login.process is not None
    assert (login.process.pid, login.process.ses, login.process.comm) == (410, 41, "sshd")
    assert login._replace(process=None) == Login(
        id="41", uid=1000, leader=410, audit=41, since=(BOOT + 60) * 1_000_000, user="alice", cls="user", type="tty",
        service="sshd", seat="seat0", vt=2, tty="pts/0", display=":0", desktop="GNOME", remote=True,
        remote_host="192.0.2.7", remote_user="al", scope="session-41.scope", state="active",
        source="/run/systemd/sessions/41", gone=False, created=60 * TICKS,
    )  # fmt: skip


def test_what_the_file_does_not_say_is_not_known(host: HostFolder) -> None:
    host.login("41", uid=1000, leader=None, **dict.fromkeys(("state", "remote", "type", "class", "service", "scope")))
    login = read(host)["41"]
    assert (login.state, login.remote, login.type, login.cls, login.service, login.scope) == (None,) * 6
    assert (login.leader, login.process, login.gone, login.audit, login.vt) == (None,) * 5


@pytest.mark.parametrize("audit", [0, UNSET, "", "x", "-1", "٤١"])
def test_an_audit_id_that_is_none_is_not_known(host: HostFolder, audit: object) -> None:
    ssh(host, audit=audit)
    assert read(host)["41"].audit is None


def test_escapes_are_undone(host: HostFolder) -> None:
    ssh(host, remote_host=r"evil\nhost\x1b", tty=r"pts\\0", desktop=r"\303\251")
    login = read(host)["41"]
    assert (login.remote_host, login.tty, login.desktop) == ("evil\nhost\x1b", "pts\\0", "é")


def test_nothing_but_regular_files_with_names_of_sessions_is_opened(host: HostFolder) -> None:
    ssh(host)
    folder = host.root / "run/systemd/sessions"
    os.mkfifo(folder / "42")
    (folder / "43").mkdir()
    (folder / "44").symlink_to("44.ref")
    host.write("run/systemd/sessions/.#41abc", "UID=0\n")
    host.write("run/systemd/sessions/41~", "UID=0\n")
    assert (folder / "41.ref").is_fifo()
    assert list(read(host)) == ["41"]
    assert list(read(host, "41", "42", "41.ref", "../sessions/41", "", ".")) == ["41"]


def test_only_the_logins_that_are_requested_are_read(host: HostFolder) -> None:
    ssh(host)
    host.login("42", uid=1001, leader=None)
    host.process(90, "systemd", cgroup=manager_service(1000))
    host.user_manager(1000, 90)
    assert sorted(read(host)) == ["41", "42", "user@1000.service"]
    assert sorted(read(host, "42", "99")) == ["42"]
    assert sorted(read(host, "user@1000.service", "user@01000.service", "user@x.service")) == ["user@1000.service"]


# The leader


def test_a_leader_that_has_ended_is_gone(host: HostFolder) -> None:
    ssh(host)
    host.end(410)
    login = read(host)["41"]
    assert (login.leader, login.process, login.gone) == (410, None, True)


def test_a_process_that_was_given_the_leaders_pid_later_is_not_the_leader(host: HostFolder) -> None:
    ssh(host)
    host.end(410)
    host.process(410, "cron", start=100 * TICKS)
    login = read(host)["41"]
    assert (login.process, login.gone) == (None, True)


@pytest.mark.parametrize(("seconds", "gone"), [(50, False), (60, False), (61.5, False), (63, True)])
def test_a_leader_may_start_a_little_after_the_word_of_the_clock(
    host: HostFolder, seconds: float, *, gone: bool
) -> None:
    host.process(410, "sshd", start=int(seconds * TICKS))
    host.login("41", uid=1000, leader=410)
    assert read(host)["41"].gone is gone


def test_a_clock_that_was_set_back_after_boot_makes_no_leader_gone(host: HostFolder) -> None:
    ssh(host, realtime=(BOOT - 86_400) * 1_000_000, monotonic=60 * 1_000_000)
    assert read(host)["41"].gone is False


def test_by_the_monotonic_clock_a_later_process_is_not_the_leader(host: HostFolder) -> None:
    slept = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    host.process(410, "cron", start=int((slept + 100) * TICKS))
    host.login("41", uid=1000, leader=410, realtime=(BOOT + 86_400) * 1_000_000, monotonic=60 * 1_000_000)
    assert read(host)["41"].gone is True


def test_without_any_clock_the_process_with_the_pid_is_the_leader(host: HostFolder) -> None:
    ssh(host, realtime=None)
    assert read(host)["41"].gone is False
    host.write("proc/stat", "cpu 1 2 3\n")
    assert read(host)["41"].gone is False


def test_a_leader_whose_start_cannot_be_read_is_there(host: HostFolder) -> None:
    ssh(host)
    host.spoil(410, "stat")
    assert read(host)["41"].gone is False


def test_where_proc_hides_processes_a_leader_that_is_not_seen_may_be_there(host: HostFolder) -> None:
    ssh(host)
    host.login("42", uid=1001, leader=420)
    host.end(1)
    found = read(host)
    assert (found["41"].gone, found["42"].gone) == (False, None)


@pytest.mark.parametrize(
    ("login_id", "parents", "inherited"),
    [
        ("c1", UNSET, False),
        ("c1", 41, True),
        ("c1", 40, False),
        ("c1", None, None),
        ("41", 41, True),
        ("41", 40, False),
    ],
)
def test_a_kernel_id_that_the_leaders_parent_carries_too_was_inherited(
    host: HostFolder, login_id: str, parents: int | None, inherited: bool | None
) -> None:
    host.process(410, "sshd", ppid=400, ses=41, loginuid=1000, start=50 * TICKS)
    if parents is not None:
        host.process(400, "sshd", ses=parents)
    host.login(login_id, uid=1000, leader=410)
    assert read(host)[login_id].inherited is inherited


def test_a_leader_without_a_kernel_id_inherited_none(host: HostFolder) -> None:
    host.process(410, "su", ppid=1)
    host.login("c1", uid=1000, leader=410)
    assert read(host)["c1"].inherited is None


# User managers


@pytest.mark.parametrize("cgroups", ["sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/systemd"])
def test_a_user_manager_leads_its_own_scope_in_every_layout(host: HostFolder, cgroups: str) -> None:
    host.process(90, "systemd", ses=88, loginuid=1000, cgroup=manager_service(1000))
    host.write("run/systemd/users/1000", "NAME=alice\nSTATE=lingering\nREALTIME=1700000050000000\n")
    host.write(f"{cgroups}{manager_service(1000)}/init.scope/cgroup.procs", "90\n91\n")
    inode = (host.root / f"{cgroups}{manager_service(1000)}").stat().st_ino
    login = read(host)["user@1000.service"]
    assert login.process is not None
    assert login.process.ses == 88
    assert login._replace(process=None, inherited=None) == Login(
        id="user@1000.service", uid=1000, leader=90, since=1_700_000_050_000_000, user="alice", cls="manager",
        type="unspecified", service="systemd-user", scope="user@1000.service", state="lingering",
        source="/run/systemd/users/1000", gone=False, scope_inode=inode,
    )  # fmt: skip


def test_a_user_without_a_manager_has_no_login_of_one(host: HostFolder) -> None:
    host.write("run/systemd/users/1000", "NAME=alice\nSTATE=active\n")
    host.write("run/systemd/users/linger", "")
    assert read(host) == {}


def test_a_user_manager_that_has_ended_is_gone(host: HostFolder) -> None:
    host.user_manager(1000, None)
    host.user_manager(1001, 91, name="bob")
    found = read(host)
    assert found["user@1000.service"].gone is True
    assert found["user@1001.service"].gone is True


@pytest.mark.parametrize("state", ["lingering", "active"])
def test_a_session_of_a_user_manager_has_the_state_of_a_user_who_lingers(host: HostFolder, state: str) -> None:
    host.process(90, "systemd", ses=88, loginuid=1000, cgroup=manager_service(1000))
    host.user_manager(1000, 90, state=state)
    host.login("88", uid=1000, leader=90, **{"class": "manager", "service": "systemd-user", "scope": None})
    host.login("89", uid=1000, leader=90)
    assert (read(host)["88"].state, read(host)["89"].state) == (state, "active")


# The service


def test_the_login_service_depends_on_whether_systemd_booted_the_machine(host: HostFolder) -> None:
    ssh(host)
    assert read(host)["41"].service_name == "logind"
    (host.root / "run/systemd/system").rmdir()
    assert read(host)["41"].service_name == "elogind"


def test_without_a_login_service_there_are_no_logins_and_no_trouble(host: HostFolder) -> None:
    assert read(host) == {}
    assert troubles(host) == []


def test_a_folder_that_cannot_be_listed_is_trouble(host: HostFolder) -> None:
    host.write("run/systemd/sessions", "")
    assert read(host) == {}
    assert len(troubles(host)) == 1


def test_a_record_without_a_uid_is_trouble_and_not_roots(host: HostFolder) -> None:
    ssh(host)
    host.write("run/systemd/sessions/42", "STATE=active\nUID=\n")
    assert list(read(host)) == ["41"]
    assert troubles(host) == ["/run/systemd/sessions/42"]


# Scopes


def test_a_scope_that_the_login_service_has_forgotten_is_a_login_without_a_record(host: HostFolder) -> None:
    host.process(500, "tmux", ses=41, loginuid=1000, cgroup=session_scope(1000, "c1"))
    inode = host.group(session_scope(1000, "c1"), 500)
    assert read(host) == {
        "c1": Login(
            "c1",
            1000,
            scope="session-c1.scope",
            recorded=False,
            scope_inode=inode,
            scope_ids=(41,),
            earliest_start=50 * TICKS + 500,
            service_name="logind",
        )
    }
    assert read(host, "c1") == read(host)
    assert read(host, "c2") == {}


def test_a_scope_of_a_record_is_no_second_login(host: HostFolder) -> None:
    ssh(host)
    host.group(session_scope(1000, "41"), 410)
    assert [login.recorded for login in host.source.logins(Look())] == [True]


def test_a_scope_with_the_id_of_anothers_record_is_a_login_of_its_own(host: HostFolder) -> None:
    ssh(host, "c1")
    host.group(session_scope(1001, "c1"))
    found = host.source.logins(Look())
    assert [(login.id, login.uid, login.recorded) for login in found] == [("c1", 1000, True), ("c1", 1001, False)]


def test_the_kernel_ids_of_a_scope_are_read_if_the_leader_has_none(host: HostFolder) -> None:
    ssh(host, "c1")
    host.process(500, "sleep", ses=41, loginuid=1000, cgroup=session_scope(1000, "c1"))
    host.group(session_scope(1000, "c1"), 410, 500)
    assert read(host)["c1"].scope_ids is None
    host.end(410)
    login = read(host)["c1"]
    assert (login.gone, login.scope_ids) == (True, (41,))


def test_a_kernel_id_with_another_login_uid_is_not_the_logins_own(host: HostFolder) -> None:
    """A daemon of alice's that lets bob in without setting his login uid: the id goes on being hers."""
    ssh(host, "41")
    host.process(600, "dropbear", ses=41, loginuid=1000, cgroup=session_scope(1001, "c2"), start=90 * TICKS)
    host.login("c2", uid=1001, leader=600, realtime=(BOOT + 91) * 1_000_000)
    found = read(host)
    assert (found["41"].inherited, found["c2"].inherited) == (None, True)
    host.process(601, "sleep", ses=41, loginuid=1000, cgroup=session_scope(1001, "c2"))
    host.group(session_scope(1001, "c2"), 601)
    host.end(600)
    assert read(host)["c2"].inherited is True


@pytest.mark.parametrize("login_id", ["41", "c1"])
def test_another_users_login_inside_a_scope_says_nothing_about_its_kernel_id(host: HostFolder, login_id: str) -> None:
    """An sshd that alice starts lets bob in, who gets a kernel id of his own in her scope, and she logs out."""
    scope = session_scope(1000, login_id)
    ssh(host, login_id)
    host.process(500, "sshd", ses=41, loginuid=1000, cgroup=scope, start=70 * TICKS)
    host.process(501, "sshd-session", ses=43, loginuid=1001, cgroup=scope)
    host.process(502, "sleep", ses=43, loginuid=1001, uid=1001, cgroup=scope)
    host.group(scope, 410, 500, 501, 502)
    host.end(410)
    assert (read(host)[login_id].scope_ids, read(host)[login_id].inherited) == ((41,), None)
    host.end(500)
    assert (read(host)[login_id].scope_ids, read(host)[login_id].inherited) == ((), None)


@pytest.mark.parametrize(("number", "gone"), [(None, False), (1, True)])
def test_a_leader_is_identified_by_its_pidfd_inode(number: int | None, *, gone: bool) -> None:
    """Asked of this machine, whose kernel may have none; then the start alone tells."""
    state = {"LEADER_PIDFDID": str(number or _pidfd_id(os.getpid()) or 0)}
    reader = _LoginReader("/", LinuxSource("/").machine(Look()), Look())
    found = reader._read_leader(os.getpid(), state, None)  # noqa: SLF001 -- no login of this machine has such a leader
    assert (found is None) is (gone and _has_pidfd_ids())


def test_a_leader_that_hidepid_hides_is_not_gone(tmp_path: Path) -> None:
    reader = _LoginReader("/", LinuxSource("/").machine(Look()), Look())
    reader._proc = str(tmp_path)  # noqa: SLF001 -- as it looks with hidepid: without process 1
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert reader._has_ended(os.getppid(), {}) is False  # noqa: SLF001 -- no login of this machine has such a leader
    assert reader._has_ended(ended.pid, {}) is True  # noqa: SLF001 -- the same
    assert reader._has_ended(os.getpid(), {"LEADER_PIDFDID": "1"}) is _has_pidfd_ids()  # noqa: SLF001 -- the same
    (tmp_path / str(os.getpid())).mkdir()
    assert reader._has_ended(os.getpid(), {}) is True  # noqa: SLF001 -- another process with its pid
    elsewhere = _LoginReader(str(tmp_path), Machine(""), Look())
    assert elsewhere._has_ended(os.getpid(), {}) is None  # noqa: SLF001 -- its pids are those of another host


def test_elogind_keeps_its_scopes_below_the_root(host: HostFolder) -> None:
    (host.root / "run/systemd/system").rmdir()
    host.process(500, "sleep", ses=41, loginuid=1000, cgroup="/c1")
    inode = host.group("/c1", 500)
    host.login("c1", uid=1000, leader=410, scope=None)
    login = read(host)["c1"]
    assert (login.scope, login.scope_inode, login.scope_ids) == (None, inode, (41,))


def test_a_pid_that_is_given_out_again_within_a_second_is_not_the_leader(host: HostFolder) -> None:
    ssh(host, realtime=(BOOT + 60) * 1_000_000, monotonic=60 * 1_000_000)
    assert read(host)["41"].gone is False
    host.end(410)
    host.process(410, "sshd", ses=46, loginuid=1000, start=61 * TICKS)
    assert read(host)["41"].gone is (time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() < 1)
