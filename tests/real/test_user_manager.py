"""Processes of a user's service manager: its units, lingering, and names that only look like a login."""

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab, start
from tests.lab.systemd import wait_until

PAM = "systemd-user"  # its own file for the service lies below /usr; one below /etc takes its place


def manager(lab: Lab, uid: int) -> int:
    """Wait for the user's manager and return its process."""
    unit = f"user@{uid}.service"
    return wait_until(lambda: lab.main_process(unit), what=unit)


@pytest.fixture
def lingering(lab: Lab) -> int:
    """Have alice's manager run without any user logged in."""
    lab.machine.run(["loginctl", "enable-linger", "alice"])
    pid = manager(lab, lab.alice.uid)
    wait_until(lambda: lab.whose(pid)["session"]["state"] == "lingering", what="logind's file has the new state")
    return pid


@pytest.fixture
def without_kernel_id(lab: Lab) -> Iterator[int]:
    """Have bob's manager run without a kernel session id, as where PAM does not set one for it."""
    given = lab.machine.run(["cat", f"/usr/lib/pam.d/{PAM}"]).stdout.splitlines(keepends=True)
    without = "".join(line for line in given if "pam_loginuid" not in line)
    lab.machine.run(["tee", f"/etc/pam.d/{PAM}"], input=without)
    lab.machine.run(["loginctl", "enable-linger", "bob"])
    yield manager(lab, lab.bob.uid)
    lab.machine.run(["rm", f"/etc/pam.d/{PAM}"])


def test_the_manager_is_a_service_logon_beside_the_login(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        systemd = manager(lab, lab.alice.uid)
        kernel = lab.truth()
        login, service = lab.whose(pid), lab.whose(systemd)

    assert kernel[systemd]["sessionid"] != kernel[pid]["sessionid"]
    assert (service["logon_id"], service["evidence"]) == (str(kernel[systemd]["sessionid"]), "audit")
    assert service["logon_id"] != login["logon_id"]
    session = service["session"]
    assert (session["user"], session["uid"], session["logon_type"]) == ("alice", lab.alice.uid, 5)
    assert (session["leader"], session["remote_host"]) == (systemd, None)


def test_a_unit_of_the_user_belongs_to_the_manager(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        shell.ask("systemd-run --user --quiet --unit=lab-nap sleep 1000")
        sleeper = int(shell.ask("systemctl --user show --value -p MainPID lab-nap"))
        kernel = lab.truth()
        systemd = manager(lab, lab.alice.uid)
        login, unit = lab.whose(pid), lab.whose(sleeper)

    assert kernel[sleeper]["sessionid"] == kernel[systemd]["sessionid"] != kernel[pid]["sessionid"]
    assert (unit["logon_id"], unit["evidence"]) == (str(kernel[systemd]["sessionid"]), "audit")
    assert (unit["session"]["logon_type"], unit["session"]["leader"]) == (5, systemd)
    assert unit["logon_id"] != login["logon_id"]


def test_a_scope_of_the_user_belongs_to_the_login_that_made_it(lab: Lab) -> None:
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        sleeper = start(shell, "systemd-run --user --scope --quiet sleep 1000")
        wait_until(lambda: lab.truth()[sleeper]["comm"] == "sleep")
        kernel = lab.truth()
        answer = lab.whose(sleeper)

    assert f"/user@{lab.alice.uid}.service/" in kernel[sleeper]["cgroup"]
    assert kernel[sleeper]["sessionid"] == kernel[pid]["sessionid"]
    assert (answer["logon_id"], answer["evidence"]) == (str(kernel[pid]["sessionid"]), "audit")
    assert answer["session"]["logon_type"] == 3


def test_a_scope_of_the_user_outlives_what_logind_knows_of_the_login(lab: Lab, lingering: int) -> None:
    """With its own scope empty the login is removed from logind: nobody is left to vouch that its leader is gone."""
    with lab.machine.ssh("alice") as shell:
        sleeper = start(shell, "systemd-run --user --scope --quiet sleep 1000")
        wait_until(lambda: lab.truth()[sleeper]["comm"] == "sleep")
        before = lab.whose(sleeper)
    wait_until(lambda: before["session"]["login"] not in lab.logins(), what="logind has forgotten the login")
    after = lab.whose(sleeper)

    assert lab.truth()[sleeper]["sessionid"] != lab.truth()[lingering]["sessionid"]
    assert (after["logon_id"], after["evidence"]) == (before["logon_id"], "audit")
    assert (after["session"]["user"], after["session"]["recorded_by"]) == ("alice", None)
    assert (after["session"]["state"], after["leftover"]) == (None, None)


def test_a_lingering_user_is_not_logged_in(lab: Lab, lingering: int) -> None:
    kernel = lab.truth()[lingering]
    answer = lab.whose(lingering)
    of_alice = [row for row in lab.logonscope("sessions") if row["user"] == "alice"]

    assert lab.logins() == {}
    assert (answer["logon_id"], answer["evidence"]) == (str(kernel["sessionid"]), "audit")
    assert answer["session"]["logon_type"] == 5
    assert answer["session"]["state"] == "lingering"
    assert [row["logon_id"] for row in of_alice] == [answer["logon_id"]]
    assert lab.logonscope("leftovers") == []


def test_a_manager_without_a_kernel_id_is_known_by_its_place(lab: Lab, without_kernel_id: int) -> None:
    kernel = lab.truth()[without_kernel_id]
    answer = lab.whose(without_kernel_id)

    assert kernel["sessionid"] == 2**32 - 1
    assert (answer["logon_id"], answer["evidence"]) == (str(2**33 + lab.bob.uid), "manager")
    session = answer["session"]
    assert (session["user"], session["uid"], session["logon_type"]) == ("bob", lab.bob.uid, 5)
    assert session["leader"] == without_kernel_id


FORGE = """
set -eu
own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
forged=$own/user.slice/user-$1.slice/session-$2.scope
mkdir -p "$forged"
echo 0 >"$forged/cgroup.procs"
exec sleep 1000
"""


def victim(lab: Lab, user: str) -> str:
    """Have a daemon log in as the user, and return what logind calls that login."""
    lab.daemon("su", "-", user, "-c", "sleep 1000; true")
    (name,) = wait_until(lambda: list(lab.logins()))
    assert name.startswith("c")
    return name


def forge(lab: Lab, user: str, uid: int, name: str) -> int:
    """Have the user put a process into a directory of its own that is named like another's scope."""
    lab.machine.run(["tee", "/run/lab-forge"], input=FORGE)
    ready = ["systemctl", "--user", "show-environment"]  # a manager that has just started may not listen yet
    wait_until(lambda: lab.machine.run(ready, user=user, check=False).returncode == 0)
    unit = ["systemd-run", "--user", "--quiet", "-p", "Delegate=yes", "--unit=lab-forged"]
    lab.machine.run([*unit, "sh", "/run/lab-forge", str(uid), name], user=user)
    shown = lab.machine.run(["systemctl", "--user", "show", "--value", "-p", "MainPID", "lab-forged"], user=user)
    pid = int(shown.stdout)
    end = f"/user.slice/user-{uid}.slice/session-{name}.scope"
    wait_until(lambda: lab.truth()[pid]["cgroup"].endswith(end))
    return pid


def test_a_directory_that_is_named_like_a_scope_is_none(lab: Lab, without_kernel_id: int) -> None:
    name = victim(lab, "alice")
    forger = forge(lab, "bob", lab.alice.uid, name)
    kernel = lab.truth()
    answer = lab.whose(forger)
    in_scope = [row["pid"] for row in lab.logonscope("ps", name)]

    assert kernel[forger]["sessionid"] == kernel[without_kernel_id]["sessionid"] == 2**32 - 1
    assert (answer["logon_id"], answer["evidence"]) == (str(2**33 + lab.bob.uid), "manager")
    scope = f"/user.slice/user-{lab.alice.uid}.slice/session-{name}.scope"
    assert set(in_scope) == {pid for pid, row in kernel.items() if row["cgroup"] == scope}


def test_the_same_forgery_with_a_kernel_id_changes_nothing(lab: Lab, lingering: int) -> None:
    forger = forge(lab, "alice", lab.bob.uid, victim(lab, "bob"))
    kernel = lab.truth()
    answer = lab.whose(forger)

    assert kernel[forger]["sessionid"] == kernel[lingering]["sessionid"]
    assert (answer["logon_id"], answer["evidence"]) == (str(kernel[lingering]["sessionid"]), "audit")
