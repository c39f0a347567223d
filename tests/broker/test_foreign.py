"""Tests of broker/foreign.py: answers about containers, other roots, and accounts that share a uid."""

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope import connect
from logonscope.broker import Request
from logonscope.broker.instances import get
from logonscope.cim.instances import ClassRows
from logonscope.errors import AccessDeniedError
from logonscope.facts import UNSET, Account, Login, Machine, Process
from logonscope.machine.snapshot import Snapshot
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.kernel import require_logins

ID = "3f9a1c0b2d4e" + "7" * 52
DOCKER = f"/system.slice/docker-{ID}.scope"
ALICES = f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"
ACCOUNTS = (
    Account("root", 0, 0, "", "/root", "/bin/sh"), Account("alice", 1000, 1000, "", "/", "/bin/sh"),
    Account("bob", 1002, 1002, "", "/", "/bin/sh"), Account("robert", 1002, 1002, "", "/", "/bin/sh"),
)  # fmt: skip


def process(pid: int, ses: int, login_uid: int, uid: int, cgroup: str, **facts: object) -> Process:
    """Return a process that started as its pid says."""
    made = Process(
        pid, ses=ses, loginuid=login_uid, cgroup=cgroup, comm=f"p{pid}", name=f"p{pid}", ppid=1, start=pid, tgid=pid,
        uids=(uid,) * 4, gids=(uid,) * 4, tty_nr=0, cmdline=f"secret-{pid}\0".encode(), pid_namespaces=1,
    )  # fmt: skip
    return made._replace(**facts)  # type: ignore[arg-type]  # facts of a process


ALICE_LOGIN = Login("41", 1000, leader=100, audit=41, user="alice", scope="session-41.scope", gone=False)
BOB_LOGIN = Login("42", 1002, leader=200, audit=42, user="robert", scope="session-42.scope", gone=False)
SCOPE = "/user.slice/user-1000.slice/session-41.scope"
PROCESSES = [
    process(1, UNSET, UNSET, 0, "/init.scope", ppid=0),
    process(100, 41, 1000, 1000, SCOPE),
    # alice's rootless container, by podman: her uid is root inside, others are subordinate uids
    process(110, 41, 1000, 1000, ALICES, ppid=100, pid_namespaces=2, host_root=False),
    process(111, 41, 1000, 100_999, ALICES, ppid=110, pid_namespaces=2, host_root=False),
    # her browser's tab, in namespaces of its own
    process(120, 41, 1000, 1000, SCOPE, ppid=100, pid_namespaces=2, host_root=False),
    # sudo podman run: her logon session, but uids of the container
    process(130, 41, 1000, 1000, f"/machine.slice/libpod-{ID}.scope", ppid=100, pid_namespaces=2, host_root=False),
    process(200, 42, 1002, 1002, "/user.slice/user-1002.slice/session-42.scope"),
    # a daemon in a container, whose uid 1002 does not belong to this host
    process(300, UNSET, UNSET, 1002, DOCKER, pid_namespaces=2, host_root=False),
    # sshd in a container: a user there has uid 1002
    process(310, 77, 1002, 0, DOCKER, pid_namespaces=2, host_root=False),
    process(311, 77, 1002, 1002, DOCKER, ppid=310, pid_namespaces=2, host_root=False),
    # the same below another root whose engine is not known
    process(320, 78, 1002, 0, "/payload/ssh.service", pid_namespaces=2, host_root=False),
    process(321, 78, 1002, 1002, "/payload/ssh.service", ppid=320, pid_namespaces=2, host_root=False),
    # its pid namespaces could not be read
    process(
        322,
        78,
        1002,
        1002,
        "/payload/ssh.service",
        ppid=321,
        pid_namespaces=None,
        host_root=None,
        unread={"pid_namespaces": "no answer within 2 s"},
    ),
    # a login of this host without a record, with a sandbox
    process(330, 79, 1002, 0, "/system.slice/ssh.service"),
    process(331, 79, 1002, 1002, "/system.slice/ssh.service", ppid=330, pid_namespaces=2, host_root=False),
]
SNAPSHOT = Snapshot(
    Machine("web1", None, 1_700_000_000), PROCESSES, (ALICE_LOGIN, BOB_LOGIN), (), ACCOUNTS, (), [],
)  # fmt: skip
HOST = Memory(SNAPSHOT)
FOREIGN, BOBS = {300, 310, 311, 320, 321}, {200, 330, 331}


@pytest.fixture(params=["whose", "processes", "tree"])
def users(request: pytest.FixtureRequest) -> dict[int, str | None]:
    """Return the user of each process, as an operation names it to root."""
    host = HOST.request(ROOT)
    if request.param == "whose":
        return {process.pid: broker.whose(host, str(process.pid))[0].process.user for process in PROCESSES}
    if request.param == "processes":
        return {row.pid: row.user for row in broker.processes(host)}
    return {row.pid: row.user for tree in broker.tree(host) for row in tree.processes}


def test_no_foreign_uid_gets_the_name_of_an_account_of_this_host(users: dict[int, str | None]) -> None:
    assert {pid for pid in FOREIGN if users[pid] is not None} == set()
    assert (users[130], users[111]) == (None, None)
    assert (users[100], users[110], users[120]) == ("alice",) * 3
    assert (users[200], users[330], users[331]) == ("bob", "root", "bob")


def test_foreign_logon_sessions_are_described_without_a_name() -> None:
    host = HOST.request(ROOT)
    sessions = {session.logon_id: session for session in broker.sessions(host)}
    for logon_id, container in (("77", (ID, "docker")), ("78", (None, None))):
        session = sessions[logon_id]
        assert (session.user, session.uid, session.is_foreign) == (None, 1002, True)
        assert (session.container_id, session.container_runtime) == container
    assert [(sessions[key].user, sessions[key].is_foreign) for key in ("41", "42", "79")] == [
        ("alice", False), ("robert", False), ("bob", False)
    ]  # fmt: skip
    # two accounts have this uid: where a login record names one, that; else the first one
    for pid, logon_id in ((311, "77"), (321, "78"), (331, "79"), (130, "41")):
        described = broker.whose(host, str(pid))[0].session
        assert described == sessions[logon_id]._replace(processes=None, leftovers=None)


def seen_pids(host: Request) -> set[int]:
    """Return the pids of the processes that a caller sees."""
    return {row.pid for row in broker.processes(host)}


def test_a_user_sees_nothing_of_a_foreign_uid_with_the_same_number() -> None:
    host = HOST.request(user(1002))
    assert seen_pids(host) == BOBS
    assert {session.logon_id for session in broker.sessions(host)} == {"42", "79"}
    for pid in FOREIGN:
        # "runs as you" would be untrue, and would tell the uid of the container
        with pytest.raises(AccessDeniedError, match=f"process {pid} is not in one of your logon sessions"):
            broker.whose(host, str(pid))


def test_ones_own_containers_stay_ones_own_and_those_of_root_are_not() -> None:
    host = HOST.request(user(1000))
    rows = {row.pid: row for row in broker.processes(host)}
    assert rows.keys() == {100, 110, 111, 120, 130}  # of alice's logon session
    assert {pid for pid, row in rows.items() if row.command_line} == {100, 110, 120}
    assert (rows[110].container_id, rows[110].container_runtime) == (ID, "podman")


def test_ones_own_container_has_its_details_in_a_foreign_logon_session_too() -> None:
    # a process of a login inside the container of bob's uid became alice, in a container of her own
    hers = process(340, 77, 1002, 1000, ALICES, ppid=310, pid_namespaces=2, host_root=False, exe="/usr/bin/make")
    host = Memory(SNAPSHOT._replace(processes=[*PROCESSES, hers])).request(user(1000))
    columns = ["CommandLine", "ExecutablePath", "SessionId"]
    result = get(host, "Win32_Process.Handle=340", columns)
    assert isinstance(result, ClassRows)
    (row,) = result.rows
    assert [row[result.columns.index(column)] for column in columns] == ["secret-340", "/usr/bin/make", None]


@pytest.mark.parametrize("word", ["bob", "robert"])
def test_the_name_of_an_account_selects_nothing_foreign(word: str) -> None:
    host = HOST.request(ROOT)
    pids = {row.pid for row in broker.processes(host, word)}
    # logins of robert that have no record have the first name of the uid
    assert pids == ({330, 331} if word == "bob" else {200, 330, 331})
    assert {answer.pid for answer in broker.whose(host, "user:bob")} == {200, 330, 331}


def test_a_host_is_read_no_more_for_processes_that_decide_alone() -> None:
    HOST.forget()
    host = HOST.request(ROOT)
    assert broker.whose(host, "120")[0].session.user == "alice"
    assert HOST.asked.pids  # only by pid
    assert not any("host_root" in query.facts for query in HOST.asked.processes)


def test_no_class_connects_a_foreign_uid_with_an_account_of_this_host() -> None:
    host = connect(HOST)
    pairs = {(str(row["Antecedent"]), str(row["Dependent"])) for row in host.enumerate("Win32_LoggedOnUser")}
    assert sorted((account.rpartition("=")[2], logon.rpartition("=")[2]) for account, logon in pairs) == [
        ('"alice"', '"41"'), ('"bob"', '"79"'), ('"robert"', '"42"')
    ]  # fmt: skip
    bobs = host.associators('Win32_UserAccount.Domain="web1",Name="bob"', result_class="Win32_LogonSession")
    assert [logon["LogonId"] for logon in bobs] == ["79"]
    query = "SELECT LogonId FROM LS_LogonSession WHERE User = 'bob'"
    assert [row["LogonId"] for row in host.query(query, namespace="root/logonscope")] == ["79"]
    query = "SELECT LogonId FROM LS_LogonSession WHERE Uid = 1002 AND IsForeign = TRUE"
    assert {row["LogonId"] for row in host.query(query, namespace="root/logonscope")} == {"77", "78"}
    query = "SELECT ProcessId FROM LS_Process WHERE User = 'bob'"
    assert {row["ProcessId"] for row in host.query(query, namespace="root/logonscope")} == {200, 331}


@pytest.mark.parametrize(
    ("pid", "owner"), [(311, {"User": "1002", "Domain": ID}), (321, {"User": "1002", "Domain": None})]
)
def test_get_owner_returns_the_uid_and_the_container(pid: int, owner: dict[str, str | None]) -> None:
    host = connect(HOST)
    outcome = host.invoke(f"Win32_Process.Handle={pid}", "GetOwner")
    assert (outcome.return_value, {name: outcome.parameters.get(name) for name in owner}) == (0, owner)
    assert host.invoke(f"Win32_Process.Handle={pid}", "GetOwnerSid").return_value == 8
    assert host.invoke("Win32_Process.Handle=331", "GetOwner").parameters["User"] == "bob"


def test_a_recording_answers_as_the_host_does(tmp_path: Path) -> None:
    connect(HOST).record(str(tmp_path / "web1.lsr"))
    recorded = connect(tmp_path / "web1.lsr")
    assert recorded.sessions() == connect(HOST).sessions()
    assert list(recorded.processes()) == list(connect(HOST).processes())


IN_HOST = "exec sleep 60"
IN_OTHER_ROOT = "exec chroot /usr /bin/sleep 60"


@pytest.fixture(params=[IN_HOST, IN_OTHER_ROOT])
def sandboxed_login(request: pytest.FixtureRequest) -> Iterator[tuple[int, bool]]:
    """Return the pid of a login as daemon in a pid namespace of its own, and whether it has another root directory."""
    require_logins()
    script = f"echo {pwd.getpwnam('daemon').pw_uid} >/proc/self/loginuid; {request.param}"
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]
    with subprocess.Popen(command) as outside:
        children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            pids = children.read_text().split()
            if pids and Path(f"/proc/{pids[0]}/comm").read_text() == "sleep\n":
                break
            time.sleep(0.01)
        yield int(pids[0]), request.param == IN_OTHER_ROOT
        outside.kill()


@pytest.mark.skipif(not os.path.exists("/usr/lib64"), reason="/usr is no root directory on its own here")
def test_a_real_login_below_another_root_directory_is_foreign(sandboxed_login: tuple[int, bool]) -> None:
    pid, has_other_root = sandboxed_login
    (answer,) = connect().whose(str(pid))
    assert (answer.session.uid, answer.session.is_foreign) == (pwd.getpwnam("daemon").pw_uid, has_other_root)
    assert answer.session.user == (None if has_other_root else "daemon")
    assert answer.process.user == (None if has_other_root else "root")
