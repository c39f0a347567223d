"""Tests with the real kernel: five thousand real logon sessions on this machine, and a user who reads them."""

import contextlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import logonscope
from logonscope import AccessDeniedError, NotFoundError
from tests.kernel import SOMEBODY, UNSET, Nursery, kernel_id, require_logins
from tests.lab.fixtures import skip_or_fail

MANY = 5000
FIRST_UID = 70_000
USERS = 500


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    require_logins()
    with Nursery() as clean:
        yield clean


@pytest.fixture(scope="module")
def crowd(nursery: Nursery) -> dict[int, int]:
    """Log five hundred people in ten times each; return who is behind each process."""
    pids = nursery.login(FIRST_UID, MANY, users=USERS)
    return {pid: FIRST_UID + at % USERS for at, pid in enumerate(pids)}


@pytest.fixture(scope="module")
def somebody(nursery: Nursery) -> dict[str, list[int]]:
    """Log a user in: five times as itself, and twice as root."""
    return {"as itself": nursery.login(SOMEBODY, 5, become=True), "as root": nursery.login(SOMEBODY, 2)}


def test_logon_sessions_that_end_while_they_are_read_are_left_out(nursery: Nursery) -> None:
    for ask in ("session_processes", "processes"):
        stays, ends = nursery.login(1000, 300), nursery.login(1000, 300)
        expected = {pid: str(kernel_id(pid)) for pid in (*stays, *ends)}
        answer = iter(getattr(logonscope.connect(), ask)())
        first = list(itertools.islice(answer, 3))
        nursery.end(*ends)
        found = {row[0] if ask == "session_processes" else row.pid: row for row in (*first, *answer)}
        assert found.keys() >= set(stays)
        for pid in found.keys() & expected.keys():
            assert expected[pid] == (found[pid][1] if ask == "session_processes" else found[pid].logon_id)
        after = {pid for pid, _ in logonscope.connect().session_processes()}
        assert not after & set(ends)
        with pytest.raises(NotFoundError):
            logonscope.connect().whose(ends[0])
        nursery.end(*stays)


def test_a_zombie_keeps_its_logon_session(nursery: Nursery) -> None:
    (pid,) = nursery.login(1000, zombie=True)
    (answer,) = logonscope.connect().whose(pid)
    assert (answer.logon_id, answer.process.state) == (str(kernel_id(pid)), "Z")
    assert (answer.process.command_line, answer.process.executable) == (None, None)


@pytest.mark.parametrize("name", [b"a b ) ( c d) ", b"x\nUid:\t0\t0\t0", b"\xff\x1b[2J", b") S 1 1 1 1 1"])
def test_a_name_changes_nothing_but_the_name(nursery: Nursery, name: bytes) -> None:
    (pid,) = nursery.login(1001, become=True, name=name)
    (row,) = logonscope.connect().processes(kernel_id(pid))
    assert (row.login_uid, row.uid, row.logon_id, row.ppid) == (1001, 1001, str(kernel_id(pid)), parent(pid))


def parent(pid: int) -> int:
    """Return the parent of a process, as status has it."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("PPid:"))


def test_a_directory_named_like_a_line_of_the_kernel_moves_no_process(nursery: Nursery) -> None:
    with open("/proc/mounts", encoding="utf-8") as mounts:
        root = next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)
    if root is None or not os.access(root, os.W_OK):
        skip_or_fail("there is no cgroup2 hierarchy to make directories in")
    pid, forged = nursery.daemon(), f"{root}/logonscope-test\r0::/user.slice/user-1000.slice/user@1000.service"
    os.makedirs(forged)
    try:
        nursery.move(pid, f"{forged}/cgroup.procs")
        with open(f"/proc/{pid}/cgroup", "rb") as file:
            assert b"\r0::/user.slice/user-1000.slice/user@1000.service\n" in file.read()
        assert logonscope.connect().whose(pid)[0].logon_id == str(UNSET)
    finally:
        nursery.end(pid)
        while forged != root:
            with contextlib.suppress(OSError):
                os.rmdir(forged)
            forged = os.path.dirname(forged)


# A crowd


def test_five_thousand_logon_sessions_are_distinguished(crowd: dict[int, int]) -> None:
    host = logonscope.connect()
    pairs = dict(host.session_processes())
    assert {pid: pairs[pid] for pid in crowd} == {pid: str(kernel_id(pid)) for pid in crowd}
    assert pairs[1] == str(UNSET if kernel_id(1) == UNSET else kernel_id(1))
    sessions = {session.logon_id: session for session in host.sessions()}
    assert {pairs[pid]: sessions[pairs[pid]].uid for pid in crowd} == {pairs[pid]: uid for pid, uid in crowd.items()}
    assert {sessions[pairs[pid]].processes for pid in crowd} == {1}
    rows = {row.pid: row for row in host.processes()}
    assert {pid: (rows[pid].logon_id, rows[pid].login_uid, rows[pid].evidence) for pid in crowd} == {
        pid: (pairs[pid], uid, "audit") for pid, uid in crowd.items()
    }


def test_one_of_five_thousand_is_found_by_its_pid_or_its_logon_id(crowd: dict[int, int]) -> None:
    host = logonscope.connect()
    for pid in random.Random(1).sample(sorted(crowd), 20):  # noqa: S311 -- to repeat it, not to keep a secret
        (answer,) = host.whose(pid)
        assert (answer.logon_id, answer.session.uid) == (str(kernel_id(pid)), crowd[pid])
        assert [link.pid for link in answer.chain] == [pid]
        assert [row.pid for row in host.processes(answer.logon_id)] == [pid]
        assert host.session_of(pid) == (answer.session, "audit")


def test_five_thousand_logon_sessions_are_distinguished_by_wmi(crowd: dict[int, int]) -> None:
    host = logonscope.connect()
    pairs = {pair.Dependent: pair.Antecedent for pair in host.enumerate("Win32_SessionProcess")}
    known = {f'\\\\.\\root\\cimv2:Win32_Process.Handle="{pid}"': kernel_id(pid) for pid in crowd}
    assert {handle: pairs[handle] for handle in known} == {
        handle: f'\\\\.\\root\\cimv2:Win32_LogonSession.LogonId="{ses}"' for handle, ses in known.items()
    }
    numbers = {
        process.ProcessId: process.SessionId for process in host.enumerate("Win32_Process", ["ProcessId", "SessionId"])
    }
    assert {pid: numbers[pid] for pid in crowd} == {pid: kernel_id(pid) for pid in crowd}
    sessions = {session.LogonId for session in host.enumerate("Win32_LogonSession", ["LogonId"])}
    assert sessions >= {str(kernel_id(pid)) for pid in crowd}


def test_one_of_five_thousand_is_tied_to_its_own_alone(crowd: dict[int, int]) -> None:
    host = logonscope.connect()
    for pid in random.Random(2).sample(sorted(crowd), 10):  # noqa: S311 -- to repeat it, not to keep a secret
        (session,) = host.associators(f"Win32_Process={pid}", result_class="Win32_LogonSession")
        assert session.LogonId == str(kernel_id(pid))
        (member,) = host.associators(session.path or "", result_class="Win32_Process", properties=["ProcessId"])
        assert member.ProcessId == pid
        (pair,) = host.references(session.path or "", result_class="Win32_LoggedOnUser")
        assert pair.Antecedent.endswith(f'Name="{crowd[pid]}"')  # an account that no name service knows


def test_a_login_that_changes_its_user_stays_the_same_logon_session(somebody: dict[str, list[int]]) -> None:
    host = logonscope.connect()
    for pid in (*somebody["as itself"], *somebody["as root"]):
        (answer,) = host.whose(pid)
        assert (answer.session.uid, answer.process.login_uid) == (SOMEBODY, SOMEBODY)
        assert answer.process.uid == (SOMEBODY if pid in somebody["as itself"] else 0)


# A user who looks

LOOK = """
import json, os, sys, logonscope

def whose(host, pid):
    try:
        return host.whose(pid)[0].logon_id
    except logonscope.LogonscopeError as error:
        return type(error).__name__

def look():
    host = logonscope.connect()
    return {
        "everything": host.sees_everything,
        "sessions": [[s.logon_id, s.uid, s.processes] for s in host.sessions()],
        "pairs": dict(host.session_processes()),
        "rows": {row.pid: [row.logon_id, row.login_uid, row.command_line] for row in host.processes()},
        "tree": [tree.session and tree.session.logon_id for tree in host.tree()],
        "whose": {pid: whose(host, pid) for pid in map(int, sys.argv[1:])},
        "checks": [check.finding for check in host.doctor()],
    }

look()  # imports all that it needs, as long as the folders are readable
os.setgroups([])
os.setresgid(64321, 64321, 64321)
os.setresuid(64321, 64321, 64321)
host = logonscope.connect(visibility="kernel")
kernel = {"everything": host.sees_everything, "pairs": dict(host.session_processes())}
print(json.dumps({"own": look(), "kernel": kernel}))
"""


@pytest.fixture(scope="module")
def looked(crowd: dict[int, int], somebody: dict[str, list[int]]) -> dict[str, Any]:
    """Look at the machine as uid 64321."""
    pids = [somebody["as itself"][0], somebody["as root"][0], next(iter(crowd)), 1]
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, pids)], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_user_sees_only_their_own_logon_sessions(looked: dict[str, Any], somebody: dict[str, list[int]]) -> None:
    own = {str(pid): str(kernel_id(pid)) for pids in somebody.values() for pid in pids}
    seen = looked["own"]
    assert seen["everything"] is False
    assert seen["pairs"] == own
    assert sorted(seen["sessions"]) == sorted([logon, SOMEBODY, 1] for logon in own.values())
    assert {logon for logon in seen["tree"] if logon} == set(own.values())
    rows = {pid: row for pid, row in seen["rows"].items() if row[0] is not None}
    assert {pid: row[:2] for pid, row in rows.items()} == {pid: [logon, SOMEBODY] for pid, logon in own.items()}


def test_a_user_does_not_see_the_arguments_of_a_process_of_root(
    looked: dict[str, Any], somebody: dict[str, list[int]]
) -> None:
    rows = looked["own"]["rows"]
    assert {rows[str(pid)][2] for pid in somebody["as root"]} == {None}
    assert None not in {rows[str(pid)][2] for pid in somebody["as itself"]}


def test_a_user_is_refused_what_belongs_to_others(looked: dict[str, Any], crowd: dict[int, int]) -> None:
    whose = looked["own"]["whose"]
    assert list(whose.values())[2:] == [AccessDeniedError.__name__] * 2
    assert whose[str(next(iter(crowd)))] == AccessDeniedError.__name__


def test_no_answer_to_a_user_names_a_logon_session_of_another(looked: dict[str, Any], crowd: dict[int, int]) -> None:
    told = json.dumps(looked["own"])
    ids = {kernel_id(pid) for pid in crowd}
    assert [ses for ses in ids if re.search(rf'"{ses}"(?!:)', told)] == []  # a key is a pid, and may be any number
    assert [uid for uid in set(crowd.values()) if f" {uid}," in told] == []


def test_facts_that_every_user_may_read_are_shown_on_request(looked: dict[str, Any], crowd: dict[int, int]) -> None:
    seen = looked["kernel"]
    assert seen["everything"] is True
    assert {pid: seen["pairs"][str(pid)] for pid in crowd} == {pid: str(kernel_id(pid)) for pid in crowd}
