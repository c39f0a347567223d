"""Logins after their records are gone: what a single look says wrongly or not at all, the memory goes on saying.

The cases are those of real machines: a closed session without a record, a daemon with an inherited kernel id, a process
in a user manager after the last logout, and what a job left running.
"""

from typing import Any

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.ownership import LINUX
from logonscope.sources.live.login_memory import LoginMemory, LoginState

CONTAINER = Machine("web1", boot_id="b", btime=1_700_000_000, container=True)
HOST = CONTAINER._replace(container=False)
SLICE = "/user.slice/user-1000.slice"


def login(login_id: str, kernel_id: int | None, **facts: Any) -> Login:
    """Return a login of uid 1000 by ssh, whose leader runs."""
    leader = Process(100, ses=kernel_id, comm="sshd", ppid=1, tty_nr=0, start=5000, loginuid=1000)
    values: dict[str, Any] = {
        "leader": 100, "since": 1_700_000_050_000_000, "created": 5001, "user": "alice", "cls": "user", "type": "tty",
        "service": "sshd", "remote": True, "remote_host": "192.0.2.7", "scope": f"session-{login_id}.scope",
        "state": "active", "source": f"/run/systemd/sessions/{login_id}", "process": leader, "gone": False,
        "scope_inode": 77,
    }  # fmt: skip
    return Login(login_id, 1000)._replace(**(values | facts))


def owner_of(logins: tuple[Login, ...], process: Process, machine: Machine) -> Owner:
    """Return the owner of a process."""
    return LINUX.index(logins, machine).owner(process)


def merge(memory: LoginMemory, *logins: Login, has_members: bool = True) -> tuple[Login, ...]:
    """Let the memory read these logins."""
    return memory.merge(logins, lambda _: LoginState(has_members, is_leader_gone=True))


def test_a_closed_login_whose_record_and_then_scope_are_gone_is_described_as_before() -> None:
    memory = LoginMemory()
    record = login("c1", 41)
    merge(memory, record)
    memory.note_terminal(record, "pts/3")
    sleeper = Process(200, ses=41, loginuid=1000, cgroup=f"{SLICE}/session-c1.scope", comm="sleep", start=6000)

    only_scope = Login("c1", 1000, scope="session-c1.scope", recorded=False, scope_inode=77, scope_ids=(41,))
    for logins in (merge(memory, only_scope), merge(memory)):
        owner = owner_of(logins, sleeper, CONTAINER)
        session = LINUX.describe(owner, [sleeper], CONTAINER, "alice")
        assert (owner.logon_id, session.state, session.remote_host) == ("41", "logged out", "192.0.2.7")
        assert (session.logon_type, session.tty, session.leftovers) == (10, "pts/3", 1)
        assert session.start is not None
        assert not session.start_is_approximate
        assert {session.sources[name] for name in ("remote_host", "start", "tty")} == {"remembered"}


def test_a_login_without_a_terminal_stays_a_network_login() -> None:
    memory = LoginMemory()
    merge(memory, login("41", 41))
    memory.note_terminal(login("41", 41), "")
    (remembered,) = merge(memory)
    assert LINUX.describe(Owner("41", "audit", remembered), [], HOST, "alice").logon_type == 3


def test_a_later_login_with_an_inherited_id_never_gets_the_processes_of_the_first() -> None:
    memory = LoginMemory()
    first = login("41", 41)
    inherits = login("43", 41, since=1_700_000_090_000_000, created=9001, inherited=True, scope_inode=78)
    own = Process(200, ses=41, loginuid=1000, cgroup=f"{SLICE}/session-41.scope", start=6000)
    before = owner_of(merge(memory, first, inherits), own, HOST)
    # the first login's record goes, and with the leader of the other the proof that it inherited its id
    orphaned = inherits._replace(process=None, gone=True, inherited=None, scope_ids=(41,))
    after = owner_of(merge(memory, orphaned), own, HOST)
    assert before.logon_id == after.logon_id == "41"
    assert after.login is not None
    assert after.login.id == "41"
    # a single look takes one for the other
    single = owner_of((orphaned,), own, HOST)
    assert single.login is not None
    assert single.login.id == "43"


def test_a_process_in_the_user_manager_keeps_the_login_that_started_it() -> None:
    memory = LoginMemory()
    merge(memory, login("41", 41, tty="pts/0"))
    tmux = Process(300, ses=41, loginuid=1000, cgroup=f"{SLICE}/user@1000.service/app.slice/run-1.scope", comm="tmux")
    manager = login("user@1000.service", None, cls="manager", service="systemd-user", scope="user@1000.service")
    owner = owner_of(merge(memory, manager._replace(process=None, leader=90)), tmux, HOST)
    session = LINUX.describe(owner, [tmux], HOST, "alice")
    assert (session.logon_id, session.state, session.remote_host) == ("41", "logged out", "192.0.2.7")
    assert (session.logon_type, session.leftovers) == (10, 1)


def test_what_a_job_left_running_is_a_leftover_of_a_batch_login() -> None:
    memory = LoginMemory()
    merge(memory, login("44", 44, service="cron", remote=False, remote_host=None, type="unspecified", cls="background"))
    left = Process(300, ses=44, loginuid=1000, cgroup="/system.slice/cron.service", comm="sleep")
    session = LINUX.describe(owner_of(merge(memory), left, HOST), [left], HOST, "alice")
    assert (session.logon_type, session.state, session.leftovers) == (4, "logged out", 1)


def test_a_login_is_forgotten_with_its_last_process() -> None:
    memory = LoginMemory()
    merge(memory, login("41", 41))
    assert merge(memory, has_members=False) == ()
    assert merge(memory) == ()


def test_an_id_that_is_given_again_is_another_login() -> None:
    memory = LoginMemory()
    merge(memory, login("c1", UNSET, scope_inode=77))
    logins = merge(memory, login("c1", UNSET, since=1_700_000_900_000_000, scope_inode=90, leader=900))
    assert sorted(known.scope_inode or 0 for known in logins) == [77, 90]
    assert len(LINUX.index(logins, HOST).logins) == 2


def test_a_memory_begins_with_what_an_earlier_one_knew() -> None:
    memory = LoginMemory()
    merge(memory, login("41", 41))
    (known,) = merge(memory)
    (again,) = merge(LoginMemory([known]))
    assert again == known
