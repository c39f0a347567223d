"""The laboratory leaves nothing behind, even when its test run is killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.keeper import NAME, cgroups
from tests.lab.lab import Lab
from tests.lab.systemd import CHECKOUT, Machine, wait_until

RUN = """
import sys, time
from tests.lab.systemd import Machine
with Machine() as machine:
    machine.useradd("carol")
    login = machine.ssh("carol")
    login.ask("setsid sleep 1000 </dev/null >/dev/null 2>&1 &")
    print(machine.pid, flush=True)
    time.sleep(1000)
"""


class Run:
    """A test run that is to be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.machine = int(process.stdout.readline())
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (self.keeper,) = (int(pid) for pid in children if b"keeper.py" in command_line(pid))

    def traces(self) -> set[str]:
        """List all that is there of the machine here: processes, control groups, mounts and the mount point."""
        name = f"{NAME}{self.keeper}"
        groups = {str(parent / name) for parent in cgroups("self") if (parent / name).exists()}
        place = Path(tempfile.gettempdir(), name)
        mounts = {line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line}
        words = (name.encode(), f"/proc/{self.machine}/root".encode())
        pids = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        processes = {pid for pid in pids if any(word in command_line(pid) for word in words)}
        alive = {str(pid) for pid in (self.keeper, self.machine) if command_line(str(pid))}
        return groups | mounts | processes | alive | ({str(place)} if place.exists() else set())


def command_line(pid: str) -> bytes:
    """Read a process's command line; nothing where it has ended."""
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def run(machine: Machine) -> Iterator[Run]:
    """Have another test run with a machine of its own, a user logged in, and something left over there."""
    assert machine.pid
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        yield Run(process)
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM], ids=lambda stop: stop.name)
def test_a_killed_test_run_leaves_nothing_behind(run: Run, stop: signal.Signals) -> None:
    assert len(run.traces()) > 5
    run.process.send_signal(stop)
    run.process.wait(10)
    wait_until(lambda: not run.traces(), what="nothing is left")


def test_a_killed_keeper_takes_its_machine_along_and_the_next_one_clears_up(run: Run) -> None:
    os.kill(run.keeper, signal.SIGKILL)
    wait_until(lambda: not command_line(str(run.machine)), what="the machine's first process is gone")
    assert run.traces() != set()
    with Machine():
        assert not run.traces()


def test_what_runs_inside_comes_from_no_login(machine: Machine) -> None:
    inside = machine.run(["cat", "/proc/self/sessionid", "/proc/self/loginuid", "/proc/1/sessionid"]).stdout
    assert inside == "4294967295" * 3
    assert machine.run(["sed", "-n", "s/^0:://p", "/proc/self/cgroup"]).stdout == "/init.scope\n"


def test_logind_knows_a_container_only_where_it_is_to(lab: Lab) -> None:
    system = lab.machine.system
    with lab.machine.ssh("alice") as shell:
        pid = int(shell.ask("echo $$"))
        kernel = lab.truth()[pid]
        (login,) = lab.logins().values()
        state = lab.machine.run(["cat", f"/run/systemd/sessions/{login['Id']}"]).stdout.splitlines()
        release = lab.machine.run(["cat", "/etc/os-release"]).stdout

    ses = str(kernel["sessionid"])
    assert (login["Id"] == ses, f"AUDIT={ses}" in state) == (not system.container, not system.container)
    assert login["Id"].startswith("c") is system.container
    assert system.suite is None or f"VERSION_CODENAME={system.suite}" in release


def test_nothing_inside_can_change_what_is_shown_of_outside(machine: Machine) -> None:
    touched = machine.run(["touch", str(CHECKOUT / "touched")], check=False)
    assert (touched.returncode, "Read-only file system" in touched.stderr) == (1, True)
    machine.run(["touch", "/etc/touched"])
    assert not Path("/etc/touched").exists()
