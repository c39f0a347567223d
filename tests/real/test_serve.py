"""The packaged service, under a real systemd, returns the kernel's facts to real clients, to each user their own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab import PYTHON, Lab, start
from tests.lab.packaged import HERE, begin, forget, install
from tests.lab.systemd import Machine, wait_until

CLIENT = Path(__file__).with_name("ask_wsman.py")
WORD = "correct horse battery staple"
SETTINGS = 'allow_methods = true\nmetrics = "administrators"\naudit_log = "/var/log/logonscope/audit"\n'
ROOT = """DynamicUser=no
AmbientCapabilities=
CapabilityBoundingSet=CAP_KILL CAP_SYS_NICE CAP_SETUID CAP_SETGID
SystemCallFilter=@setuid @resources
"""


@pytest.fixture(scope="module")
def service(people: Lab) -> Iterator[Machine]:
    """Install the unit as packaged, but for where the program is and, as its comment says, for root's powers."""
    machine = people.machine
    machine.run(["chpasswd"], input="".join(f"{name}:{WORD}\n" for name in ("root", "alice", "bob")))
    install(machine, SETTINGS)
    begin(machine, HERE + ROOT)
    yield machine
    forget(machine)


def asked(machine: Machine, *questions: dict[str, Any]) -> list[Any]:
    """Ask as clients; as root unless a question says otherwise."""
    given = json.dumps([{"user": "root", "password": WORD, **question} for question in questions])
    answers: list[Any] = json.loads(machine.run([PYTHON, str(CLIENT)], input=given).stdout)
    return answers


def test_an_administrator_gets_what_the_kernel_says(lab: Lab, service: Machine) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        pids = [start(first, "sleep 1021"), start(second, "sleep 1021")]
        rows, own, bobs = asked(
            service,
            {"query": "SELECT Handle, SessionId FROM Win32_Process WHERE CommandLine = 'sleep 1021'"},
            {"query": f"ASSOCIATORS OF {{Win32_Process={pids[1]}}} WHERE ResultClass = Win32_LogonSession"},
            {"user": "bob", "query": "SELECT LogonId FROM Win32_LogonSession"},
        )
        kernel = lab.truth()
    assert {row["Handle"]: row["SessionId"] for row in rows} == {
        str(pid): str(kernel[pid]["sessionid"]) for pid in pids
    }
    assert [session["LogonId"] for session in own] == [str(kernel[pids[1]]["sessionid"])]
    sessions = {str(row["sessionid"]) for row in kernel.values() if row["loginuid"] == lab.bob.uid}
    assert {session["LogonId"] for session in bobs} == sessions  # his manager's too


def test_who_is_no_administrator_any_more_is_none_at_once(service: Machine) -> None:
    system = {"user": "bob", "query": "SELECT LogonId FROM Win32_LogonSession WHERE LogonType = 0"}
    service.run(["groupadd", "--force", "--system", "sudo"])
    service.run(["gpasswd", "-a", "bob", "sudo"])
    before = asked(service, system)
    service.run(["gpasswd", "-d", "bob", "sudo"])
    after = asked(service, system)
    assert (len(before[0]), after[0]) == (1, [])


def test_methods_run_as_the_caller(lab: Lab, service: Machine) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        alices, bobs = start(first, "sleep 1022"), start(second, "sleep 1023")
        owner, refused, done = asked(
            service,
            {"pid": alices, "method": "GetOwner"},
            {"user": "bob", "pid": alices, "method": "Terminate"},
            {"user": "bob", "pid": bobs, "method": "Terminate"},
        )
        assert owner["User"] == "alice"
        assert refused == {"ReturnValue": "2"}
        assert done == {"ReturnValue": "0"}
        wait_until(lambda: bobs not in lab.truth() or None, what="bob's process is gone")
        assert alices in lab.truth()


def test_without_credentials_there_is_no_access_and_the_server_is_in_no_login(lab: Lab, service: Machine) -> None:
    assert asked(service, {"password": "wrong", "query": "SELECT * FROM Win32_Process"}) == ["nobody"]
    pid = lab.main_process("logonscope")
    assert lab.truth()[pid]["sessionid"] == (1 << 32) - 1
    lines = service.run(["cat", "/var/log/logonscope/audit"]).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert {"root", "bob"} == {event["user"] for event in events if event.get("accepted")}
    assert any(event["event"] == "method" and event["method"] == "Win32_Process.Terminate" for event in events)


def test_it_reloads_and_stops_on_request(service: Machine) -> None:
    service.run(["systemctl", "reload", "logonscope"])
    assert asked(service, {"query": "SELECT Name FROM Win32_ComputerSystem"})[0]
    service.run(["systemctl", "stop", "logonscope"])
    status = service.run(["systemctl", "show", "-p", "Result", "-p", "ExecMainStatus", "logonscope"]).stdout
    assert status.split() == ["Result=success", "ExecMainStatus=0"]
    service.run(["systemctl", "start", "logonscope"])


def test_the_packaged_unit_runs_without_a_user_and_reads_everything(lab: Lab, service: Machine) -> None:
    forget(service)
    begin(service)
    pid = lab.main_process("logonscope")
    assert int(service.run(["stat", "-c", "%u", f"/proc/{pid}"]).stdout) >= 61184  # of systemd's dynamic users
    with lab.machine.ssh("bob") as shell:
        process = start(shell, "sleep 1024")
        (row,), refused = asked(
            service,
            {"query": f"SELECT CommandLine, ExecutablePath, HandleCount FROM Win32_Process WHERE Handle = {process}"},
            {"pid": process, "method": "Terminate"},
        )
    assert row["CommandLine"] == "sleep 1024"
    assert (row["ExecutablePath"] or "").endswith("/sleep")
    assert int(row["HandleCount"] or 0) >= 3
    assert refused == {"ReturnValue": "2"}
