"""The process that ends the laboratory's machine when its test run has ended.

It lives outside of the machine's namespaces and outside of the test run's process group. When its standard input
ends, because the test run closed it or was killed, the machine is powered off, and its control groups and its mount
point are removed. Killed itself, it takes the machine along, and the next keeper removes what it left behind. A machine
without a pid namespace of its own ends with its control group, by the next keeper at the latest.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

NAME = "logonscope-lab-"
UNSET = "4294967295"
POWER_OFF = signal.SIGRTMIN + 4  # systemd(1), "Signals"
PATIENCE = 10.0
SWEEPING = 2.0
HOST_PIDS = "host-pids"
"""The kind of a machine without a pid namespace of its own: see boot.sh."""


def cgroups(pid: int | str) -> list[Path]:
    """Return the directories of the process's control groups that systemd keeps: unified, and version 1 by name."""
    found = []
    for mount in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = mount.split(" - ")
        root, point = before.split()[3:5]
        kind, _, options = after.split()[:3]
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            unified = kind == "cgroup2" and controllers == ""
            named = kind == "cgroup" and controllers == "name=systemd" and controllers in options.split(",")
            if (unified or named) and path.startswith(root):
                found.append(Path(point, path.removeprefix(root).lstrip("/")))
    return found


def remove(trace: Path) -> None:
    """Remove a control group and all below it, or a mount point; nothing that holds a process or a file."""
    for folder, _, _ in os.walk(trace, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def kept(trace: Path) -> bool:
    """Return whether the keeper whose number a control group or mount point bears is still there."""
    try:
        return b"keeper.py" in Path("/proc", trace.name.removeprefix(NAME), "cmdline").read_bytes()
    except OSError:
        return False


def end_processes(group: Path) -> None:
    """End all processes in a control group and below it; a mount point or a hierarchy of version 1 has no such file."""
    # opened without being created: a file in a mount point would keep it from being removed
    with contextlib.suppress(OSError):
        descriptor = os.open(group / "cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"1")
        finally:
            os.close(descriptor)


def sweep() -> None:
    """Remove what killed keepers left: control groups and mount points, empty as soon as their processes have ended."""
    places = Path(tempfile.gettempdir()).glob(NAME + "*")
    groups = (group for parent in cgroups("self") for group in parent.glob(NAME + "*"))
    for trace in (*places, *groups):
        end = time.monotonic() + SWEEPING
        while trace.exists() and not kept(trace) and time.monotonic() < end:
            end_processes(trace)
            remove(trace)
            time.sleep(0.01)


def first_process(outer: subprocess.Popen[bytes], *, has_host_pids: bool) -> int:
    """Wait until systemd runs as process 1 inside, and return its number here."""
    end = time.monotonic() + PATIENCE
    while outer.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):
            (nspawn,) = [outer.pid] if has_host_pids else children(outer.pid)
            for pid in children(nspawn):
                status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
                if status["Name"].strip() == "systemd" and (has_host_pids or status["NSpid"].split()[-1] == "1"):
                    return pid
        time.sleep(0.01)
    raise SystemExit("cannot boot the machine: systemd did not start inside")


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def power_off(outer: subprocess.Popen[bytes], pid: int | None) -> None:
    """End the machine in good order, or by force when it takes too long."""
    if pid is not None and outer.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, POWER_OFF)
        with contextlib.suppress(subprocess.TimeoutExpired):
            outer.wait(PATIENCE)
    outer.kill()  # unshare --kill-child takes the namespace along
    outer.wait()


def keep(place: Path, groups: list[Path], arguments: list[str]) -> None:
    """Boot the machine, tell its first process, and end it when nobody listens any more."""
    port, *words = arguments
    has_host_pids = words[1] == HOST_PIDS
    enter = ["setpriv", "--pdeathsig", "KILL", "unshare", "-m"]
    if not has_host_pids:
        enter += ["-p", "-f", "--kill-child", "--mount-proc"]
    boot = ["sh", str(Path(__file__).with_name("boot.sh")), str(place), port, " ".join(map(str, groups)), *words]
    outer = subprocess.Popen([*enter, *boot], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    pid = None
    try:
        pid = first_process(outer, has_host_pids=has_host_pids)
        os.write(1, f"{pid}\n".encode())
        select.select([0, os.pidfd_open(outer.pid)], [], [])
    finally:
        for group in groups if has_host_pids else ():
            end_processes(group)
        power_off(outer, None if has_host_pids else pid)


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Leave by the way that cleans up."""
    raise SystemExit(1)


def main() -> None:
    """Keep one machine: keeper.py PORT TREE KIND PATH..., the arguments of boot.sh."""
    signal.signal(signal.SIGTERM, stop)
    sweep()
    if Path("/proc/self/sessionid").read_text() != UNSET:
        Path("/proc/self/loginuid").write_text(UNSET)  # or all inside would belong to the test run's own login
    place = Path(tempfile.gettempdir(), f"{NAME}{os.getpid()}")
    groups = [parent / place.name for parent in cgroups("self")]
    for folder in (place, *groups):
        folder.mkdir()
    try:
        keep(place, groups, sys.argv[1:])
    finally:
        end = time.monotonic() + SWEEPING
        while (traces := [trace for trace in (place, *groups) if trace.exists()]) and time.monotonic() < end:
            for trace in traces:
                remove(trace)
            time.sleep(0.01)


if __name__ == "__main__":
    main()
