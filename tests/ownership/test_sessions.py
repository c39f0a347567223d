"""Tests of ownership/sessions.py: each value of a logon session comes from the source that it names."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import UNSET, Account, Login, Machine, Process
from logonscope.machine import Leader, Owner, start_time
from logonscope.ownership.linux import SYSTEM
from logonscope.ownership.sessions import (
    SOURCE_APPROXIMATE_START,
    SOURCE_LEADER_START,
    SOURCE_LOGINUID,
    SOURCE_TTY_NR,
    earliest_process,
    login_uid,
    logon_session,
    network_leader,
    session_state,
    terminal_below,
)

BOOT = 1_700_000_000
MACHINE = Machine("testhost", None, BOOT, 100, 4096, "6.1", None, audit=True, uid_min=1000)
ACCOUNTS = {uid: Account(name, uid, uid, "", "/", "/bin/sh") for uid, name in ((0, "root"), (1000, "alice"))}
SOURCE = "/run/systemd/sessions/41"
PTS0, PTS1 = os.makedev(136, 0), os.makedev(136, 1)


def process(pid: int, ppid: int = 1, start: int | None = None, comm: str = "bash", **more: Any) -> Process:
    """Return a process of alice's login 41."""
    made = Process(pid, ses=41, loginuid=1000, comm=comm, ppid=ppid, tty_nr=0, start=pid if start is None else start)
    return made._replace(**more)


LEADER = process(10, comm="sshd")
LOGIN = Login(
    id="41", uid=1000, leader=10, audit=41, since=(BOOT + 7) * 1_000_000, user="alice", cls="user", type="tty",
    service="sshd", remote=True, remote_host="192.0.2.7", remote_user="al", scope="session-41.scope", state="active",
    source=SOURCE, process=LEADER, gone=False,
)  # fmt: skip


def at(seconds: float) -> datetime:
    """Return the time so many seconds after the boot."""
    return datetime.fromtimestamp(BOOT + seconds, UTC)


def describe(
    login: Login | None,
    members: Sequence[Process],
    *,
    evidence: str = "audit",
    logon: str = "41",
    members_are_complete: bool = True,
) -> LogonSession:
    """Return the logon session of a login, or one that nobody has a record of."""
    return described(Owner(logon, evidence, login), members, members_are_complete=members_are_complete)


def described(owner: Owner, members: Sequence[Process], machine: Machine = MACHINE, **more: bool) -> LogonSession:
    """Return the logon session of an owner, with the name of who logged in as the name service has it."""
    uid = login_uid(owner, members)
    account = None if uid is None else ACCOUNTS.get(uid)
    return logon_session(owner, members, machine, account and account.name, **more)


def test_a_login_is_described_by_its_record_and_by_the_kernel() -> None:
    session = describe(LOGIN, [LEADER, process(11, 10, comm="bash", tty_nr=PTS0)])
    assert session._replace(sources={}) == LogonSession(
        logon_id="41", user="alice", uid=1000, logon_type=10, logon_type_name="RemoteInteractive", start=at(7),
        state="active", tty="pts/0", remote_host="192.0.2.7", remote_user="al", service="sshd",
        login_class="user", leader=10, scope="session-41.scope", login="41", recorded_by="logind",
        processes=2, leftovers=0, join_evidence="record", remote_address="192.0.2.7",
    )  # fmt: skip
    record = (
        "state",
        "start",
        "remote_host",
        "remote_address",
        "remote_user",
        "service",
        "login_class",
        "leader",
        "scope",
    )
    assert session.sources == dict.fromkeys(record, SOURCE) | {
        "uid": SOURCE_LOGINUID, "tty": SOURCE_TTY_NR, "logon_type": "sshd, terminal pts/0",
        "authentication_package": "recorded only in the login program's own log",
    }  # fmt: skip


def test_a_value_that_is_not_known_has_no_source() -> None:
    session = describe(LOGIN._replace(remote_host=None, seat=None), [LEADER])
    named = {name for name in session._fields if getattr(session, name) is not None}
    assert set(session.sources) - {"authentication_package"} <= named


def test_the_system_session_has_no_user_and_starts_at_the_boot() -> None:
    daemon = Process(1, ses=UNSET, loginuid=UNSET, comm="systemd", ppid=0, start=3)
    session = described(SYSTEM, [daemon])
    assert session._replace(sources={}) == LogonSession(
        str(UNSET), logon_type=0, logon_type_name="System", start=at(0), processes=1
    )
    assert session.sources["start"] == "/proc/stat, btime"


def test_without_a_record_the_start_is_approximate_and_says_so() -> None:
    session = describe(None, [process(12, 11, start=900), process(11, 1, start=500), process(13, 11, start=400)])
    assert (session.start, session.sources["start"]) == (at(5), SOURCE_APPROXIMATE_START)
    assert (session.state, session.recorded_by, session.leftovers, session.login) == (None, None, None, None)
    assert (session.user, session.sources["uid"]) == ("alice", SOURCE_LOGINUID)


def test_a_record_without_a_time_leaves_the_leaders_start() -> None:
    timeless = LOGIN._replace(since=None, process=process(10, start=300))
    session = describe(timeless, [process(9, start=200)])
    assert (session.start, session.sources["start"], session.start_is_approximate) == (
        at(3),
        SOURCE_LEADER_START,
        False,
    )
    assert describe(timeless._replace(process=None), [process(9, start=200)]).start is None  # whoever is read


def test_where_not_even_a_process_is_known_neither_is_the_start() -> None:
    session = describe(None, [Process(10, ses=41, loginuid=1000)])
    assert session.start is None
    assert "start" not in session.sources


def test_an_impossible_time_is_not_known() -> None:
    assert describe(LOGIN._replace(since=1 << 63), [LEADER]).start is None
    assert start_time(process(10, start=1 << 63), MACHINE) is None


def test_who_is_gone_leaves_leftovers() -> None:
    session = describe(LOGIN._replace(gone=True, process=None, state="closing"), [process(11), process(12)])
    assert (session.state, session.leftovers, session.processes) == ("logged out", 2, 2)
    assert session.sources["state"] == f"{SOURCE}: process 10 is gone"
    assert session.logon_type is None  # its terminal went with the leader


def test_where_the_leader_cannot_be_seen_leftovers_are_not_known() -> None:
    session = describe(LOGIN._replace(gone=None, process=None), [process(11)])
    assert (session.state, session.leftovers) == ("active", None)


def test_some_processes_alone_are_not_counted() -> None:
    session = describe(LOGIN, [LEADER], members_are_complete=False)
    assert (session.processes, session.leftovers) == (None, None)


def test_the_first_process_says_what_a_session_began_with_only_where_it_is_a_login_programs() -> None:
    cron = process(20, comm="cron", start=200)
    job = [cron._replace(uids=(0, 0, 0, 0)), process(21, 20, comm="sh", start=300)]
    assert describe(None, job).logon_type == 4
    for uids in ((1000, 0, 0, 0), None):  # any user can take the name
        assert describe(None, [cron._replace(uids=uids), *job[1:]]).logon_type is None
    session = describe(None, [process(21, 20, comm="sh", start=300)])
    assert session.logon_type is None
    assert (session.start, session.sources["start"], session.start_is_approximate) == (
        at(3),
        SOURCE_APPROXIMATE_START,
        True,
    )


CRON_UNIT, SSH_UNIT = "/system.slice/cron.service", "/system.slice/ssh.service/user"


@pytest.mark.parametrize(
    ("cgroups", "kind", "state"),
    [
        ([CRON_UNIT], 4, "logged out"),
        (["/system.slice/atd.service", "/user.slice/x"], 4, "logged out"),
        (["/system.slice/system-fcron.slice/fcron.service"], 4, "logged out"),
        (["/system.slice/sshd@7-192.0.2.1:22-192.0.2.2:5022.service"], None, "logged out"),
        ([SSH_UNIT, CRON_UNIT], None, None),  # two units: neither speaks
        (["/system.slice/nginx.service"], None, None),
        (["/payload/system.slice/cron.service"], None, None),  # a container's
        (["/user.slice/user-1000.slice/user@1000.service/system.slice/cron.service"], None, None),  # a user's
        (["/system.slice/cron.service.d"], None, None),
    ],
)
def test_a_unit_names_the_login_program_of_what_it_left_behind(
    cgroups: list[str], kind: int | None, state: str | None
) -> None:
    members = [process(20 + at, comm="sleep", cgroup=cgroup) for at, cgroup in enumerate(cgroups)]
    session = describe(None, members)
    assert (session.logon_type, session.state) == (kind, state)
    assert session.leftovers == (len(members) if state else None)


@pytest.mark.parametrize(
    ("comm", "uid", "unit", "logon_type"),
    [
        ("systemd", 1000, "user@1000.service/init.scope", 5),
        ("bash", 1000, "user@1000.service/init.scope", None),
        ("systemd", 1000, "user@1000.service/app.slice/x.scope", None),
        ("systemd", 1000, "session-41.scope", None),
        ("systemd", 1001, "user@1001.service/init.scope", None),  # not that of the user who logged in
    ],
)
def test_a_user_manager_without_a_record_is_known_by_its_cgroup(
    comm: str, uid: int, unit: str, logon_type: int | None
) -> None:
    manager = process(10, comm=comm, uids=(1000,) * 4, cgroup=f"/user.slice/user-{uid}.slice/{unit}")
    assert describe(None, [manager, process(11, ppid=10)]).logon_type == logon_type


def test_a_unit_in_which_the_login_program_still_runs_left_nothing_behind() -> None:
    cron = process(20, comm="cron", cgroup=CRON_UNIT, uids=(0,) * 4)
    session = describe(None, [cron, process(21, 20, comm="sleep", cgroup=CRON_UNIT)])
    assert (session.logon_type, session.state, session.leftovers) == (4, None, None)


def test_an_ssh_client_of_root_is_no_login_program() -> None:
    client = process(20, comm="ssh", cgroup=SSH_UNIT, uids=(0,) * 4)
    session = describe(None, [client])
    assert (session.logon_type, session.state, session.leftovers) == (None, "logged out", 1)


def test_the_terminal_is_unknown_without_the_processes_below_the_leader() -> None:
    owner = Owner("41", "audit", LOGIN)
    session = described(owner, [LEADER], members_are_complete=False, terminal_read=False)
    assert (session.logon_type, session.tty) == (None, None)


def test_a_terminal_that_could_not_be_read_is_not_known_to_be_none() -> None:
    unread = LEADER._replace(tty_nr=None)
    session = described(Owner("41", "audit", LOGIN._replace(process=unread)), [unread])
    assert (session.logon_type, session.tty) == (None, None)
    assert describe(None, [unread._replace(uids=(0,) * 4)]).logon_type is None


def test_without_a_boot_time_no_start_is_known() -> None:
    machine = MACHINE._replace(btime=None)
    assert start_time(LEADER, machine) is None
    assert described(SYSTEM, [Process(1)], machine).start is None
    assert described(Owner("41", "audit", LOGIN), [LEADER], machine).start == at(7)


def test_the_records_terminal_comes_before_the_kernels() -> None:
    session = describe(LOGIN._replace(tty="pts/9"), [LEADER, process(11, 10, tty_nr=PTS0)])
    assert (session.tty, session.sources["tty"]) == ("pts/9", SOURCE)


def test_an_account_that_no_longer_exists_keeps_the_name_of_the_record() -> None:
    gone = describe(LOGIN._replace(uid=1002, user="carol"), [process(11, loginuid=1002)])
    assert (gone.user, gone.uid) == ("carol", 1002)
    unknown = describe(None, [process(11, loginuid=1002)])
    assert (unknown.user, unknown.uid) == (None, 1002)


def test_the_login_service_with_the_record_is_named() -> None:
    assert describe(LOGIN._replace(service_name="elogind"), [LEADER]).recorded_by == "elogind"


def test_the_uid_of_a_scope_is_the_records_word() -> None:
    su = LOGIN._replace(id="c1", uid=1000, audit=None, scope="session-c1.scope", source="/run/systemd/sessions/c1")
    member = Process(20, ses=UNSET, loginuid=UNSET, comm="su", ppid=1, start=5)
    session = describe(su, [member], evidence="scope", logon="4294967297")
    assert (session.uid, session.sources["uid"]) == (1000, "/run/systemd/sessions/c1")


def test_the_uid_of_a_manager_without_a_record_is_that_of_its_cgroup() -> None:
    member = Process(20, ses=UNSET, loginuid=UNSET, comm="systemd", ppid=1, start=5)
    session = describe(None, [member], evidence="manager", logon=str((1 << 33) + 1000))
    assert (session.user, session.uid) == ("alice", 1000)
    assert session.sources["uid"] == "/proc/PID/cgroup"


@pytest.mark.parametrize(
    ("owner", "loginuid", "uid"),
    [
        (Owner("41", "audit"), 1000, 1000),
        (Owner("41", "audit"), UNSET, None),
        (Owner("41", "audit"), None, None),
        (Owner("41", "audit", LOGIN), None, 1000),
        (Owner("41", "audit", LOGIN._replace(uid=1001)), 1000, 1000),
        (Owner("4294967297", "scope", LOGIN._replace(uid=1001)), 1000, 1001),
        (Owner(str((1 << 33) + 1000), "manager"), UNSET, 1000),
        (Owner(str((1 << 33) + 1000), "manager", LOGIN), UNSET, 1000),
        (SYSTEM, UNSET, None),
        (SYSTEM, 1000, None),
        (Owner(None, "unread"), None, None),
        (Owner(None, "hidden"), 1000, None),
    ],
)
def test_the_login_uid_is_the_kernels_word_where_the_session_is_the_kernels(
    owner: Owner, loginuid: int | None, uid: int | None
) -> None:
    assert login_uid(owner, [Process(1, loginuid=loginuid)]) == uid


def test_the_first_process_is_the_earliest_whose_parent_is_not_among_them() -> None:
    monitor, shell, older_child = process(20, 1, 50), process(30, 20, 60), process(31, 20, 40)
    assert earliest_process([shell, older_child, monitor]) is monitor
    assert earliest_process([shell, older_child]) is older_child
    assert earliest_process([Process(5)]) is None
    assert earliest_process([]) is None
    circle = [process(1, 2, 9), process(2, 1, 8)]
    assert earliest_process(circle) is circle[1]


def test_a_start_is_the_boot_time_plus_ticks() -> None:
    assert start_time(process(1, start=12_345), MACHINE) == at(123.45)
    assert start_time(Process(1), MACHINE) is None


# States

SESSION, MANAGER = Login("41", 1000, cls="user"), Login("user@1000.service", 1000, cls="manager")

STATES = [
    # login, the service's word, is the leader gone -> state, leftover
    (SESSION, "active", False, "active", False),
    (SESSION, "online", False, "online", False),
    (SESSION, "opening", False, "online", False),
    (SESSION, "closing", False, "closing", False),
    (SESSION, "active", True, "logged out", True),
    (SESSION, "closing", True, "logged out", True),
    (SESSION, None, True, "logged out", True),
    (SESSION, "active", None, "active", None),
    (SESSION, "closing", None, "closing", None),
    (SESSION, None, False, None, False),
    (SESSION, "something new", False, None, False),
    (SESSION, "lingering", False, None, False),
    (MANAGER, "lingering", False, "lingering", False),
    (MANAGER, "active", False, "active", False),
    (MANAGER, "active", True, "logged out", True),
]


@pytest.mark.parametrize(("login", "said", "gone", "expected", "leftover"), STATES)
def test_the_state_and_the_leftovers_are_those_of_the_table(
    login: Login, said: str | None, gone: bool | None, expected: str | None, leftover: bool | None
) -> None:
    login = login._replace(state=said, gone=gone)
    session = described(Owner("41", "audit", login), [Process(1, ses=41), Process(2, ses=41)])
    assert (session_state(login), session.state) == (expected, expected)
    assert session.leftovers == (None if leftover is None else 2 * leftover)


def test_without_a_record_nothing_is_known() -> None:
    session = described(Owner("41", "audit", None), [Process(1, ses=41)])
    assert (session_state(None), session.state, session.leftovers) == (None, None, None)


# Terminals


def in_terminal(pid: int, ppid: int, comm: str, tty_nr: int = 0) -> Process:
    """Return a process."""
    return Process(pid, comm=comm, ppid=ppid, tty_nr=tty_nr)


MONITOR = in_terminal(10, 1, "sshd")
USER_SSHD = in_terminal(11, 10, "sshd")


def test_the_leaders_own_terminal_is_the_logins() -> None:
    assert terminal_below(in_terminal(5, 1, "login", os.makedev(4, 1)), []) == "tty1"


def test_the_shell_below_both_processes_of_sshd_has_the_terminal() -> None:
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, in_terminal(12, 11, "bash", PTS0)]) == "pts/0"


def test_a_command_without_a_terminal_is_a_login_without_one() -> None:
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, in_terminal(12, 11, "bash")]) is None
    assert terminal_below(MONITOR, [MONITOR]) is None


def test_a_terminal_that_was_made_inside_the_login_does_not_count() -> None:
    inside = [in_terminal(12, 11, "bash"), in_terminal(13, 12, "tmux: server"), in_terminal(14, 13, "bash", PTS1)]
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, *inside]) is None
    script = [in_terminal(12, 11, "script"), in_terminal(13, 12, "bash", PTS1)]
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, *script]) is None


def test_the_leader_need_not_be_among_the_processes() -> None:
    assert terminal_below(MONITOR, [USER_SSHD, in_terminal(12, 11, "bash", PTS0)]) == "pts/0"


members = st.lists(
    st.builds(
        in_terminal, st.integers(1, 8), st.integers(0, 8), st.sampled_from(["sshd", "bash"]), st.sampled_from([0, PTS0])
    ),
    max_size=12,
)


@given(members)
def test_parents_that_go_round_in_a_circle_end_the_search(processes: list[Process]) -> None:
    assert terminal_below(in_terminal(1, 2, "sshd"), processes) in {None, "pts/0"}


@pytest.mark.parametrize(
    ("service", "comm", "leader"),
    [
        ("sshd", "sshd", Leader(10, 1, 700, 650)),
        ("sshd", "sshd-session", Leader(10, 1, 700, 650)),
        ("ssh", "in.sshd", Leader(10, 1, 700, 650)),
        ("dropbear", "dropbear", Leader(10, 1, 700, 650)),
        ("login", "login", None),
        ("cron", "cron", None),
    ],
)
def test_the_leader_of_an_ssh_login(service: str, comm: str, leader: Leader | None) -> None:
    own = LEADER._replace(comm=comm, ppid=1, start=700)
    recorded = LOGIN._replace(service=service, process=own, created=650)
    assert network_leader(Owner("41", "audit", recorded), [own]) == leader
    gone = recorded._replace(process=None)
    assert network_leader(Owner("41", "audit", gone), []) == (leader and Leader(10, recorded_at=650))


def test_the_leader_without_a_record_is_an_ssh_server_of_root() -> None:
    server = LEADER._replace(comm="sshd", ppid=1, start=700, uids=(0, 0, 0, 0))
    shell = process(11, 10, comm="bash", start=800)
    assert network_leader(Owner("41", "audit"), [shell, server]) == Leader(10, 1, 700)
    for other in (server._replace(uids=(1000,) * 4), server._replace(comm="login"), server._replace(uids=None)):
        assert network_leader(Owner("41", "audit"), [shell, other]) is None
    assert network_leader(SYSTEM, [server]) is None
    assert network_leader(Owner("41", "audit"), []) is None
