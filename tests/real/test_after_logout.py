"""Logins after their leader has ended: owner, state and description of the processes that they left running.

The measure is the kernel's own session id and login uid of each process, and the description while the login lasted.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab, Row, start
from tests.lab.shell import Shell
from tests.lab.systemd import free_port, wait_until

LASTING = ("logon_id", "user", "uid", "start", "remote_host", "remote_user", "service", "login_class", "login", "scope")
"""What a login record says and no end of a leader changes."""

NO_PAM_SYSTEMD = "sed -i 's/^session.*pam_systemd.so/#&/' /etc/pam.d/common-session"
PAM_SYSTEMD = "sed -i 's/^#\\(session.*pam_systemd.so\\)/\\1/' /etc/pam.d/common-session"


def lasting(session: Row) -> Row:
    """Return what may not change of a logon session that has a record."""
    return {name: session[name] for name in LASTING}


def assert_left_over(lab: Lab, pid: int, logon_id: str) -> None:
    """Hold each command that shows a process against the kernel: it is left over by this logon session."""
    kernel = lab.truth()[pid]
    (row,) = [row for row in lab.logonscope("leftovers") if row["pid"] == pid]
    (listed,) = [row for row in lab.logonscope("ps", logon_id) if row["pid"] == pid]
    asked = lab.whose(pid)
    for answer in (row, listed, asked):
        assert (answer["logon_id"], answer["leftover"]) == (logon_id, True)
        assert answer["login_uid"] == kernel["loginuid"]
    session = lab.session(logon_id)
    assert session["state"] == asked["session"]["state"] == "logged out"
    counted = sum(row["logon_id"] == logon_id for row in lab.logonscope("ps"))
    assert (session["processes"], session["leftovers"]) == (counted, counted)


def test_a_login_whose_leader_ended_is_described_as_before(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "setsid sleep 1000")
        kernel = lab.truth()[sleeper]
        before = lab.whose(sleeper)["session"]
        login = before["login"]
        lab.hang_up(shell, before["leader"])

    assert before["logon_id"] == str(kernel["sessionid"])
    assert before["remote_host"] == "127.0.0.1"
    assert before["join_evidence"] == ("leader" if lab.machine.system.container else "record")
    assert login in lab.logins()  # logind keeps the record as long as something runs in the login's scope
    assert_left_over(lab, sleeper, str(kernel["sessionid"]))
    after = lab.whose(sleeper)["session"]
    assert lasting(after) == lasting(before) == lasting(lab.session(before["logon_id"]))
    assert after["join_evidence"] == ("scope" if lab.machine.system.container else "record")
    assert {row["pid"] for row in lab.logonscope("ps", login)} == {sleeper}


def has_ended(lab: Lab, pid: int) -> bool:
    """Return whether a process has ended."""
    return pid not in lab.truth()


def sharing_sshd(owner: Shell) -> int:
    """Start an sshd outside of the scope of the login that starts it, with that login's kernel id; return its port."""
    port = free_port()
    owner.ask(f"sudo -n systemd-run --quiet --scope --unit=lab-sshd-{port} /usr/sbin/sshd -p {port}")
    return port


@pytest.mark.parametrize("keeps", [True, False], ids=["the first login leaves a process", "it leaves none"])
def test_no_login_takes_over_the_processes_of_a_shared_kernel_id(lab: Lab, keeps: bool) -> None:
    """At every step of two logins that end one after the other, each process has the LogonId that it had first."""
    steps: list[dict[int, str]] = []
    pids: set[int] = set()

    def step() -> None:
        rows = {row["pid"]: row["logon_id"] for row in lab.logonscope("ps")}
        asked = {pid: lab.whose(pid)["logon_id"] for pid in pids & rows.keys()}
        assert asked == {pid: rows[pid] for pid in asked}
        steps.append(asked)

    with lab.machine.ssh("alice") as owner:
        if keeps:
            pids.add(start(owner, "setsid sleep 1001"))
        pids.add(int(owner.ask("echo $$")))
        first = lab.whose(max(pids))["session"]
        step()
        with lab.machine.ssh("alice", port=sharing_sshd(owner)) as later:
            sleeper = start(later, "setsid sleep 1002")
            pids.update({sleeper, int(later.ask("echo $$"))})
            second = lab.whose(sleeper)["session"]
            pids.add(lab.truth()[second["leader"]]["ppid"])  # the sshd
            kernel = lab.truth()
            step()
            lab.hang_up(later, second["leader"])
            step()
        lab.hang_up(owner, first["leader"])
    step()
    if not keeps:
        wait_until(lambda: first["login"] not in lab.logins(), what="the first login's record is gone")
    step()
    step()

    assert len({kernel[pid]["sessionid"] for pid in pids}) == 1
    assert first["logon_id"] == str(kernel[sleeper]["sessionid"]) != second["logon_id"]
    for before, after in itertools.pairwise(steps):
        still = before.keys() & after.keys()
        assert {pid: after[pid] for pid in still} == {pid: before[pid] for pid in still}
    assert steps[-1][sleeper] == second["logon_id"]
    assert_left_over(lab, sleeper, second["logon_id"])


def test_a_login_through_anothers_sshd_stays_its_own_when_the_other_has_logged_out(lab: Lab) -> None:
    """Logind makes no session of it: it stays in the scope of the login that started the sshd."""
    port = free_port()
    with lab.machine.ssh("alice") as owner:
        owner.ask(f"sudo -n /usr/sbin/sshd -p {port} -o PidFile=/run/lab-sshd.pid")
        alices = start(owner, "setsid sleep 1005")
        first = lab.whose(alices)["session"]
        with lab.machine.ssh("bob", port=port) as inner:
            bobs = start(inner, "setsid sleep 1006")
            kernel = lab.truth()
            inner_leader = kernel[kernel[int(inner.ask("echo $$"))]["ppid"]]["ppid"]
            lab.hang_up(inner, inner_leader)
        lab.hang_up(owner, first["leader"])
    steps = [(lab.whose(alices)["logon_id"], lab.whose(bobs)["session"])]
    sshd = int(lab.machine.run(["cat", "/run/lab-sshd.pid"]).stdout)
    for pid in (sshd, alices):
        lab.machine.run(["kill", str(pid)])
        wait_until(functools.partial(has_ended, lab, pid), what=f"{pid} has ended")
        steps.append((first["logon_id"], lab.whose(bobs)["session"]))

    assert kernel[alices]["cgroup"] == kernel[bobs]["cgroup"]
    assert kernel[alices]["loginuid"] != kernel[bobs]["loginuid"]
    for alices_logon_id, bobs_session in steps:
        assert alices_logon_id == first["logon_id"] == str(kernel[alices]["sessionid"])
        assert (bobs_session["logon_id"], bobs_session["user"]) == (str(kernel[bobs]["sessionid"]), "bob")
        assert (bobs_session["recorded_by"], bobs_session["remote_host"]) == (None, None)
    assert [row["pid"] for row in lab.logonscope("leftovers", user="alice")] == []
    lab.machine.run(["kill", str(bobs)])


def test_a_scope_of_the_users_manager_keeps_the_login_whose_record_is_gone(lab: Lab) -> None:
    lab.machine.run(["loginctl", "enable-linger", "alice"])
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "systemd-run --user --scope --quiet sleep 999")
        wait_until(lambda: lab.truth()[sleeper]["comm"] == "sleep")
        before = lab.whose(sleeper)
    wait_until(lambda: before["session"]["login"] not in lab.logins(), what="logind has forgotten the login")
    kernel = lab.truth()[sleeper]
    after = lab.whose(sleeper)
    (listed,) = lab.logonscope("ps", before["logon_id"])
    session = lab.session(before["logon_id"])

    assert f"/user@{lab.alice.uid}.service/" in kernel["cgroup"]
    assert before["logon_id"] == after["logon_id"] == listed["logon_id"] == str(kernel["sessionid"])
    for described in (after["session"], session):
        assert (described["user"], described["uid"]) == ("alice", kernel["loginuid"])
        assert (described["recorded_by"], described["login"], described["state"]) == (None, None, None)
        assert described["start_is_approximate"] is True
    text = lab.machine.run(["env", "COLUMNS=200", *lab.command("whose", str(sleeper))]).stdout
    assert "no login service" in text or "no record" in text


@pytest.mark.parametrize("user", ["alice", "root"])
@pytest.mark.parametrize("daemon", ["at", "cron"])
def test_what_a_job_left_behind_is_a_leftover_of_a_batch_logon(lab: Lab, daemon: str, user: str) -> None:
    pid = left_by_job(lab, daemon, user)
    try:
        kernel = lab.truth()[pid]
        assert kernel["cgroup"] == f"/system.slice/{'atd' if daemon == 'at' else 'cron'}.service"
        assert (kernel["ppid"], lab.logins()) == (1, {})
        assert_left_over(lab, pid, str(kernel["sessionid"]))
        session = lab.whose(pid)["session"]
        assert (session["user"], session["uid"]) == (user, kernel["loginuid"])
        assert (session["logon_type"], session["logon_type_name"]) == (4, "Batch")
        assert (session["recorded_by"], session["remote_host"]) == (None, None)
    finally:
        lab.machine.run(["kill", str(pid)])


def left_by_job(lab: Lab, daemon: str, user: str) -> int:
    """Have a job of cron or at end while something that it started goes on; return that process."""
    job = "setsid sleep 1003 >/dev/null 2>&1 </dev/null &"
    known = lab.truth().keys()
    if daemon == "at":
        lab.machine.run(["at", "now"], user=None if user == "root" else user, input=f"{job}\n")
    else:
        lab.machine.run(["crontab", "-u", user, "-"], input=f"@reboot {job}\n")
        lab.machine.run(["sh", "-c", "rm -f /run/crond.reboot; systemctl restart cron"])

    def left() -> int | None:
        rows = lab.truth()
        sleeping = (row for pid, row in rows.items() if pid not in known and row["comm"] == "sleep")
        carriers = Counter(row["sessionid"] for row in rows.values())
        return next((row["pid"] for row in sleeping if carriers[row["sessionid"]] == 1), None)

    pid = wait_until(left, what=f"a job of {daemon} has ended")
    lab.machine.run(["crontab", "-r", "-u", user], check=False)
    assert pid is not None
    return pid


@pytest.fixture
def without_pam_systemd(lab: Lab) -> Iterator[Lab]:
    """Have logins come about without logind, as on servers that leave pam_systemd out."""
    lab.machine.run(["sh", "-c", NO_PAM_SYSTEMD])
    yield lab
    lab.machine.run(["sh", "-c", f"{PAM_SYSTEMD}; pkill -KILL -x sleep"], check=False)


def test_a_login_without_a_record_says_that_its_start_is_approximate(without_pam_systemd: Lab) -> None:
    lab = without_pam_systemd
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "setsid sleep 1004")
        kernel = lab.truth()
        before = lab.whose(sleeper)
        listed = lab.session(before["logon_id"])
        leader = kernel[kernel[int(shell.ask("echo $$"))]["ppid"]]["ppid"]
        assert lab.logins() == {}
        lab.hang_up(shell, leader)
    after = lab.whose(sleeper)

    assert before["logon_id"] == after["logon_id"] == str(kernel[sleeper]["sessionid"])
    assert kernel[sleeper]["cgroup"] == "/system.slice/ssh.service"
    assert before["session"] | {"processes": None, "leftovers": None} == listed | {"processes": None, "leftovers": None}
    for session in (before["session"], after["session"]):
        assert (session["user"], session["recorded_by"]) == ("alice", None)
        assert session["start_is_approximate"] is True
    assert (before["session"]["logon_type"], before["session"]["state"]) == (3, None)
    assert_left_over(lab, sleeper, before["logon_id"])
