"""The packaged events helper and service under a real systemd, in the pid namespace of the host, with kernel events.

The measures are the kernel's own words for each process, what logind says, and a direct reading at the same moment.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fresh.tree import UnavailableError
from tests.lab.fixtures import skip_or_fail
from tests.lab.lab import PYTHON, Lab, start
from tests.lab.packaged import CODE, HERE, SOCKET, begin, begin_events, forget, install, install_socket
from tests.lab.systemd import CHECKOUT, Account, Machine, free_port, unavailable, wait_until
from tests.lab.systems import SYSTEMS as REAL_SYSTEMS
from tests.lab.systems import SYSTEMS_WITH_HOST_PIDS

EVENT_SOURCE = "process connector and fanotify, by the events helper (BPF ring: not implemented)"
SETTINGS = ""  # the defaults, which use the events
ASK = str(CHECKOUT / "tests/real/ask_live.py")
CAPABILITIES = {
    "logonscope-events": {"CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21},
    "logonscope": {"CAP_DAC_READ_SEARCH": 2, "CAP_SYS_PTRACE": 19, "CAP_AUDIT_WRITE": 29},
}
SYSTEM = "4294967295"


SYSTEMS = SYSTEMS_WITH_HOST_PIDS


@pytest.fixture(scope="module", params=SYSTEMS, ids=[system.name for system in SYSTEMS])
def live_machine(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Boot a machine with the pids of the host, with both units."""
    if reason := unavailable():
        skip_or_fail(reason)
    try:
        request.param.tree()
    except UnavailableError as error:
        skip_or_fail(str(error))
    with Machine(request.param) as machine:
        people = Lab(machine, machine.useradd("alice", sudo=True), machine.useradd("bob"))
        install(machine, SETTINGS)
        begin_events(machine)
        install_socket(machine)
        begin(machine, HERE + CODE)
        yield people
        forget(machine)


@pytest.fixture
def live(live_machine: Lab) -> Iterator[Lab]:
    """Offer the machine with the events in use, and with no login."""
    wait_until(lambda: is_live(live_machine), 40, "the events are used")
    yield live_machine
    live_machine.machine.quiet()


def ask(lab: Lab, *pids: int) -> dict[str, Any]:
    """Ask the service and the machine itself."""
    answers: dict[str, Any] = json.loads(lab.machine.run([PYTHON, ASK, SOCKET, *map(str, pids)], timeout=60).stdout)
    return answers


def check(lab: Lab, subject: str = "live") -> tuple[bool | None, str]:
    """Return what ``doctor`` of the service says of events."""
    command = [PYTHON, "-m", "logonscope", "--host", f"unix:{SOCKET}", "-o", "json", "doctor"]
    rows = json.loads(lab.machine.run(command, check=False).stdout)
    ((ok, found),) = [(row["ok"], row["finding"]) for row in rows if row["subject"] == subject]
    return ok, found


def is_live(lab: Lab) -> bool:
    """Return whether the service uses the events of the helper."""
    return check(lab)[1].startswith(EVENT_SOURCE)


def assert_equal_to_direct(answers: dict[str, Any]) -> None:
    """Compare every value that a direct reading knows, and that did not change meanwhile."""
    assert_equal(*(answers[name]["pairs"] for name in ("before", "service", "after")))
    for kind in ("sessions", "processes", "whose"):
        before, service, after = (
            {(key, name): value for key, row in answers[name_of][kind].items() for name, value in row.items()}
            for name_of in ("before", "service", "after")
        )
        compared = {place for place, value in before.items() if value is not None and (kind, place[1]) not in _UNSTEADY}
        known = {place: before[place] for place in compared}
        assert known or kind == "whose"
        assert_equal(known, service, after)


def assert_equal(before: dict[Any, Any], service: dict[Any, Any], after: dict[Any, Any]) -> None:
    """Compare the values that are the same before and after."""
    steady = {place: value for place, value in before.items() if after.get(place) == value}
    assert {place: value for place, value in steady.items() if not is_same(service.get(place), value)} == {}


def is_same(shown: Any, expected: Any) -> bool:
    """Return whether a value is as expected; sources may have more, of what only memory knows."""
    if isinstance(expected, dict) and isinstance(shown, dict):
        return shown.items() >= expected.items()
    return bool(shown == expected)


_UNSTEADY = {
    ("sessions", "processes"), ("sessions", "leftovers"), ("whose", "session_processes"),
    ("whose", "session_leftovers"), ("processes", "state"), ("whose", "state"), ("processes", "name"),
}  # fmt: skip
"""They change with every short process, with whether a process runs on a processor, and with what a kworker does."""


def status(lab: Lab, unit: str) -> dict[str, str]:
    """Return /proc/PID/status of a unit's process."""
    lines = lab.machine.run(["cat", f"/proc/{lab.main_process(unit)}/status"]).stdout.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("unit", CAPABILITIES)
def test_each_unit_has_its_rights_alone(live: Lab, unit: str) -> None:
    values = status(live, unit)
    for name in ("CapPrm", "CapEff", "CapBnd"):
        bits = {bit for bit in range(64) if int(values[name], 16) >> bit & 1}
        assert bits == set(CAPABILITIES[unit].values()), name
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")
    assert (values["Uid"].split()[0] == "0") == (unit == "logonscope-events")
    modes = live.machine.run(["stat", "-c", "%a %U", "/run/logonscope-events", "/run/logonscope-events/socket"]).stdout
    assert modes.splitlines() == ["755 root", "666 root"]
    figure = live.machine.run(["systemd-analyze", "security", "--no-pager", f"{unit}.service"]).stdout.splitlines()[-1]
    assert float(figure.split(":", 1)[1].split()[0]) < 4, figure


def at_job(lab: Lab, user: str) -> int:
    """Have the at daemon run a job now; return its process."""
    lab.machine.run(["at", "now"], user=user, input="sleep 1000\n")
    return lab.descendant(lab.main_process("atd"), "sleep")


def cron_job(lab: Lab, user: str) -> int:
    """Have cron run a job at once: its daemon takes this start for the computer's; return its process."""
    lab.machine.run(["crontab", "-u", user, "-"], input="@reboot sleep 1000\n")
    lab.machine.run(["sh", "-c", "rm -f /run/crond.reboot; systemctl restart cron"])
    return lab.descendant(lab.main_process("cron"), "sleep")


def test_logins_of_every_kind_are_followed_by_events(live: Lab) -> None:
    """Each is right at once, and everything that a direct reading knows the service knows, too."""
    machine = live.machine
    with machine.ssh("alice") as plain, machine.ssh("alice", tty=True) as terminal, machine.ssh("bob") as other:
        pids = {
            "ssh": start(plain, "sleep 1000"),
            "setsid": start(plain, "setsid sleep 1000"),
            "sudo": start(plain, "sudo sleep 1000"),
            "terminal": start(terminal, "sleep 1000"),
            "other": start(other, "sleep 1000"),
            "user scope": start(plain, "systemd-run --user --scope --quiet sleep 1000"),
            "daemon": live.daemon("--uid=alice", "sleep", "1000"),
            "at": at_job(live, "alice"),
            "cron": cron_job(live, "bob"),
            "su": live.descendant(live.daemon("su", "-", "bob", "-c", "sleep 1000; true"), "sleep"),
        }
        plain.ask("systemd-run --user --quiet --unit=lab-nap sleep 1000")
        pids["user unit"] = int(plain.ask("systemctl --user show --value -p MainPID lab-nap"))
        wait_until(lambda: live.truth()[pids["user scope"]]["comm"] == "sleep")
        answers, kernel = ask(live, *pids.values()), live.truth()
        assert_equal_to_direct(answers)
        for way, pid in pids.items():
            logon_id = answers["service"]["pairs"][str(pid)]
            if way == "su":
                assert int(logon_id) > 2**32  # a login without a kernel id
            else:
                assert logon_id == str(kernel[pid]["sessionid"]), way
        found = {subject: finding for subject, _, finding in answers["service"]["checks"]}
        assert found["live"].startswith(EVENT_SOURCE)
        assert " 0 differences; events lost 0 times" in found["live events"]
    machine.run(["sh", "-c", "systemctl kill --signal=KILL cron atd; systemctl restart cron atd; crontab -r -u bob"])
    machine.quiet()
    gone = [str(pid) for pid in pids.values()]
    wait_until(lambda: not live.truth().keys() & pids.values())
    assert not ask(live)["service"]["pairs"].keys() & set(gone)


REMEMBERED = ("logon_id", "user", "uid", "logon_type", "start", "remote_host", "service", "login", "guid", "tty")
"""Values of a logon session that are the same before and after its record is gone."""


RESTARTED = ("logonscope", "logonscope-events", "systemd-logind", "logonscope-events logonscope")
"""Units that are restarted while a login lives."""


def test_a_login_that_logind_has_forgotten_is_described_as_before(live: Lab) -> None:
    """Also if services were restarted while the login lived."""
    machine = live.machine
    machine.run(["loginctl", "enable-linger", "alice"])
    with machine.ssh("alice", tty=True) as shell:
        sleeper = start(shell, "nohup systemd-run --user --scope --quiet sleep 999")
        wait_until(lambda: live.truth()[sleeper]["comm"] == "sleep")
        session = described(ask(live, sleeper), sleeper)
        assert (session["remote_host"], session["logon_type"]) == ("127.0.0.1", 10)
        for units in RESTARTED:
            machine.run(["systemctl", "restart", *units.split()], timeout=60)
        if machine.system.suite is None:  # with systemd 257 each question to logind then takes 25 seconds
            machine.run(["systemctl", "restart", "dbus", "systemd-logind"], timeout=60)
        wait_until(lambda: is_live(live), 40, "the events are used again")
        before = ask(live, sleeper)
        assert_equal_to_direct(before)
        shown = described(before, sleeper)
        assert {name: shown[name] for name in REMEMBERED} == {name: session[name] for name in REMEMBERED}
    wait_until(lambda: session["login"] not in live.logins(), 20, "logind has forgotten the login")
    kernel, after = live.truth()[sleeper], ask(live, sleeper)
    assert after["after"]["whose"][str(sleeper)]["session_remote_host"] is None  # what a single look knows
    shown = described(after, sleeper)
    assert session["logon_id"] == shown["logon_id"] == str(kernel["sessionid"])
    assert {name: shown[name] for name in REMEMBERED} == {name: session[name] for name in REMEMBERED}
    assert (shown["state"], shown["leftovers"]) == ("logged out", 1)
    assert shown["sources"]["remote_host"] == "remembered"


def described(answers: dict[str, Any], pid: int) -> dict[str, Any]:
    """Return the logon session of a process as the service shows it, which is the same from both routes."""
    service = answers["service"]
    session: dict[str, Any] = service["sessions"][service["pairs"][str(pid)]]
    asked = {name.removeprefix("session_"): value for name, value in service["whose"][str(pid)].items()}
    assert {name: asked[name] for name in REMEMBERED} == {name: session[name] for name in REMEMBERED}
    return session


def test_a_shared_kernel_id_stays_with_its_first_login(live: Lab) -> None:
    """The first of two logins with one kernel id is forgotten; the processes of both keep their owners."""
    machine = live.machine
    with machine.ssh("alice") as owner:
        first = start(owner, "setsid systemd-run --user --scope --quiet sleep 1001")
        port = free_port()
        owner.ask(f"sudo -n systemd-run --quiet --scope --unit=lab-sshd-{port} /usr/sbin/sshd -p {port}")
        with machine.ssh("alice", port=port) as later:
            second = start(later, "setsid sleep 1002")
            before = ask(live, first, second)["service"]
            kernel = live.truth()
            leaders = [before["sessions"][before["pairs"][str(pid)]]["leader"] for pid in (first, second)]
            live.hang_up(later, leaders[1])
        live.hang_up(owner, leaders[0])
    logins = [before["sessions"][before["pairs"][str(pid)]]["login"] for pid in (first, second)]
    wait_until(lambda: logins[0] not in live.logins(), 20, "logind has forgotten the first login")
    after = ask(live, first, second)["service"]
    assert kernel[first]["sessionid"] == kernel[second]["sessionid"]
    assert before["pairs"][str(first)] == str(kernel[first]["sessionid"]) != before["pairs"][str(second)]
    for pid in (first, second):
        assert after["pairs"][str(pid)] == before["pairs"][str(pid)]
        session = after["sessions"][after["pairs"][str(pid)]]
        assert (session["remote_host"], session["state"]) == ("127.0.0.1", "logged out")


def test_what_a_job_left_behind_is_a_leftover_of_a_batch_logon(live: Lab) -> None:
    pids = [at_job(live, "alice"), cron_job(live, "bob")]
    for pid in pids:
        # the shell of the job, whose end leaves the daemon with nothing to wait for
        live.machine.run(["kill", "-KILL", str(live.truth()[pid]["ppid"])])
    wait_until(lambda: {live.truth()[pid]["ppid"] for pid in pids} == {live.machine.pid}, what="the jobs have ended")
    answers = ask(live, *pids)
    assert_equal_to_direct(answers)
    for pid in pids:
        session = described(answers, pid)
        assert (session["logon_type"], answers["service"]["processes"][str(pid)]["leftover"]) == (4, True)
    live.machine.run(["kill", "-KILL", *map(str, pids)])
    live.machine.run(["crontab", "-r", "-u", "bob"], check=False)


@pytest.mark.parametrize("live_machine", SYSTEMS[:1], indirect=True, ids=[SYSTEMS[0].name])
def test_a_killed_helper_comes_back_under_load(live: Lab) -> None:
    """Answers come from /proc meanwhile, and from events again; the gap is counted."""
    machine = live.machine
    load = machine.spawn(["sh", "-c", "while :; do /bin/true; done"])
    try:
        with machine.ssh("alice") as shell:
            for _ in range(2):
                machine.run(["systemctl", "kill", "--signal=KILL", "logonscope-events"])
                pid = start(shell, "sleep 1000")
                assert ask(live, pid)["service"]["pairs"][str(pid)] == str(live.truth()[pid]["sessionid"])
                wait_until(lambda: is_live(live), 40, "the events are used again")
                pid = start(shell, "sleep 1000")
                assert ask(live, pid)["service"]["pairs"][str(pid)] == str(live.truth()[pid]["sessionid"])
            ok, found = check(live, "live events")
            assert ok is None
            assert "events lost" in found
    finally:
        load.kill()
        load.communicate()


@pytest.mark.parametrize("live_machine", SYSTEMS[:1], indirect=True, ids=[SYSTEMS[0].name])
def test_a_stopped_helper_is_named(live: Lab) -> None:
    live.machine.run(["systemctl", "stop", "logonscope-events"])
    try:
        answers = ask(live)
        assert_equal_to_direct(answers)
        ok, found = check(live)
        assert ok is False
        assert found.endswith("/proc is read for every answer, logins are remembered")
    finally:
        live.machine.run(["systemctl", "start", "logonscope-events"])


@pytest.mark.parametrize("live_machine", SYSTEMS[:1], indirect=True, ids=[SYSTEMS[0].name])
def test_without_cap_sys_admin_the_helper_is_refused_with_the_reason(live: Lab) -> None:
    machine = live.machine
    try:
        begin_events(machine, "CapabilityBoundingSet=\nCapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_PTRACE\n")
        found = wait_until(lambda: reason(live), 40, "the helper was asked")
        assert "writes to login uids cannot be watched (BPF ring: not implemented; fanotify: " in found
        assert "Operation not permitted" in found
        assert_equal_to_direct(ask(live))
    finally:
        begin_events(machine)


@pytest.mark.parametrize("machine", REAL_SYSTEMS[:1], indirect=True, ids=[REAL_SYSTEMS[0].name])
def test_in_a_pid_namespace_the_helper_refuses_and_proc_is_read(machine: Machine) -> None:
    """The kernel reports the host's pids there, which are those of other processes."""
    lab = Lab(machine, Account("root", 0), Account("root", 0))
    install(machine, SETTINGS)
    begin_events(machine)
    install_socket(machine)
    begin(machine, HERE + CODE)
    try:
        answers = ask(lab, 1)
        assert_equal(*(answers[name]["pairs"] for name in ("before", "service", "after")))
        ((ok, found),) = [(row[1], row[2]) for row in answers["service"]["checks"] if row[0] == "live"]
        assert ok is False
        assert re.fullmatch(
            rf"no kernel events: events helper at {HELPER}: cannot read events: this process is in a pid namespace "
            r"\(pid:\[[0-9]+\]\), and the process connector reports the host's pids; /proc is read for every answer, "
            "logins are remembered",
            found,
        )
        log = machine.run(["journalctl", "--no-pager", "-o", "cat", "-u", "logonscope-events"]).stdout
        assert log.count("cannot read events") == 1
    finally:
        forget(machine)
        machine.run(["systemctl", "stop", "logonscope-events", "logonscope.socket"])
        machine.run(["sh", "-c", "rm -r /etc/systemd/system/logonscope*; systemctl daemon-reload"])


def reason(lab: Lab) -> str:
    """Return why there are no events, if the helper has given the reason."""
    found = check(lab)[1]
    return found if found.startswith(f"no kernel events: events helper at {HELPER}: writes") else ""


HELPER = "/run/logonscope-events/socket"
