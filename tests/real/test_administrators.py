"""Scripts of administrators, run against the packaged service under a real systemd: their answers are right.

It is what systemctl, getent, the accounts' files, the logs of logins and /proc say.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.administrators.clients import DROP_IN, PYPSRP
from tests.administrators.scripts import ALICE, BOBS, ROOT, SCRIPTS, SLEEP, Script
from tests.administrators.truth import Rows, Truth, normal_rows
from tests.lab.lab import PYTHON, Lab, start
from tests.lab.packaged import HERE, begin, forget, install
from tests.lab.systemd import CHECKOUT, Machine, wait_until

WORD = "correct horse battery staple"
AS_ROOT = """DynamicUser=no
AmbientCapabilities=
CapabilityBoundingSet=CAP_KILL CAP_SYS_NICE CAP_SETUID CAP_SETGID
SystemCallFilter=@setuid @resources
"""
CERTIFICATE = "/var/lib/logonscope/self-signed.crt"
ASK_WSMAN = Path(__file__).with_name("ask_wsman.py")
TO_BOB = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -i /etc/ssh/lab_client"
SCENE = """
set -e
ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime
useradd --create-home --comment 'Carol Example,Room 1,,' --expiredate 2020-01-01 carol; usermod -aG sudo carol
useradd --create-home dave; echo 'dave:secret-of-dave' | chpasswd; usermod --lock dave
chage --maxdays 90 alice
printf '[Service]\\nExecStart=/bin/sleep 1\\n[Install]\\nWantedBy=multi-user.target\\n' \\
    | tee /etc/systemd/system/lab-idle.service >/etc/systemd/system/lab-due.service
ln -sf /dev/null /etc/systemd/system/lab-masked.service
systemctl daemon-reload
systemctl --quiet enable lab-due.service
systemd-run --quiet --unit=lab-nap -p User=daemon /usr/bin/sleep 4712
systemd-run --quiet --unit=lab-failing sh -c 'exit 7' || true
systemd-run --quiet --unit=lab-killed sh -c 'kill -KILL $$' || true
until systemctl is-failed --quiet lab-failing lab-killed; do sleep .02; done
"""
CLEAN = """
systemctl stop lab-nap.service
systemctl reset-failed lab-failing.service lab-killed.service
systemctl --quiet disable lab-due.service
rm -f /etc/systemd/system/lab-idle.service /etc/systemd/system/lab-due.service /etc/systemd/system/lab-masked.service
systemctl daemon-reload
userdel -r carol; userdel -r dave; chage --maxdays 99999 alice
ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
"""


RULES = "/etc/polkit-1/rules.d/10-lab.rules"
POLKIT_RULE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "alice"
        && action.lookup("unit") == "lab-allowed.service") {
        return polkit.Result.YES;
    }
});
"""


class Answers(NamedTuple):
    """What the system said before and after the scripts were run, and what each client got."""

    before: dict[str, Rows]
    after: dict[str, Rows]
    found: dict[str, dict[str, Any]]


def truths(machine: Machine) -> dict[str, Rows]:
    """Return what the machine says of itself, by what the scripts ask."""

    def run(command: Sequence[str]) -> str:
        # without a variable that its users have not
        return machine.run(["env", "-u", "TZ", "LC_ALL=C", *command]).stdout

    truth = Truth(run)
    return {script.asks: script.truth(truth) for script in SCRIPTS}


@pytest.fixture(scope="module")
def service(people: Lab) -> Iterator[Machine]:
    """Prepare accounts and services, and install the unit as packaged, with root's rights, which methods need."""
    machine = people.machine
    machine.run(["chpasswd"], input="".join(f"{name}:{WORD}\n" for name in (ROOT, ALICE)))
    machine.run(["sh", "-c", SCENE])
    install(machine, "allow_methods = true\n")
    begin(machine, HERE + AS_ROOT)
    yield machine
    forget(machine)
    machine.run(["sh", "-c", CLEAN], check=False)


@pytest.fixture(scope="module")
def answers(people: Lab, service: Machine) -> Iterator[Answers]:
    """Run every script with every client, while alice is logged in, and bob through an sshd that she started."""
    with ExitStack() as stack:
        stack.enter_context(service.ssh("alice", tty=True))  # only logins with a terminal are noted in lastlog
        shell = stack.enter_context(service.ssh("alice"))
        start(shell, SLEEP)
        shell.ask("sudo /usr/sbin/sshd -p 2299")
        shell.ask(f"(sudo ssh {TO_BOB} -p 2299 bob@127.0.0.1 {BOBS} </dev/null >/dev/null 2>&1 &)")
        wait_until(lambda: service.run(["pgrep", "-u", "bob", "-x", "sleep"], check=False).stdout)
        before = truths(service)
        servers = {user: [5986, CERTIFICATE, user, WORD] for user in (ROOT, ALICE)}
        command = ["env", f"PYTHONPATH={CHECKOUT}:{CHECKOUT / 'src'}", PYTHON, "-m", "tests.administrators.clients"]
        done = service.run(command, input=json.dumps(servers), timeout=120)
        after = truths(service)
        shell.ask("sudo pkill -f 'sshd -p 2299'; sudo pkill -u bob")
        yield Answers(before, after, json.loads(done.stdout))
    people.machine.quiet()


@pytest.mark.parametrize("client", [PYPSRP, DROP_IN])
@pytest.mark.parametrize("script", SCRIPTS, ids=[script.asks for script in SCRIPTS])
def test_a_script_gets_what_the_system_says(answers: Answers, client: str, script: Script) -> None:
    before, after, found = answers.before[script.asks], answers.after[script.asks], answers.found[client][script.asks]
    assert not isinstance(found, str), found
    rows = normal_rows(found)
    assert before & after <= rows
    assert script.at_least or rows <= before | after


WITHOUT_ROWS = {"the firmware, and the serial number of the computer"}
"""A virtual machine may describe no firmware."""


def test_the_scripts_find_something(answers: Answers) -> None:
    assert {asks for asks, rows in answers.before.items() if not rows} <= WITHOUT_ROWS


def called(machine: Machine, *questions: tuple[str, str, str]) -> list[int]:
    """Call methods of services over WS-Management, each as a user; return what they returned."""
    given = [
        {"user": user, "password": WORD, "service": service, "method": method} for user, service, method in questions
    ]
    answers = json.loads(machine.run([PYTHON, str(ASK_WSMAN)], input=json.dumps(given), timeout=60).stdout)
    return [int(answer["ReturnValue"]) for answer in answers]


def state(machine: Machine, unit: str) -> str:
    """Ask systemctl for the state of a unit."""
    return machine.run(["systemctl", "show", "--value", "-p", "ActiveState", "--", unit]).stdout.strip()


def test_methods_of_services_have_the_rights_of_the_caller(lab: Lab, service: Machine) -> None:
    unit = "lab-called.service"
    service.run(["tee", f"/etc/systemd/system/{unit}"], input="[Service]\nExecStart=/usr/bin/sleep 1000\n")
    service.run(["systemctl", "daemon-reload"])
    assert called(service, (ALICE, unit, "StartService"), (ROOT, unit, "StopService")) == [2, 6]
    assert state(service, unit) == "inactive"
    assert called(service, (ROOT, unit, "StartService"), (ROOT, unit, "StartService")) == [0, 10]
    process = lab.main_process(unit)
    # systemd starts it, in no login, whoever asks
    assert lab.truth()[process]["sessionid"] == (1 << 32) - 1
    refused = [(ALICE, unit, method) for method in ("StopService", "PauseService", "InterrogateService")]
    assert called(service, *refused) == [2, 2, 0]
    assert state(service, unit) == "active"
    assert called(service, (ROOT, unit, "PauseService"), (ROOT, unit, "PauseService")) == [0, 24]
    assert called(service, (ALICE, unit, "ResumeService"), (ROOT, unit, "ResumeService")) == [2, 0]
    assert called(service, (ROOT, unit, "StopService"), (ROOT, unit, "InterrogateService")) == [0, 6]
    assert process not in lab.truth()
    assert called(service, (ROOT, "lab-masked.service", "StartService")) == [14]
    service.run(["rm", f"/etc/systemd/system/{unit}"])
    service.run(["systemctl", "daemon-reload"])


def test_a_user_whom_polkit_allows_it_controls_one_service(lab: Lab, service: Machine) -> None:
    service.run(["systemd-run", "--quiet", "--unit=lab-allowed", "sleep", "1000"])
    service.run(["install", "-D", "-m", "644", "/dev/stdin", RULES], input=POLKIT_RULE)
    has_polkit = service.run(["systemctl", "restart", "polkit"], check=False).returncode == 0
    stopped = called(service, (ALICE, "cron.service", "StopService"), (ALICE, "lab-allowed.service", "StopService"))
    service.run(["rm", RULES])
    service.run(["systemctl", "restart", "polkit"], check=False)
    # without polkit, as on the Debian 13 of these tests, the manager refuses every user but root
    assert stopped == ([2, 0] if has_polkit else [2, 2])
    assert (state(service, "cron.service"), lab.main_process("lab-allowed") == 0) == ("active", has_polkit)
