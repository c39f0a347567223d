"""Processes in a container that the real podman runs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.lab.fixtures import skip_or_fail
from tests.lab.lab import PYTHON
from tests.lab.systemd import wait_until
from tests.server.attacked import SOURCE, attacked

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

# Run in a container that has the socket of this host's service: what does the server answer, and what the command?
ASK = """
import json, sys
from logonscope.client.service import connect_to_socket
from logonscope.app import SERVICE_SOCKET, connect
from logonscope.errors import LogonscopeError
try:
    list(connect_to_socket(SERVICE_SOCKET, 10).processes())
    refused = ""
except LogonscopeError as error:
    refused = str(error)
host = connect()
try:
    host.session_of(int(sys.argv[1]))
    named = "answered"
except LogonscopeError as error:
    named = error.name
print(json.dumps([refused, repr(host), [process.pid for process in host.processes()], named]))
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

    def ask_service(self, root: Path, socket_folder: str, user: int, pid: int) -> Any:
        """Run ASK about a pid of this host in a container with this Python and the socket of a server."""
        folders = {"/usr", SOURCE, sys.prefix, sys.base_prefix}
        # their parents may be closed to other users here; in the container they are new directories
        volumes = [f"--volume={folder}:{folder}:ro" for folder in sorted(folders)]
        volumes.append(f"--volume={socket_folder}:/run/logonscope")
        options = [f"--user={user}", f"--env=PYTHONPATH={SOURCE}", "--env=PYTHONDONTWRITEBYTECODE=1", "--network=none"]
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
        command = [PYTHON, "-c", ASK, str(pid)]
        return json.loads(self.run("run", "--rm", *limits, *options, *volumes, "--rootfs", str(root), *command))

    def start(self, root: Path, *options: str, command: tuple[str, ...]) -> tuple[str, int]:
        """Start a container and return its id and the pid of its first process on this host."""
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
        container_id = self.run("run", "-d", "--network=host", *limits, *options, "--rootfs", str(root), *command)
        return container_id, int(self.run("inspect", "--format", "{{.State.Pid}}", container_id))


@pytest.fixture
def podman() -> Iterator[Podman]:
    if os.geteuid() != 0:
        skip_or_fail("only root can start such containers")
    if not shutil.which("podman") or not shutil.which("crun"):
        skip_or_fail("podman or crun is not installed")
    # podman takes no path longer than 50 characters
    with tempfile.TemporaryDirectory(prefix="podman-") as folder:
        podman = Podman(Path(folder))
        yield podman
        podman.run("rm", "--all", "--force", "--time", "0")
        # conmon, and the podman that it starts when a container ends, still write to the store
        wait_until(partial(has_no_process, folder), 30)


def has_no_process(folder: str) -> bool:
    """Return whether no process has a folder in its arguments."""
    return subprocess.run(["pgrep", "-f", folder], capture_output=True, check=False).returncode == 1


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


def kernel_id(pid: int) -> str | None:
    """Return the kernel's audit session id of a process; None: it is unset."""
    word = Path(f"/proc/{pid}/sessionid").read_text()
    return None if word == "4294967295" else word


def logonscope(*args: str) -> str:
    done = subprocess.run([PYTHON, "-m", "logonscope", *args], capture_output=True, text=True, timeout=60, check=False)
    # 1: there is no such row
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def rows(*args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(logonscope(*args, "-o", "json"))
    return found


def test_a_process_of_a_container_has_no_user_of_this_host(podman: Podman, root: Path) -> None:
    container_id, pid = podman.start(root, f"--user={ACCOUNT}", command=("/program",))

    text = logonscope("whose", str(pid))
    assert f"{pid} (/program) in container {container_id[:12]} (podman) belongs to the System session" in text
    assert f"no login started it; it runs as uid {ACCOUNT}." in text
    assert f"podman inspect {container_id}" in text
    (process,) = rows("query", "-n", "root/logonscope", f"SELECT * FROM LS_Process WHERE ProcessId = {pid}")
    assert (process["ContainerId"], process["ContainerRuntime"], process["User"]) == (container_id, "podman", None)
    assert f"[in container {container_id[:12]} (podman)] [as {ACCOUNT}] /program" in logonscope("tree", "system")
    assert container_id in logonscope("invoke", f"Win32_Process={pid}", "GetOwner")


def test_a_login_in_a_container_has_no_user_of_this_host(podman: Podman, root: Path) -> None:
    container_id, pid = podman.start(root, "--cap-add=AUDIT_CONTROL", command=("/program", "login"))
    logon_id = wait_until(partial(kernel_id, pid))

    assert Path(f"/proc/{pid}/loginuid").read_text() == str(ACCOUNT)
    (session,) = rows("query", "-n", "root/logonscope", f'SELECT * FROM LS_LogonSession WHERE LogonId = "{logon_id}"')
    assert (session["IsForeign"], session["ContainerId"], session["Uid"]) == (True, container_id, ACCOUNT)
    assert session["User"] is None
    account = f'ASSOCIATORS OF {{Win32_LogonSession.LogonId="{logon_id}"}} WHERE ResultClass = Win32_Account'
    assert rows("query", account) == []
    text = logonscope("whose", str(pid))
    assert f"logon session {logon_id}: uid {ACCOUNT} of container {container_id[:12]} (podman)" in text


@pytest.mark.parametrize("user", [0, 65_534])
def test_a_container_that_has_the_socket_is_rejected_and_reads_itself(podman: Podman, root: Path, user: int) -> None:
    for name in ("lib", "lib64", "bin"):
        if Path(f"/{name}").is_symlink():
            (root / name).symlink_to(Path(f"/{name}").readlink())
    with attacked() as server:
        refused, host, pids, named = podman.ask_service(root, str(Path(server.path).parent), user, os.getpid())
    assert "the caller is in another user or pid namespace" in refused
    assert host.startswith("<LocalHost")
    # the container has no other process, and a pid of this host means none there
    assert pids == [1]
    assert named == "WBEM_E_NOT_FOUND"
