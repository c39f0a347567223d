"""Access: every user sees their own logon sessions and processes; only root and sudo see all."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.lab.lab import PYTHON, Lab, start
from tests.lab.systemd import Machine

NOTICE = "only your own logon sessions are shown; use sudo or --readable to see all"


def asked(machine: Machine, *words: str, user: str) -> tuple[int, str, str]:
    """Ask the product as a user; return exit code, output and what it says beside it."""
    done = machine.run([PYTHON, "-m", "logonscope", *words, "-o", "json"], user, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_user_sees_no_logon_session_of_another_user(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second, lab.machine.ssh("root") as third:
        pids = [int(shell.ask("echo $$")) for shell in (first, second, third)]
        kernel = lab.truth()
        everything = lab.logonscope("sessions")
        seen = {name: lab.logonscope("sessions", user=name) for name in ("alice", "bob")}

    assert {row["user"] for row in everything} == {"alice", "bob", "root", None}
    for name, account, pid in (("alice", lab.alice, pids[0]), ("bob", lab.bob, pids[1])):
        assert {row["uid"] for row in seen[name]} == {account.uid}
        own = {str(row["sessionid"]) for row in kernel.values() if row["loginuid"] == account.uid}
        assert {row["logon_id"] for row in seen[name]} == own
        assert str(kernel[pid]["sessionid"]) in own


def test_a_user_sees_the_processes_of_its_logins_and_those_that_run_as_it(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        first.ask("true")
        as_root = lab.descendant(start(first, "sudo -n sleep 1001"), "sleep")
        as_bob = lab.descendant(start(first, "sudo -n -u bob sleep 1002"), "sleep")
        of_bob = start(second, "sleep 1003")
        kernel = lab.truth()
        everything = {row["pid"]: row for row in lab.logonscope("ps")}
        of_alice = {row["pid"]: row for row in lab.logonscope("ps", user="alice")}
        seen_by_bob = {row["pid"]: row for row in lab.logonscope("ps", user="bob")}

    logged_in_as_alice = {pid for pid, row in kernel.items() if row["loginuid"] == lab.alice.uid}
    assert {as_root, as_bob} <= logged_in_as_alice <= of_alice.keys()
    assert of_bob not in of_alice
    assert {row["logon_id"] for pid, row in of_alice.items() if pid in logged_in_as_alice} == {
        everything[pid]["logon_id"] for pid in logged_in_as_alice
    }
    assert everything[as_root]["command_line"] == "sleep 1001"
    assert (of_alice[as_root]["user"], of_alice[as_root]["command_line"]) == ("root", None)  # elevated: details hidden
    assert set(of_alice[as_root]["unread"].values()) == {"not one of your processes"}
    assert seen_by_bob[of_bob]["command_line"] == "sleep 1003"
    assert seen_by_bob[as_bob]["command_line"] == "sleep 1002"
    assert (seen_by_bob[as_bob]["logon_id"], seen_by_bob[as_bob]["leftover"]) == (None, None)  # the login is alice's


def test_a_user_sees_no_leftovers_of_others(lab: Lab) -> None:
    left = {}
    for name in ("alice", "bob"):
        with lab.machine.ssh(name) as shell:
            left[name] = start(shell, "setsid sleep 1000")
            lab.hang_up(shell, lab.whose(left[name])["session"]["leader"])

    assert {row["pid"] for row in lab.logonscope("leftovers")} == set(left.values())
    for name, pid in left.items():
        assert [row["pid"] for row in lab.logonscope("leftovers", user=name)] == [pid]


def test_a_user_learns_nothing_of_the_login_of_another(lab: Lab) -> None:
    with lab.machine.ssh("bob") as shell:
        pid = int(shell.ask("echo $$"))
        logon_id = lab.whose(pid)["logon_id"]
        code, out, error = asked(lab.machine, "whose", str(pid), user="alice")
        listed = asked(lab.machine, "ps", logon_id, user="alice")

    assert (code, out) == (3, "[]\n")
    assert "is not in one of your logon sessions" in error
    assert "bob" not in error
    assert logon_id not in re.findall(r"\w+", error)
    assert (listed[0], json.loads(listed[1])) == (1, [])


def test_a_user_learns_what_is_missing(lab: Lab) -> None:
    with lab.machine.ssh("alice"):
        notice = json.loads(asked(lab.machine, "sessions", user="bob")[2].splitlines()[0])["notice"]
        assert notice == NOTICE
        assert asked(lab.machine, "sessions", "--readable", user="bob")[2] == ""


def test_sudo_inside_a_login_sees_all(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        second.ask("true")
        own = json.loads(first.ask(f"{PYTHON} -m logonscope sessions -o json 2>/dev/null"))
        elevated = json.loads(first.ask(f"sudo -n {PYTHON} -m logonscope sessions -o json"))

    assert {row["user"] for row in own} == {"alice"}
    assert {row["user"] for row in elevated} == {"alice", "bob", None}


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_facts_that_every_user_may_read_are_not_hidden(lab: Lab, user: str) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("bob") as second:
        pids = [int(shell.ask("echo $$")) for shell in (first, second)]
        everything = {row["pid"]: row["logon_id"] for row in lab.logonscope("ps")}
        readable = {row["pid"]: row["logon_id"] for row in lab.logonscope("ps", "--readable", user=user)}

    assert {pid: readable[pid] for pid in pids} == {pid: everything[pid] for pid in pids}
    assert {pid for pid, logon_id in everything.items() if logon_id == "4294967295"} & readable.keys()


@pytest.fixture
def hidden(lab: Lab) -> Iterator[None]:
    """Have /proc show every user only the processes that run as them (proc(5), hidepid)."""
    lab.machine.run(["mount", "-o", "remount,hidepid=invisible", "/proc"])
    yield
    lab.machine.run(["mount", "-o", "remount,hidepid=off", "/proc"])


@pytest.mark.usefixtures("hidden")
def test_where_others_are_hidden_no_leader_counts_as_gone(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        kernel = lab.truth()
        own = {row["pid"]: row for row in lab.logonscope("ps", user="alice")}
        (session,) = [row for row in lab.logonscope("sessions", user="alice") if row["service"] == "sshd"]
        everything = {row["pid"]: row["logon_id"] for row in lab.logonscope("ps")}

    assert session["leader"] not in own  # it runs as root
    assert (own[pid]["logon_id"], own[pid]["evidence"]) == (str(kernel[pid]["sessionid"]), "audit")
    assert (session["state"], own[pid]["leftover"], session["leftovers"]) == ("active", False, 0)
    assert everything[pid] == own[pid]["logon_id"]
    assert everything[1] == "4294967295"
