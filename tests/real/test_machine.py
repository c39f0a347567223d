"""Does the laboratory leave nothing behind, even when its test run is killed?"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.lab.keeper import NAME, cgroups
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


def traces() -> set[str]:
    """List what a machine needs on this computer while it runs."""
    groups = {str(group) for parent in cgroups("self") for group in parent.glob(f"{NAME}*")}
    places = {str(place) for place in Path(tempfile.gettempdir()).glob(f"{NAME}*")}
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if NAME in line}
    keepers = {
        entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and b"keeper.py" in command_line(entry)
    }
    return groups | places | mounts | keepers


def command_line(process: Path) -> bytes:
    """Read a process's command line, if it is still there."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM], ids=lambda stop: stop.name)
def test_a_killed_test_run_leaves_nothing_behind(stop: signal.Signals) -> None:
    before = traces()
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        while_up = traces()
        run.send_signal(stop)

    assert len(while_up - before) >= 3
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the machine's first process is gone")
    wait_until(lambda: traces() == before, what="all traces are gone")


@pytest.mark.usefixtures("machine")
def test_a_killed_keeper_takes_its_machine_along_and_the_next_one_clears_up() -> None:
    before = traces()
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        (keeper,) = (int(name) for name in traces() - before if name.isdigit())
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the machine's first process is gone")
        run.kill()
    with Machine():
        pass

    assert traces() == before


def test_what_runs_inside_comes_from_no_login(machine: Machine) -> None:
    inside = machine.run(["cat", "/proc/self/sessionid", "/proc/self/loginuid", "/proc/1/sessionid"]).stdout
    assert inside == "4294967295" * 3
    assert machine.run(["sed", "-n", "s/^0:://p", "/proc/self/cgroup"]).stdout == "/init.scope\n"


def test_nothing_inside_can_change_what_is_shown_of_outside(machine: Machine) -> None:
    touched = machine.run(["touch", str(CHECKOUT / "touched")], check=False)
    assert (touched.returncode, "Read-only file system" in touched.stderr) == (1, True)
    machine.run(["touch", "/etc/touched"])
    assert not Path("/etc/touched").exists()
