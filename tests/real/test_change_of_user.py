"""Processes that changed their user: sudo and su keep the logon session; a daemon's su makes another one."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab, start
from tests.lab.systemd import free_port, wait_until

INSIDE = {
    "sudo": ("sudo -n sleep 1000", "root"),
    "sudo to a user": ("sudo -n -u bob sleep 1000", "bob"),
    "sudo as if logged in": ("sudo -n -i sleep 1000", "root"),
    "su": ("sudo -n su bob -c 'sleep 1000; true'", "bob"),
    "su as if logged in": ("sudo -n su - bob -c 'sleep 1000; true'", "bob"),
    "runuser": ("sudo -n runuser -u bob sleep 1000", "bob"),
}


@pytest.mark.parametrize(("command", "user"), INSIDE.values(), ids=INSIDE)
def test_inside_a_login_it_stays_in_that_login(lab: Lab, command: str, user: str) -> None:
    with lab.machine.ssh("alice") as shell:
        shell_pid = int(shell.ask("echo $$"))
        sleeper = lab.descendant(start(shell, command), "sleep")
        kernel = lab.truth()
        login = lab.whose(shell_pid)["session"]
        answer = lab.whose(sleeper)
        (row,) = [row for row in lab.logonscope("ps", login["logon_id"]) if row["pid"] == sleeper]
        logged_in = list(lab.logins())

    assert kernel[sleeper]["sessionid"] == kernel[shell_pid]["sessionid"]
    assert kernel[sleeper]["loginuid"] == lab.alice.uid
    assert logged_in == [login["login"]]
    assert (answer["logon_id"], answer["evidence"]) == (login["logon_id"], "audit")
    assert (answer["session"]["user"], row["user"]) == ("alice", user)
    assert [link["user"] for link in answer["chain"]][:2] == ["root", "alice"]
    assert "sudo" in [link["name"] for link in answer["chain"]]


def test_what_sudo_left_running_is_a_leftover_of_the_login(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        sleeper = lab.descendant(start(shell, "setsid sudo -n sleep 1000"), "sleep")
        login = lab.whose(sleeper)["session"]
        lab.hang_up(shell, login["leader"])
    left = {row["pid"]: row for row in lab.logonscope("leftovers")}

    assert (left[sleeper]["user"], left[sleeper]["uid"]) == ("root", 0)
    assert {row["logon_id"] for row in left.values()} == {login["logon_id"]}
    assert lab.session(login["logon_id"])["user"] == "alice"


def test_su_from_a_daemon_is_known_by_its_scope(lab: Lab) -> None:
    su = lab.daemon("su", "-", "alice", "-c", "sleep 1000; true")
    sleeper = lab.descendant(su, "sleep")
    kernel = lab.truth()[sleeper]
    (logind,) = lab.logins().values()
    answer = lab.whose(sleeper)

    assert kernel["sessionid"] == 2**32 - 1
    assert logind["Id"].startswith("c")
    assert kernel["cgroup"] == f"/user.slice/user-{lab.alice.uid}.slice/session-{logind['Id']}.scope"
    logon_id = str(2**32 + int(logind["Id"].removeprefix("c")))
    assert (answer["logon_id"], answer["evidence"]) == (logon_id, "scope")
    session = answer["session"]
    assert (session["login"], session["recorded_by"], session["service"]) == (logind["Id"], "logind", "su-l")
    assert (session["user"], session["uid"]) == ("alice", lab.alice.uid)
    assert (session["logon_type"], session["remote_host"]) == (4, None)
    assert {row["pid"] for row in lab.logonscope("ps", logind["Id"])} >= {su, sleeper}


def test_an_sshd_inside_a_login_makes_no_new_ones_of_its_user(lab: Lab) -> None:
    """It lies in the login's scope, so logind takes whoever comes for the login itself."""
    port = free_port()
    with lab.machine.ssh("alice") as owner:
        first = int(owner.ask("echo $$"))
        owner.ask(f"sudo -n /usr/sbin/sshd -p {port}")
        with lab.machine.ssh("alice", port=port) as second_shell, lab.machine.ssh("bob", port=port) as third_shell:
            second, third = int(second_shell.ask("echo $$")), int(third_shell.ask("echo $$"))
            kernel = lab.truth()
            logged_in = list(lab.logins())
            answers = {pid: lab.whose(pid) for pid in (first, second, third)}

    assert kernel[first]["sessionid"] == kernel[second]["sessionid"] != kernel[third]["sessionid"]
    assert logged_in == [answers[first]["session"]["login"]]
    assert answers[first]["logon_id"] == answers[second]["logon_id"] == str(kernel[first]["sessionid"])
    assert (answers[third]["logon_id"], answers[third]["evidence"]) == (str(kernel[third]["sessionid"]), "audit")
    session = answers[third]["session"]
    assert (session["user"], session["uid"], session["recorded_by"]) == ("bob", lab.bob.uid, None)
    assert session["logon_type"] == 3


def test_su_from_a_daemon_at_a_terminal_is_interactive(lab: Lab) -> None:
    script = lab.daemon("script", "--quiet", "--command", "su - alice -c 'sleep 1000; true'", "/dev/null")
    sleeper = lab.descendant(script, "sleep")
    (logind,) = lab.logins().values()
    answer = lab.whose(sleeper)

    assert answer["logon_id"] == str(2**32 + int(logind["Id"].removeprefix("c")))
    assert (answer["session"]["logon_type"], answer["session"]["tty"]) == (2, logind["TTY"])


@contextlib.contextmanager
def sharing_sshd(lab: Lab) -> Iterator[tuple[int, int]]:
    """Log in, and hand the login's kernel id to an sshd outside of its scope; yield the login's shell and the port."""
    port = free_port()
    with lab.machine.ssh("alice") as owner:
        shell = int(owner.ask("echo $$"))
        owner.ask(f"sudo -n systemd-run --quiet --scope --unit=lab-sshd-{port} /usr/sbin/sshd -p {port}")
        yield shell, port


def test_logins_that_share_a_kernel_id_are_distinguished(lab: Lab) -> None:
    with (
        sharing_sshd(lab) as (first, port),
        lab.machine.ssh("alice", port=port) as second_shell,
        lab.machine.ssh("alice", port=port) as third_shell,
        lab.machine.ssh("bob", port=port) as fourth_shell,
    ):
        second, third, fourth = (int(shell.ask("echo $$")) for shell in (second_shell, third_shell, fourth_shell))
        kernel = lab.truth()
        logind = {int(login["Leader"]): login for login in lab.logins().values()}
        answers = {pid: lab.whose(pid) for pid in (first, second, third, fourth)}
        listed = {row["logon_id"]: row for row in lab.logonscope("sessions")}

    shared = kernel[first]["sessionid"]
    assert kernel[second]["sessionid"] == kernel[third]["sessionid"] == shared != kernel[fourth]["sessionid"]
    assert (answers[first]["logon_id"], answers[first]["evidence"]) == (str(shared), "audit")
    for pid in (second, third):
        login = logind[answers[pid]["session"]["leader"]]
        assert kernel[pid]["cgroup"] == f"/user.slice/user-{lab.alice.uid}.slice/{login['Scope']}"
        assert answers[pid]["logon_id"] == str(2**32 + int(login["Id"].removeprefix("c")))
        assert answers[pid]["evidence"] == "scope"
        session = listed[answers[pid]["logon_id"]]
        assert (session["user"], session["uid"], session["logon_type"]) == ("alice", lab.alice.uid, 3)
        assert session["processes"] == sum(login["Scope"] in row["cgroup"] for row in kernel.values())
    assert (answers[fourth]["logon_id"], answers[fourth]["evidence"]) == (str(kernel[fourth]["sessionid"]), "audit")
    assert len({answer["logon_id"] for answer in answers.values()}) == len(answers)


def test_a_leftover_of_a_login_that_shared_a_kernel_id_stays_with_it(lab: Lab) -> None:
    with sharing_sshd(lab) as (first, port):
        with lab.machine.ssh("alice", port=port) as later:
            sleeper = start(later, "setsid sleep 1000")
            before = lab.whose(sleeper)
            lab.hang_up(later, before["session"]["leader"])
        kernel = lab.truth()
        after = lab.whose(sleeper)
        left = [row["pid"] for row in lab.logonscope("leftovers")]
        state = lab.whose(first)["session"]["state"]

    assert kernel[sleeper]["sessionid"] == kernel[first]["sessionid"]
    assert before["evidence"] == "scope"
    assert (after["logon_id"], after["evidence"]) == (before["logon_id"], "scope")
    assert (after["session"]["state"], state) == ("logged out", "active")
    assert left == [sleeper]


def test_the_login_whose_kernel_id_is_shared_logs_out_alone(lab: Lab) -> None:
    with contextlib.ExitStack() as stack:
        with sharing_sshd(lab) as (first, port):
            later = stack.enter_context(lab.machine.ssh("alice", port=port))
            shell = int(later.ask("echo $$"))
            owner, sharer = lab.whose(first), lab.whose(shell)
        wait_until(lambda: owner["session"]["leader"] not in lab.truth(), what="the first login's leader is gone")
        kernel = lab.truth()
        rows = {row["pid"]: row for row in lab.logonscope("ps")}
        state = lab.session(sharer["logon_id"])["state"]

    sshd = kernel[sharer["session"]["leader"]]["ppid"]
    assert kernel[sshd]["sessionid"] == kernel[shell]["sessionid"] == int(owner["logon_id"])
    assert (rows[sshd]["logon_id"], rows[sshd]["evidence"]) == (owner["logon_id"], "audit")
    assert (rows[shell]["logon_id"], rows[shell]["evidence"]) == (sharer["logon_id"], "scope")
    assert (state, rows[shell]["leftover"]) == ("active", False)


def test_run0_makes_a_login_of_the_target_user(lab: Lab) -> None:
    """Before systemd 256 the same is done without run0: a service that opens a session of PAM."""
    without_run0 = "systemd-run -q --wait --uid=bob -p PAMName=login"
    with lab.machine.ssh("alice") as shell:
        run = shell.ask(f'command -v run0 >/dev/null && echo "run0 -u bob --background=" || echo "{without_run0}"')
        caller = start(shell, f"sudo -n {run} sleep 1000")
        sleeper = lab.descendant(1, "sleep")
        kernel = lab.truth()[sleeper]
        (scope,) = wait_until(lambda: [login for login in lab.logins().values() if login["Name"] == "bob"])
        answer, called_by = lab.whose(sleeper), lab.whose(caller)

    assert kernel["cgroup"] == f"/user.slice/user-{lab.bob.uid}.slice/{scope['Scope']}"
    session = answer["session"]
    assert (session["login"], session["user"], session["service"]) == (scope["Id"], "bob", scope["Service"])
    assert (session["leader"], answer["user"], [link["pid"] for link in answer["chain"]]) == (sleeper, "bob", [sleeper])
    assert called_by["session"]["user"] == "alice"
