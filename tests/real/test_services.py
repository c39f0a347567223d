"""Every process has its service, and services are controlled with the caller's rights, by a real systemd.

The measure is procps, which asks libsystemd for the unit of a process, and systemctl itself.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.lab.lab import Lab, start
from tests.lab.systemd import wait_until

NONE = {"-", "init.scope"}


def units(lab: Lab) -> dict[int, tuple[str, str]]:
    """Ask procps for the units of every process: that of the system's manager, and that of its user's."""
    rows = lab.machine.run(["ps", "-eo", "pid:10,unit:300,uunit:300", "--no-headers"]).stdout.splitlines()
    return {int(pid): (unit, user_unit) for pid, unit, user_unit in map(str.split, rows)}


def named(lab: Lab) -> dict[int, tuple[str, str]]:
    """Ask the product for the service of every process, with its manager."""
    text = "SELECT * FROM LS_ServiceProcess"
    rows = lab.logonscope("query", text, "-n", "root/logonscope")
    # an object path doubles backslashes
    keys = [(row["Dependent"].split('"')[1], row["Antecedent"].replace(2 * "\\", "\\").split('"')) for row in rows]
    return {int(pid): (words[3], words[1]) for pid, words in keys}


def test_every_process_has_the_service_that_procps_names(lab: Lab) -> None:
    lab.machine.run(["systemd-run", "--quiet", "--collect", "--unit=lab-a@x\\x2dy.service", "sleep", "1000"])
    lab.machine.run(["systemd-run", "--quiet", "--collect", "--unit=cpu.service", "sleep", "1000"])
    lab.machine.run(["systemd-run", "--quiet", "--slice=lab-deep-nest.slice", "--unit=lab-deep", "sleep", "1000"])
    lab.machine.run(
        ["systemd-run", "--quiet", "--scope", "--unit=lab-scope", "sh", "-c", "sleep 1000 >/dev/null 2>&1 &"]
    )
    with lab.machine.ssh("alice") as shell:
        shell.ask("systemd-run --user --quiet --unit=lab-own sleep 1000")
        shell.ask("systemd-run --user --quiet --slice=a-b.slice --unit=ssh sleep 1000")  # as the system's sshd
        start(shell, "systemd-run --user --scope --quiet sleep 1000")
        manager = f"user@{lab.alice.uid}.service"
        found, measure = named(lab), units(lab)
    lab.machine.run(["systemctl", "stop", "lab-a@x\\x2dy.service", "cpu.service", "lab-deep", "lab-scope.scope"])

    expected = {}
    for pid, (unit, user_unit) in measure.items():
        if unit == manager and user_unit not in NONE:
            if user_unit.endswith(".service"):
                expected[pid] = (user_unit, manager)
        elif unit.endswith(".service"):
            expected[pid] = (unit, "system")
    common = found.keys() & measure.keys()
    assert {pid: found[pid] for pid in common} == {pid: expected[pid] for pid in expected.keys() & common}
    both = {pid for pid in expected if pid in lab.truth()}
    assert both <= found.keys()
    services = set(found.values())
    assert {("lab-a@x\\x2dy.service", "system"), ("cpu.service", "system"), ("lab-deep.service", "system")} <= services
    assert {("lab-own.service", manager), ("ssh.service", manager), ("ssh.service", "system")} <= services
    assert not any("scope" in name for name, _ in services)


def test_services_are_those_of_systemctl(lab: Lab) -> None:
    lab.machine.run(["systemd-run", "--quiet", "--unit=lab-failing", "sh", "-c", "exit 7"])
    wait_until(lambda: show(lab, "lab-failing.service", "ActiveState") == "failed")
    rows = {row["Name"]: row for row in lab.logonscope("query", "SELECT * FROM Win32_Service")}
    listed = lab.machine.run(["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"])
    running = {line.split()[0] for line in listed.stdout.splitlines()}
    assert {name for name, row in rows.items() if row["ProcessId"] and row["State"] == "Running"} >= running
    for name in running:
        assert rows[name]["ProcessId"] == int(show(lab, name, "MainPID"))
        assert rows[name]["Description"] == show(lab, name, "Description")
    failing = rows["lab-failing.service"]
    lab.machine.run(["systemctl", "reset-failed", "lab-failing.service"])
    assert (failing["State"], failing["Status"]) == ("Stopped", "Error")
    assert (failing["ExitCode"], failing["ServiceSpecificExitCode"]) == (1066, 7)
    files = lab.machine.run(["systemctl", "list-unit-files", "--type=service", "--plain", "--no-legend"]).stdout
    states = {line.split()[0]: line.split()[1] for line in files.splitlines() if "@." not in line}
    modes = {"enabled": "Auto", "disabled": "Manual", "static": "Manual", "masked": "Disabled"}
    installed = {name: modes[state] for name, state in states.items() if state in modes}
    assert {name: rows[name]["StartMode"] for name in installed} == installed
    assert not {name for name, state in states.items() if state == "alias"} & rows.keys()


def show(lab: Lab, unit: str, name: str) -> str:
    return lab.machine.run(["systemctl", "show", "--value", "-p", name, "--", unit]).stdout.strip()


@pytest.fixture
def napping(lab: Lab) -> str:
    """Have a service run."""
    lab.machine.run(["systemd-run", "--quiet", "--unit=lab-nap", "-p", "RemainAfterExit=yes", "sleep", "1000"])
    return 'Win32_Service="lab-nap.service"'


def invoke(lab: Lab, path: str, method: str, user: str | None = None) -> int:
    done = lab.machine.run(lab.command("invoke", path, method, "-o", "json"), user, check=False)
    return int(done.stdout.split(":")[1].strip(" ,}\n").split("}")[0].split(",")[0])


def test_root_pauses_and_stops_a_service_and_a_user_does_not(lab: Lab, napping: str) -> None:
    sleeper = lab.main_process("lab-nap")
    assert invoke(lab, napping, "StopService", user="alice") == 2
    assert show(lab, "lab-nap.service", "ActiveState") == "active"
    assert invoke(lab, napping, "PauseService") == 0
    assert show(lab, "lab-nap.service", "FreezerState") == "frozen"
    (row,) = lab.logonscope("query", "SELECT State FROM Win32_Service WHERE Name='lab-nap.service'")
    assert row["State"] == "Paused"
    assert invoke(lab, napping, "ResumeService") == 0
    assert invoke(lab, napping, "StopService") == 0
    assert sleeper not in lab.truth()


def test_whose_names_the_service_and_its_start(lab: Lab, napping: str) -> None:
    del napping
    sleeper = lab.main_process("lab-nap")
    (row,) = lab.logonscope("whose", str(sleeper))
    stamp = show(lab, "lab-nap.service", "InactiveExitTimestamp")
    shown = {service["service"]: service for service in lab.logonscope("sessions", "--services")}
    (system,) = lab.logonscope("sessions", "system")
    lab.machine.run(["systemctl", "stop", "lab-nap"])
    assert row["service"] == "lab-nap.service"
    # systemd makes the link just before it notes the change of state
    noted = datetime.strptime(stamp, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    assert abs(noted - datetime.fromisoformat(row["service_start"])) <= timedelta(seconds=2)
    assert shown["lab-nap.service"]["processes"] == 1
    assert abs(sum(service["processes"] for service in shown.values()) - system["processes"]) <= 1


def test_the_logon_session_that_had_a_service_started(lab: Lab) -> None:
    lab.machine.run(["tee", "/etc/systemd/system/lab-asked.service"], input="[Service]\nExecStart=/bin/sleep 1000\n")
    lab.machine.run(["systemctl", "daemon-reload"])
    text = "SELECT * FROM LS_UnitLogon"
    with lab.machine.ssh("alice") as shell:
        logon_id = lab.whose(int(shell.ask("echo $$")))["logon_id"]
        # what looks like a start, and is none of this command
        shell.ask("logger -t sudo 'pam_unix(sudo:session): session opened for user root(uid=0) by (uid=0)'")
        shell.ask("sudo systemctl start lab-asked")
        asked = wait_until(lambda: lab.logonscope("query", text, "-n", "root/logonscope"))
        lab.machine.run(["systemctl", "restart", "lab-asked"])  # by nobody who logged in
        again = lab.logonscope("query", text, "-n", "root/logonscope")
        shell.ask("sudo systemd-run --quiet --unit=lab-made sleep 1000")
        made = wait_until(lambda: lab.logonscope("query", text, "-n", "root/logonscope"))
        shell.ask("sudo systemctl stop lab-asked lab-made")
    (row,) = asked
    assert "lab-asked.service" in row["Dependent"]
    assert (row["LogonId"], row["Command"]) == (logon_id, "sudo systemctl start lab-asked")
    assert again == []
    assert ["lab-made.service" in row["Dependent"] for row in made] == [True]


def test_a_login_below_an_sshd_of_a_login_is_inside_it(lab: Lab) -> None:
    query = ("query", "SELECT * FROM LS_SubSession", "-n", "root/logonscope")
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -i /etc/ssh/lab_client"
    with lab.machine.ssh("alice") as shell:
        outer = lab.whose(int(shell.ask("echo $$")))["logon_id"]
        assert lab.logonscope(*query) == []
        shell.ask("sudo /usr/sbin/sshd -p 2299")
        shell.ask(f"(sudo ssh {options} -p 2299 bob@127.0.0.1 sleep 4711 </dev/null >/dev/null 2>&1 &)")
        rows = wait_until(lambda: lab.logonscope(*query))
        sleeper = wait_until(lambda: shell.ask("pgrep -u bob sleep"))
        inner = lab.whose(int(sleeper))["logon_id"]
        shell.ask("sudo pkill -f 'sshd -p 2299'; sudo pkill -u bob")
    (row,) = rows
    assert row["Antecedent"].endswith(f'"{outer}"')
    assert row["Dependent"].endswith(f'"{inner}"')
