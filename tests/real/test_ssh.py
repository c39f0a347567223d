"""The logon session of an ssh login, and what remains of it after the connection has ended."""

import contextlib
from datetime import datetime
from pathlib import Path

import pytest

from tests.lab.lab import Lab, start
from tests.lab.systemd import wait_until


def test_a_login_without_a_terminal_is_a_network_logon(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        kernel = lab.truth()[pid]
        (logind,) = lab.logins().values()
        answer = lab.whose(pid)

    assert kernel["loginuid"] == lab.alice.uid
    assert (answer["logon_id"], answer["evidence"]) == (str(kernel["sessionid"]), "audit")
    session = answer["session"]
    assert (session["user"], session["uid"]) == ("alice", lab.alice.uid)
    assert (session["logon_type"], session["logon_type_name"]) == (3, "Network")
    assert (session["login"], session["recorded_by"]) == (logind["Id"], "logind")
    assert (session["service"], session["remote_host"]) == ("sshd", "127.0.0.1")
    assert (session["leader"], session["scope"]) == (int(logind["Leader"]), logind["Scope"])
    assert session["state"] == logind["State"] == "active"
    assert f"{datetime.fromisoformat(session['start']):%Y-%m-%d %H:%M:%S}" in logind["Timestamp"]
    assert (session["tty"], session["seat"], session["vt"]) == (None, None, None)


def test_a_login_with_a_terminal_is_a_remote_interactive_logon(lab: Lab) -> None:
    with lab.machine.ssh("alice", tty=True) as shell:
        pid = int(shell.ask("echo $$"))
        terminal = shell.ask("tty")
        session = lab.whose(pid)["session"]

    assert (session["logon_type"], session["logon_type_name"]) == (10, "RemoteInteractive")
    assert f"/dev/{session['tty']}" == terminal


def test_each_terminal_of_one_connection_is_that_of_its_own_processes(lab: Lab, tmp_path: Path) -> None:
    """Two terminals through one connection are one login to PAM, logind and the kernel (ssh_config, ControlMaster)."""
    shared = [f"ControlPath={tmp_path}/%p", "ControlMaster=auto"]
    shells = {}
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            shell = stack.enter_context(lab.machine.ssh("alice", tty=True, settings=shared))
            shells[int(shell.ask("echo $$"))] = shell.ask("tty").removeprefix("/dev/")
        kernel = lab.truth()
        answers = {pid: lab.whose(pid) for pid in shells}
        texts = {pid: lab.machine.run(lab.command("whose", str(pid))).stdout.splitlines()[0] for pid in shells}
        (login,) = lab.logins().values()
        shell.close()
        first, second = shells
        wait_until(lambda: second not in lab.truth(), what="the second terminal is gone")
        alone = lab.whose(first)

    assert len(set(shells.values())) == 2
    assert {kernel[pid]["sessionid"] for pid in shells} == {int(answer["logon_id"]) for answer in answers.values()}
    assert {pid: answer["tty"] for pid, answer in answers.items()} == shells
    for pid, terminal in shells.items():
        (other,) = set(shells.values()) - {terminal}
        assert (f"on {terminal} " in texts[pid], other in texts[pid]) == (True, False)
    assert alone["tty"] == shells[first]
    for answer in (*answers.values(), alone):
        assert (answer["session"]["leader"], answer["session"]["logon_type"]) == (int(login["Leader"]), 10)


def test_a_single_command_is_a_logon_session_too(lab: Lab) -> None:
    with lab.machine.ssh("bob", "echo $$; exec sleep 1000") as shell:
        pid = int(shell.read())
        kernel = lab.truth()[pid]
        session = lab.session(str(kernel["sessionid"]))

    assert (session["user"], session["logon_type"], session["tty"]) == ("bob", 3, None)


def test_each_login_has_its_own_logon_session(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("alice") as second, lab.machine.ssh("bob") as third:
        pids = [int(shell.ask("echo $$")) for shell in (first, second, third)]
        kernel = lab.truth()
        listed = {row["logon_id"]: row["user"] for row in lab.logonscope("sessions")}
        found = [lab.whose(pid)["logon_id"] for pid in pids]

    assert found == [str(kernel[pid]["sessionid"]) for pid in pids]
    assert len(set(found)) == len(pids)
    assert [listed[logon_id] for logon_id in found] == ["alice", "alice", "bob"]


def test_root_logs_in_as_any_user(lab: Lab) -> None:
    with lab.machine.ssh("root") as shell:
        pid = int(shell.ask("echo $$"))
        session = lab.whose(pid)["session"]

    assert (session["user"], session["uid"], session["logon_type"]) == ("root", 0, 3)


def test_the_leader_belongs_to_the_login_and_sshd_does_not(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        kernel = lab.truth()
        (logind,) = lab.logins().values()
        leader = int(logind["Leader"])
        rows = {row["pid"]: row for row in lab.logonscope("ps")}
        listener = kernel[leader]["ppid"]

    assert rows[leader]["logon_id"] == rows[pid]["logon_id"]
    assert (rows[leader]["user"], rows[pid]["user"]) == ("root", "alice")
    assert kernel[listener]["comm"] == "sshd"
    assert (rows[listener]["logon_id"], rows[listener]["evidence"]) == ("4294967295", "none")


def test_the_chain_leads_from_the_login_to_the_process(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        sleeper = start(shell, "sleep 1000")
        (logind,) = lab.logins().values()
        sshd = lab.truth()[int(logind["Leader"])]["comm"]
        chain = lab.whose(sleeper)["chain"]

    assert [(link["name"], link["user"]) for link in chain] == [
        (sshd, "root"),
        (sshd, "alice"),
        ("bash", "alice"),
        ("sleep", "alice"),
    ]
    assert sshd in {"sshd", "sshd-session"}  # since OpenSSH 9.8
    assert (chain[0]["pid"], chain[-2]["pid"], chain[-1]["pid"]) == (int(logind["Leader"]), pid, sleeper)


DETACHED = {
    "in the background": "sleep 1000",
    "immune to hang-ups": "nohup sleep 1000",
    "in a session of its own": "setsid sleep 1000",
    "twice forked": "sh -c '(setsid sleep 1000 &) &'",
    "in a user namespace": "unshare --user --map-root-user sleep 1000",
    "at a terminal of its own": "script --quiet --command 'sleep 1000; true' /dev/null",
    "in a tmux": "tmux new-session -d 'sleep 1000; true'",
}


@pytest.mark.parametrize("command", DETACHED.values(), ids=DETACHED)
def test_whatever_a_login_starts_belongs_to_it(lab: Lab, command: str) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        start(shell, command)
        sleeper = wait_until(lambda: next((p for p, row in lab.truth().items() if row["comm"] == "sleep"), None))
        assert sleeper is not None
        kernel = lab.truth()
        logon_id = lab.whose(pid)["logon_id"]
        answer = lab.whose(sleeper)

    assert str(kernel[sleeper]["sessionid"]) == logon_id
    assert (answer["logon_id"], answer["evidence"], answer["leftover"]) == (logon_id, "audit", False)
    assert answer["session"]["tty"] is None  # it was given none, whatever runs at one now
    assert answer["session"]["logon_type"] == 3


def test_the_processes_of_a_login_can_be_listed(lab: Lab) -> None:
    with lab.machine.ssh("alice") as first, lab.machine.ssh("alice") as second:
        sleeper = start(first, "sleep 1000")
        logon_id = lab.whose(sleeper)["logon_id"]
        other = int(second.ask("echo $$"))
        kernel = lab.truth()
        of_login = {row["pid"] for row in lab.logonscope("ps", logon_id)}
        of_alice = {row["pid"] for row in lab.logonscope("ps", "alice")}
        counted = lab.session(logon_id)

    assert of_login == {pid for pid, row in kernel.items() if row["sessionid"] == int(logon_id)}
    assert of_alice == {pid for pid, row in kernel.items() if row["loginuid"] == lab.alice.uid}
    assert other in of_alice - of_login
    assert (counted["processes"], counted["leftovers"]) == (len(of_login), 0)


def test_what_setsid_detached_is_left_over_after_logout(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "setsid sleep 1000")
        before = lab.whose(sleeper)
        assert before["session"]["state"] == "active"
        assert lab.logonscope("leftovers") == []
        lab.hang_up(shell, before["session"]["leader"])

    assert lab.truth()[sleeper]["ppid"] == 1
    (row,) = lab.logonscope("leftovers")
    assert (row["pid"], row["logon_id"], row["leftover"]) == (sleeper, before["logon_id"], True)
    assert row["evidence"] == "audit"
    after = lab.whose(sleeper)
    assert after["logon_id"] == before["logon_id"]
    assert after["session"]["state"] == "logged out"
    counted = lab.session(before["logon_id"])
    assert (counted["processes"], counted["leftovers"]) == (1, 1)
    lasting = ("user", "start", "remote_host", "service", "login")
    assert {key: after["session"][key] for key in lasting} == {key: before["session"][key] for key in lasting}
    assert after["session"]["logon_type"] in {3, None}  # whether it had a terminal can no longer be seen


def test_tmux_survives_its_login_and_keeps_it(lab: Lab) -> None:
    with lab.machine.ssh("alice", tty=True) as first:
        shell = int(first.ask("echo $$"))
        pane = int(first.ask("tmux new-session -d -s work -P -F '#{pane_pid}' 'sleep 1000'"))
        login = lab.whose(shell)["session"]
        lab.hang_up(first, login["leader"])

    with lab.machine.ssh("alice", tty=True) as second:
        window = int(second.ask("tmux new-window -d -t work -P -F '#{pane_pid}' 'sleep 1000'"))
        other = lab.whose(int(second.ask("echo $$")))
        kernel = lab.truth()
        left = {row["pid"]: row for row in lab.logonscope("leftovers")}
        gone = lab.session(login["logon_id"])
        owner = lab.whose(window)

    assert kernel[window]["sessionid"] == kernel[pane]["sessionid"] == int(login["logon_id"])
    assert owner["logon_id"] == login["logon_id"] != other["logon_id"]
    server = kernel[window]["ppid"]
    assert kernel[server]["comm"] == "tmux: server"
    assert set(left) == {server, pane, window}
    assert {row["logon_id"] for row in left.values()} == {login["logon_id"]}
    assert left[server]["name"] == "tmux: server"
    assert (gone["state"], gone["leftovers"]) == ("logged out", len(left))
    assert other["session"]["state"] == "active"


def test_when_the_last_process_ends_the_logon_session_is_gone(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "setsid sleep 1000")
        login = lab.whose(sleeper)["session"]
        lab.hang_up(shell, login["leader"])
    lab.machine.run(["kill", str(sleeper)])

    assert login["logon_id"] not in {row["logon_id"] for row in lab.logonscope("sessions")}
