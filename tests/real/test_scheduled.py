"""Logon sessions of scheduled processes: jobs of cron and at, and daemons."""

import pytest

from tests.lab.lab import Lab, Row

SYSTEM = "4294967295"


def sleeper(lab: Lab, daemon: str) -> int:
    """Wait for a sleep that this daemon's job runs."""
    return lab.descendant(lab.main_process(daemon), "sleep")


def cron(lab: Lab, user: str) -> int:
    """Have cron run a job at once: its daemon takes this start for the computer's."""
    lab.machine.run(["crontab", "-u", user, "-"], input="@reboot sleep 1000\n")
    lab.machine.run(["rm", "-f", "/run/crond.reboot"])
    lab.machine.run(["systemctl", "restart", "cron"])
    return sleeper(lab, "cron")


def at(lab: Lab, user: str) -> int:
    """Have the at daemon run a job now."""
    lab.machine.run(["at", "now"], user=None if user == "root" else user, input="sleep 1000\n")
    return sleeper(lab, "atd")


@pytest.fixture
def jobs(lab: Lab) -> object:
    """End the jobs of root, which no user's slice holds."""
    yield
    lab.machine.run(["sh", "-c", "crontab -r -u alice; crontab -r -u root; pkill -KILL -x sleep"], check=False)


def assert_batch(lab: Lab, pid: int, user: str, service: str) -> Row:
    """Check what every job has in common."""
    kernel = lab.truth()[pid]
    answer = lab.whose(pid)
    session: Row = answer["session"]
    assert kernel["cgroup"] == f"/system.slice/{service}"
    assert kernel["sessionid"] != int(SYSTEM)
    assert (answer["logon_id"], answer["evidence"]) == (str(kernel["sessionid"]), "audit")
    assert (session["user"], session["uid"]) == (user, kernel["loginuid"])
    assert (session["logon_type"], session["logon_type_name"]) == (4, "Batch")
    assert (session["login"], session["recorded_by"]) == (None, None)
    assert session["state"] is None
    assert lab.session(answer["logon_id"])["leftovers"] is None
    (row,) = [row for row in lab.logonscope("ps", answer["logon_id"]) if row["pid"] == pid]
    assert row["leftover"] is None
    return session


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("user", ["alice", "root"])
def test_a_job_of_cron_is_a_batch_logon_without_a_record(lab: Lab, user: str) -> None:
    pid = cron(lab, user)
    assert lab.logins() == {}
    assert_batch(lab, pid, user, "cron.service")


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("user", ["alice", "root"])
def test_a_job_of_at_is_a_batch_logon_without_a_record(lab: Lab, user: str) -> None:
    pid = at(lab, user)
    assert lab.logins() == {}
    assert_batch(lab, pid, user, "atd.service")


@pytest.mark.usefixtures("jobs")
def test_each_job_is_a_logon_session_of_its_own(lab: Lab) -> None:
    pids = [cron(lab, "alice"), at(lab, "alice")]
    answers = [lab.whose(pid)["logon_id"] for pid in pids]

    assert len(set(answers)) == len(pids)
    assert set(answers) <= {row["logon_id"] for row in lab.logonscope("sessions") if row["user"] == "alice"}


def test_a_daemon_belongs_to_the_system_session(lab: Lab) -> None:
    pid = lab.daemon("--uid=alice", "sleep", "1000")
    kernel = lab.truth()[pid]
    answer = lab.whose(pid)
    system = lab.session(SYSTEM)

    assert (kernel["sessionid"], kernel["loginuid"]) == (int(SYSTEM), int(SYSTEM))
    assert (answer["logon_id"], answer["evidence"]) == (SYSTEM, "none")
    assert answer["session"]["logon_type"] == system["logon_type"] == 0
    assert (system["uid"], system["leader"], system["remote_host"]) == (None, None, None)


def test_every_process_belongs_to_one_logon_session(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        shell.ask("echo $$")
        before, rows, after = lab.truth(), lab.logonscope("ps"), lab.truth()
        known = {row["logon_id"] for row in lab.logonscope("sessions")}

    stayed = {pid for pid in before.keys() & after.keys() if before[pid]["start"] == after[pid]["start"]}
    pids = [row["pid"] for row in rows]
    assert len(pids) == len(set(pids))
    assert stayed <= set(pids)
    assert {row["logon_id"] for row in rows} <= known
