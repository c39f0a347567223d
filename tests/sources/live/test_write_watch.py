"""The watch on writes: every write of a login uid and every move arrives, from wherever it is written."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from logonscope.sources.live.records import LoginWrite
from logonscope.sources.live.write_watch import (
    READ_SECONDS,
    CgroupMount,
    WriteWatch,
    find_cgroup_mounts,
    find_proc_mounts,
)
from tests.kernel import Nursery, require_logins
from tests.lab.fixtures import skip_or_fail
from tests.lab.hung_process import hung_execution

MOUNTINFO = b"""\
25 1 0:22 / /proc rw - proc proc rw
30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 1 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
32 1 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
33 1 0:29 /a /srv/c/proc rw - proc proc rw
34 1 0:30 / /proc-like rw - tmpfs proc rw
"""


def watch() -> WriteWatch:
    """Return a watch of this machine."""
    require_logins()
    with open("/proc/self/mountinfo", "rb") as file:
        mounts = find_cgroup_mounts(file.read())
    try:
        return WriteWatch("/proc", mounts)
    except OSError as error:
        skip_or_fail(f"writes cannot be watched: {error}")


def test_the_hierarchies_of_login_services_and_every_proc_are_found() -> None:
    assert find_cgroup_mounts(MOUNTINFO) == (
        CgroupMount("/sys/fs/cgroup", "/"),
        CgroupMount("/sys/fs/cgroup/systemd", "/"),
    )
    assert find_proc_mounts(MOUNTINFO) == ("/proc", "/srv/c/proc")


def test_every_login_is_a_write() -> None:
    writes = watch()
    with Nursery() as nursery:
        pids = nursery.login(64321, 20)
        logins = writes.read().logins
    writes.close()
    assert {LoginWrite(pid, pid) for pid in pids} <= logins


def test_a_login_through_another_proc_is_a_write_once_that_is_watched(tmp_path: Path) -> None:
    writes = watch()
    script = (
        f"mount -t proc -o subset=pid proc {tmp_path} && echo ready && read x && echo 64321 > {tmp_path}/self/loginuid"
    )
    command = ["unshare", "--mount", "sh", "-c", f"echo -n 4294967295 > /proc/self/loginuid; {script}"]
    shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert shell.stdin is not None
    assert shell.stdout is not None
    assert shell.stdout.readline() == b"ready\n"
    writes.add(f"/proc/{shell.pid}/root{tmp_path}")
    writes.read()
    shell.communicate(b"\n")
    logins = writes.read().logins
    writes.close()
    # which process it is, is known from the event alone: the file's numbers are those of another /proc
    assert LoginWrite(shell.pid, None) in logins


def test_a_move_to_a_cgroup_is_a_write() -> None:
    writes = watch()
    mounts = find_cgroup_mounts(Path("/proc/self/mountinfo").read_bytes())
    folder = Path(mounts[-1].path) / f"logonscope-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        skip_or_fail(f"no cgroup can be made: {error}")
    try:
        sleeper = subprocess.Popen(["sleep", "100"])
        (folder / "cgroup.procs").write_text(str(sleeper.pid), encoding="ascii")
        moves = writes.read().moves
        sleeper.kill()
        sleeper.wait()
    finally:
        writes.close()
        folder.rmdir()
    assert f"{mounts[-1].root.rstrip('/')}/{folder.name}" in moves


def test_a_written_file_that_hangs_when_it_is_opened_ends_the_watch_in_time() -> None:
    writes = watch()
    # the kernel opens the written memory of the child when the event is read, and the child is executing a program then
    with hung_execution(writes_memory=True) as execution:
        began = time.monotonic()
        with pytest.raises(OSError, match="the reading of writes hangs"):
            writes.read()
        assert time.monotonic() - began < 10 * READ_SECONDS
        writes.close()
        later = watch()
        with Nursery() as nursery:
            (pid,) = nursery.login(64321)
            assert LoginWrite(pid, pid) in later.read().logins
        later.close()
        execution.go_on()
