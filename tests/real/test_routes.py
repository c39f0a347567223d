"""Answers of every route about each logon session and process, held against each other and against the kernel."""

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lab.expected import expected
from tests.lab.lab import PYTHON, Lab, start
from tests.lab.systemd import free_port, wait_until
from tests.lab.truth import Truth

ROUTES = Path(__file__).with_name("ask_routes.py")
SYSTEM = "4294967295"
COUNTED = (
    *("ProcessCount", "LeftoverCount"),
    *(
        "AuthenticationPackage",
        "AuthenticationMethod",
        "KeyType",
        "KeyFingerprint",
        "AuthenticationSource",
        "RemotePort",
    ),
)
"""What is null where a route does not read it: every process, as `whose`, or details, as a tree."""

LASTING = ("User", "Uid", "StartTime", "RemoteHost", "Service", "LoginClass", "LoginId", "Scope", "Guid")
"""The properties of a login with a record that the end of its leader does not change."""

MEANWHILE = 0.5
"""Seconds into an answer by every route, which takes some, after which two logins are hung up."""

JOB = "sh -c 'setsid sleep 1041 & exec sleep 0.3'; sleep 1042"

Answers = dict[str, dict[str, dict[str, Any]]]


class Cast(NamedTuple):
    """Processes of every kind of logon session, and the login that is to end."""

    pids: dict[str, int]
    shells: contextlib.ExitStack  # closing it hangs up
    ending: dict[int, int]  # process -> the leader of its login, which ends with the shells


@pytest.fixture
def cast(lab: Lab) -> Iterator[Cast]:
    """Have logins of every kind, some of them logged out, and processes in each."""
    lab.machine.run(["loginctl", "enable-linger", "bob"])
    lab.machine.run(["at", "now"], user="alice", input=f"{JOB}\n")
    pids, port = {}, free_port()
    lab.daemon("su", "-", "bob", "-c", "sleep 1043; true")
    with contextlib.ExitStack() as shells:
        first, second, gone = (
            shells.enter_context(lab.machine.ssh(user, tty=tty))
            for user, tty in (("alice", False), ("bob", True), ("bob", False))
        )
        pids["of sudo"] = lab.descendant(start(first, "sudo -n sleep 1044"), "sleep")
        pids["on a terminal"] = start(second, "sleep 1045")
        pids["detached"] = start(first, "setsid sleep 1046")
        pids["left over"] = start(gone, "setsid sleep 1047")
        leader = lab.whose(pids["left over"])["session"]["leader"]
        first.ask(f"sudo -n systemd-run --quiet --scope --unit=lab-sshd-{port} /usr/sbin/sshd -p {port}")
        sharer = shells.enter_context(lab.machine.ssh("alice", port=port))
        pids["of a shared id"] = start(sharer, "setsid sleep 1048")
        lab.hang_up(gone, leader)
        named = {"sleep 1041": "of a job, adopted", "sleep 1042": "of a job", "sleep 1043": "of su"}
        pids |= {named[text]: pid for pid, text in sleeping(lab).items() if text in named}
        pids["of a manager"] = lab.main_process(f"user@{lab.bob.uid}.service")
        pids["of the system"] = lab.main_process("ssh")
        ending = {pids[name]: lab.whose(pids[name])["session"]["leader"] for name in ("detached", "of a shared id")}
        yield Cast(pids, shells, ending)
    lab.machine.run(["pkill", "-KILL", "-x", "sleep"], check=False)


def sleeping(lab: Lab) -> dict[int, str]:
    """Wait for the job's and the daemon's processes; return the command lines of all that sleep."""

    def look() -> dict[int, str] | None:
        lines = lab.machine.run(["ps", "-C", "sleep", "-o", "pid=,args="], check=False).stdout.splitlines()
        found = {int(line.split()[0]): line.split(None, 1)[1] for line in lines}
        return found if {"sleep 1041", "sleep 1042", "sleep 1043"} <= set(found.values()) else None

    found = wait_until(look, what="the job and the daemon have started their processes")
    assert found is not None
    return found


def ask(lab: Lab, pids: list[int]) -> tuple[Answers, Answers]:
    """Ask by every route; return the answers about logon sessions and about processes."""
    answers = json.loads(lab.machine.run([PYTHON, str(ROUTES), *map(str, pids)], timeout=240).stdout)
    return answers["sessions"], answers["processes"]


def differences(answers: Answers, keys: set[str], properties: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return every value of these rows on which two routes do not agree, with the routes."""
    values: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for route, rows in answers.items():
        for key, row in rows.items():
            for name, value in row.items():
                uncounted = name in COUNTED and value is None
                if key in keys and not uncounted and (not properties or name in properties):
                    values[f"{key}: {name}"][json.dumps(value, sort_keys=True)].append(route)
    return {what: dict(routes) for what, routes in values.items() if len(routes) > 1}


def assert_the_kernels(lab: Lab, answers: Answers, before: Mapping[int, Truth], pids: dict[str, int]) -> None:
    """Compare the answers of every route about processes with the kernel."""
    owners = expected(before, lab.logins())
    for route, rows in answers.items():
        for pid in pids.values():
            row = rows.get(str(pid))
            if row is None:
                continue
            assert row["LogonId"] == owners[pid].logon_id, (route, pid)
            assert row.get("Evidence", owners[pid].evidence) == owners[pid].evidence, (route, pid)
            login_uid = before[pid]["loginuid"]
            if owners[pid].evidence == "audit" and "LoginUid" in row:
                assert row["LoginUid"] == login_uid, (route, pid)


def test_every_route_says_the_same_of_each_session_and_process(lab: Lab, cast: Cast) -> None:
    before = lab.truth()
    sessions, processes = ask(lab, list(cast.pids.values()))
    after = lab.truth()
    unmoved = {str(pid) for pid, row in before.items() if after.get(pid) == row}
    everything = set(processes["processes"]) & unmoved

    assert {str(pid) for pid in cast.pids.values()} <= everything
    assert differences(processes, everything) == {}
    assert differences(sessions, set(sessions["sessions"])) == {}
    assert_the_kernels(lab, processes, before, cast.pids)
    for route, rows in processes.items():
        for_one = {"get", "references", "whose", "session_of", "REFERENCES OF"}
        wanted = {str(pid) for pid in cast.pids.values()} if route.split(",")[0] in for_one else everything
        if route != "leftovers":
            assert wanted <= rows.keys(), route
    for route, rows in sessions.items():
        if not route.startswith(("whose", "session_of", "associators", "ASSOCIATORS")):
            assert rows.keys() == sessions["sessions"].keys(), route
    left = {str(cast.pids["left over"])}
    assert set(processes["leftovers"]) == left
    assert {pid for pid, row in processes["processes"].items() if row["Leftover"]} == left


def test_a_job_with_an_adopted_child_has_one_start_and_one_type(lab: Lab, cast: Cast) -> None:
    """Its earliest process speaks for it, by whichever process it is asked for."""
    members = [cast.pids["of a job"], cast.pids["of a job, adopted"]]
    kernel = lab.truth()
    (ses,) = {kernel[pid]["sessionid"] for pid in members}
    sessions, _ = ask(lab, members)
    starts = {row["start"] for row in kernel.values() if row["sessionid"] == ses}

    of_job = {route: rows[str(ses)] for route, rows in sessions.items() if str(ses) in rows}
    assert len(of_job) >= 12
    assert {row["LogonType"] for row in of_job.values()} == {4}
    (begin,) = {datetime.fromisoformat(row["StartTime"]).timestamp() for row in of_job.values()}
    boot = next(
        int(line.split()[1])
        for line in lab.machine.run(["cat", "/proc/stat"]).stdout.splitlines()
        if line.startswith("btime")
    )
    assert begin == pytest.approx(boot + min(starts) / 100, abs=0.01)
    assert {row["StartIsApproximate"] for row in of_job.values() if "StartIsApproximate" in row} == {True}


def test_every_route_says_the_same_while_leaders_end(lab: Lab, cast: Cast) -> None:
    """Asked over and over while two logins are hung up: nothing that lasts may differ, from the first answer on."""
    pids = sorted({*cast.ending, cast.pids["left over"]})
    kernel = lab.truth()
    first_sessions, first_processes = ask(lab, pids)
    hang_up = threading.Timer(MEANWHILE, cast.shells.close)
    hang_up.start()
    rounds = [ask(lab, pids) for _ in range(2)]
    hang_up.join()
    wait_until(lambda: not set(cast.ending.values()) & lab.truth().keys(), what="the leaders are gone")
    last_sessions, last_processes = ask(lab, pids)

    known = {str(pid) for pid in pids}
    own = {row["LogonId"] for pid, row in first_processes["processes"].items() if pid in known}
    for number, (sessions, processes) in enumerate([*rounds, (last_sessions, last_processes)]):
        together = {f"{number} {route}": rows for route, rows in processes.items()} | first_processes
        assert differences(together, known, ("LogonId", "Evidence", "LoginUid", "ProcessGuid", "LogonGuid")) == {}
        together = {f"{number} {route}": rows for route, rows in sessions.items()} | first_sessions
        assert differences(together, own, LASTING) == {}
    assert differences(last_processes, known) == {}
    assert differences(last_sessions, own) == {}
    assert_the_kernels(lab, last_processes, kernel, {str(pid): pid for pid in pids})
    assert set(last_processes["leftovers"]) >= known
    assert {row["State"] for key, row in last_sessions["sessions"].items() if key in own} == {"logged out"}
