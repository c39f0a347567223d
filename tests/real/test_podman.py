"""What does the product say of processes in a container that the real podman runs?"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab import PYTHON

ACCOUNT = 1
"""The uid of an account that every host has, "daemon". In the container it is somebody else's."""

# Static, since the container's root directory has nothing else in it. With an argument it logs in, as PAM does.
PROGRAM = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **args) {
    if (count > 1) {
        int login = open("/proc/self/loginuid", O_WRONLY);
        if (login < 0 || write(login, "1", 1) != 1 || setgid(1) || setuid(1)) return 1;
    }
    pause();
    return 0;
}
"""

# crun refuses to run where cgroup2 is mounted beside the controllers of cgroup version 1
WITHOUT_HYBRID = """
if findmnt -t cgroup >/dev/null; then findmnt -no TARGET -t cgroup2 | xargs -r -n1 umount; fi
exec "$@"
"""


class Podman:
    """The podman of this host, with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, *args: str) -> str:
        """Run podman and return its output."""
        options = ["--root", str(self._folder / "store"), "--runroot", str(self._folder / "run")]
        options += ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=crun"]
        command = ["unshare", "-m", "sh", "-ec", WITHOUT_HYBRID, "sh", "podman", *options, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, root: Path, *options: str, command: tuple[str, ...]) -> tuple[str, int]:
        """Start a container and return its id and the pid of its first process on this host."""
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
        container_id = self.run("run", "-d", "--network=host", *limits, *options, "--rootfs", str(root), *command)
        return container_id, int(self.run("inspect", "--format", "{{.State.Pid}}", container_id))


@pytest.fixture
def podman() -> Iterator[Podman]:
    if not shutil.which("podman") or not shutil.which("crun"):
        pytest.skip("podman or crun is not installed")
    # podman takes no path longer than 50 characters
    with tempfile.TemporaryDirectory(prefix="podman-") as folder:
        podman = Podman(Path(folder))
        yield podman
        podman.run("rm", "--all", "--force", "--time", "0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root directory with one program, /program."""
    root = tmp_path / "root"
    for name in ("proc", "sys", "dev", "etc", "tmp", "run"):
        (root / name).mkdir(parents=True)
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    subprocess.run(["cc", "-static", "-o", str(root / "program"), str(source)], check=True)
    return root


def logonscope(*args: str) -> str:
    done = subprocess.run([PYTHON, "-m", "logonscope", *args], capture_output=True, text=True, timeout=60, check=False)
    # 1: there is no such row
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def rows(*args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(logonscope(*args, "-o", "json"))
    return found


def test_a_process_of_a_container_is_nobodys_of_this_host(podman: Podman, root: Path) -> None:
    container_id, pid = podman.start(root, f"--user={ACCOUNT}", command=("/program",))

    text = logonscope("whose", str(pid))
    assert f"{pid} (/program) in container {container_id[:12]} (podman) belongs to the System session" in text
    assert f"no login started it; it runs as uid {ACCOUNT}." in text
    assert f"podman inspect {container_id}" in text
    (process,) = rows("query", "-n", "root/logonscope", f"SELECT * FROM LS_Process WHERE ProcessId = {pid}")
    assert (process["ContainerId"], process["ContainerRuntime"], process["User"]) == (container_id, "podman", None)
    assert f"[in container {container_id[:12]} (podman)] [as {ACCOUNT}] /program" in logonscope("tree", "system")
    assert container_id in logonscope("invoke", f"Win32_Process={pid}", "GetOwner")


def test_a_login_in_a_container_is_nobodys_of_this_host(podman: Podman, root: Path) -> None:
    container_id, pid = podman.start(root, "--cap-add=AUDIT_CONTROL", command=("/program", "login"))
    logon_id, deadline = "4294967295", time.monotonic() + 10
    while logon_id == "4294967295" and time.monotonic() < deadline:
        logon_id = Path(f"/proc/{pid}/sessionid").read_text()

    assert Path(f"/proc/{pid}/loginuid").read_text() == str(ACCOUNT)
    (session,) = rows("query", "-n", "root/logonscope", f'SELECT * FROM LS_LogonSession WHERE LogonId = "{logon_id}"')
    assert (session["IsForeign"], session["ContainerId"], session["Uid"]) == (True, container_id, ACCOUNT)
    assert session["User"] is None
    account = f'ASSOCIATORS OF {{Win32_LogonSession.LogonId="{logon_id}"}} WHERE ResultClass = Win32_Account'
    assert rows("query", account) == []
    text = logonscope("whose", str(pid))
    assert f"logon session {logon_id}: uid {ACCOUNT} of container {container_id[:12]} (podman)" in text
