"""The documented classes on a genuine machine: real logins in WMI's words, compared with the kernel."""

import json
import subprocess
from typing import Any

from tests.lab.lab import PYTHON, Lab, start

SYSTEM = "4294967295"


def asked(lab: Lab, *words: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
    """Ask the product as a user."""
    return lab.machine.run([PYTHON, "-m", "logonscope", *words, "-o", "json"], user, check=False)


def invoked(lab: Lab, pid: int, *words: str, user: str | None = None) -> tuple[int, dict[str, Any]]:
    """Run a method of a process; return the exit code and what it returned."""
    done = asked(lab, "invoke", f"Win32_Process={pid}", *words, user=user)
    returned: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, returned


def of_session(reference: str) -> str:
    return reference.split('LogonId="')[1].rstrip('"')


def of_process(reference: str) -> int:
    return int(reference.split('Handle="')[1].rstrip('"'))


def test_the_association_pairs_every_process_with_the_kernels_audit_session(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob", tty=True) as second:
        pids = [start(first, "sudo -n sleep 1001"), start(second, "sleep 1002")]
        kernel = lab.truth()
        pairs = lab.logonscope("enumerate", "Win32_SessionProcess")
        after = lab.truth()

    told = {of_process(pair["Dependent"]): of_session(pair["Antecedent"]) for pair in pairs}
    steady = {pid: row for pid, row in kernel.items() if after.get(pid) == row}
    assert set(pids) <= steady.keys() <= told.keys()
    assert {pid: told[pid] for pid in steady} == {pid: str(row["sessionid"]) for pid, row in steady.items()}


def test_from_a_process_to_its_login_and_its_account(lab: Lab) -> None:
    with lab.machine.ssh("alice", tty=True) as shell:
        pid = lab.descendant(start(shell, "sudo -n sleep 1003"), "sleep")
        number = str(lab.truth()[pid]["sessionid"])
        (session,) = lab.logonscope("associators", f"Win32_Process={pid}", "--result-class", "Win32_LogonSession")
        (account,) = lab.logonscope(
            "associators", f"Win32_LogonSession={number}", "--assoc-class", "Win32_LoggedOnUser", "--role", "Dependent"
        )
        members = lab.logonscope("associators", f"Win32_LogonSession={number}", "--result-class", "Win32_Process")
        kernel = lab.truth()
        got = json.loads(asked(lab, "get", f"Win32_LogonSession={number}").stdout)

    assert (session["LogonId"], session["LogonType"]) == (number, 10)
    assert got == session
    assert (account["Name"], account["SID"]) == ("alice", f"S-1-22-1-{lab.alice.uid}")
    own = {row["ProcessId"] for row in members}
    assert pid in own
    assert {str(kernel[member]["sessionid"]) for member in own if member in kernel} == {number}


def test_groups_and_accounts_are_those_of_the_name_service(lab: Lab) -> None:
    hostname = lab.machine.run(["hostname"]).stdout.strip()
    groups = lab.logonscope(
        "associators", f'Win32_UserAccount.Domain="{hostname}",Name="alice"', "--result-class", "Win32_Group"
    )
    assert {row["Name"] for row in groups} == set(lab.machine.run(["id", "-Gn", "alice"]).stdout.split())
    everybody = {row["Name"] for row in lab.logonscope("enumerate", "Win32_Account", "-p", "Name,SIDType")}
    assert {"root", "alice", "bob", "daemon", "sudo"} <= everybody


def test_a_desktop_login_is_tied_to_its_users_manager(lab: Lab) -> None:
    wanted = [f"--uid={lab.alice.uid}", f"--login-uid={lab.alice.uid}", "--service=gdm-password", "--type=wayland",
              "--class=user", "--seat=seat0"]  # fmt: skip
    with lab.machine.create_session(*wanted) as desktop:
        kernel = lab.truth()
        pairs = lab.logonscope("enumerate", "LS_SessionUserManager", "-n", "root/logonscope")
        sessions = {
            row["LogonId"]: row for row in lab.logonscope("enumerate", "LS_LogonSession", "-n", "root/logonscope")
        }

    (pair,) = pairs
    assert of_session(pair["Dependent"]) == str(kernel[desktop.leader]["sessionid"])
    manager = sessions[of_session(pair["Antecedent"])]
    assert (manager["LoginClass"], manager["User"]) == ("manager", "alice")


def test_a_user_may_not_end_what_sudo_started_in_the_users_own_login(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        elevated = lab.descendant(start(shell, "sudo -n sleep 1004"), "sleep")
        own = start(shell, "sleep 1005")
        assert invoked(lab, elevated, "Terminate", user="alice") == (3, {"ReturnValue": 2})
        assert invoked(lab, elevated, "SetPriority", "Priority=64", user="alice") == (3, {"ReturnValue": 2})
        assert elevated in lab.truth()
        assert invoked(lab, own, "SetPriority", "Priority=64", user="alice") == (0, {"ReturnValue": 0})
        assert invoked(lab, own, "SetPriority", "Priority=128", user="alice") == (3, {"ReturnValue": 3})
        assert lab.machine.run(["ps", "-o", "ni=", "-p", str(own)]).stdout.strip() == "19"
        assert invoked(lab, own, "Terminate", user="alice") == (0, {"ReturnValue": 0})
        assert invoked(lab, elevated, "Terminate") == (0, {"ReturnValue": 0})
        assert shell.ask(f"wait {own} 2>/dev/null; echo $?").strip().endswith("137")
        after = lab.truth()

    assert elevated not in after
    assert own not in after


def test_a_user_learns_the_owners_of_their_own_processes_only(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        mine, other = start(first, "sleep 1006"), start(second, "sleep 1007")
        hostname = lab.machine.run(["hostname"]).stdout.strip()
        assert invoked(lab, mine, "GetOwner", user="alice") == (
            0, {"ReturnValue": 0, "User": "alice", "Domain": hostname},
        )  # fmt: skip
        assert invoked(lab, other, "GetOwner", user="alice") == (3, {"ReturnValue": 2})
        rows = {row["ProcessId"]: row for row in lab.logonscope("enumerate", "Win32_Process", user="alice")}

    assert (rows[mine]["CommandLine"], rows[mine]["Name"]) == ("sleep 1006", "sleep")
    assert (rows[other]["CommandLine"], rows[other]["SessionId"], rows[other]["Name"]) == (None, None, "sleep")
    assert rows[1]["ParentProcessId"] == 0


def test_a_query_finds_what_the_kernel_says(lab: Lab) -> None:
    like = "SELECT Handle FROM Win32_Process WHERE CommandLine LIKE 'sleep 101_'"
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        pid, other = start(first, "sleep 1011"), start(second, "sleep 1011")
        number = lab.truth()[pid]["sessionid"]
        session = f"Antecedent = 'Win32_LogonSession={number}'"
        pairs = lab.logonscope("query", f"SELECT Dependent FROM Win32_SessionProcess WHERE {session}")
        ties = "Where Resultclass = Win32_LogonSession Assocclass = Win32_SessionProcess"
        (found,) = lab.logonscope("query", f"Associators of {{Win32_Process='{pid}'}} {ties}")
        everybodys = lab.logonscope("query", like)
        own = json.loads(asked(lab, "query", like, user="alice").stdout)
        kernel = lab.truth()

    members = {of_process(pair["Dependent"]) for pair in pairs}
    assert pid in members
    assert {kernel[member]["sessionid"] for member in members if member in kernel} == {number}
    assert found["LogonId"] == str(number)
    assert {row["Handle"] for row in everybodys} == {str(pid), str(other)}
    assert [row["Handle"] for row in own] == [str(pid)]
