"""A machine with a genuine systemd and logind: a copy-on-write root, booted in a container.

`Machine` boots in about a second and leaves nothing behind, whatever ends the test run (keeper.py). Commands run inside
from outside of any logon session; logins are real ones, through sshd and PAM or through logind's D-Bus.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from tests.lab.keeper import cgroups
from tests.lab.shell import Shell
from tests.lab.systems import PATH, SYSTEMS, System

T = TypeVar("T")
LAB = Path(__file__).parent
CHECKOUT = LAB.parent.parent
PROGRAMS = (
    *("systemd-nspawn", "unshare", "nsenter", "setpriv", "ssh-keygen", "ssh", "sshd"),
    *("useradd", "sudo", "cron", "atd", "at", "tmux", "script"),
)
CAP_SYS_ADMIN = 21
# Processes that come from outside take the place of process 1 in the control groups, and its lack of a login.
ENTER = """
while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift
[ "$(cat /proc/self/sessionid)" = 4294967295 ] || echo 4294967295 >/proc/self/loginuid
exec "$@"
"""
# First the logon sessions, by force as a shell ignores the polite way; then all that users or tests still run.
QUIET = """
systemctl kill --signal=KILL 'session-*.scope'
systemctl stop 'lab-*.service' 'lab-*.scope'
for user; do loginctl disable-linger "$user"; pkill -KILL -U "$user" -x sleep; done
until [ -z "$(loginctl --no-legend list-users)" ]; do sleep .02; done
"""


# The same where pids are those of the host: only what is in the machine's own cgroups may be ended.
QUIET_BY_CGROUP = """
systemctl stop 'lab-*.service' 'lab-*.scope'
for user; do loginctl disable-linger "$user"; done
for slice in /sys/fs/cgroup/user.slice/user-*.slice; do [ ! -d "$slice" ] || echo 1 >"$slice/cgroup.kill"; done
until [ -z "$(loginctl --no-legend list-users)" ]; do sleep .02; done
"""


def unavailable() -> str | None:
    """Say why no machine can be had here, if so."""
    if os.geteuid() != 0:
        return "the machine needs root"
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    if not int(status["CapEff"], 16) >> CAP_SYS_ADMIN & 1:
        return "the machine needs CAP_SYS_ADMIN"
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=PATH)]:
        return f"the machine needs {', '.join(missing)}: install tests/lab/packages.txt"
    return None


def wait_until(condition: Callable[[], T], timeout: float = 10.0, what: str = "") -> T:
    """Ask again and again until the answer is true, and return that answer."""
    end = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout:g} s: {what or condition}")
        time.sleep(0.02)
    return answer


def free_port() -> int:
    """Find a port that nothing uses, and that the kernel gives to no client meanwhile (ip(7), ip_local_port_range)."""
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    while True:
        port = secrets.randbelow(first_of_clients // 2) + first_of_clients // 2
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def shown(system: System = SYSTEMS[0]) -> list[str]:
    """List what has to be visible inside at its own path: the checkout and the interpreter that runs the tests."""
    paths = [str(CHECKOUT), sys.prefix, sys.base_prefix, *system.interpreter()]
    return sorted({path for given in paths for path in (given, os.path.realpath(given))} - {"/", "/usr"})


class Account(NamedTuple):
    """A user of the machine."""

    name: str
    uid: int


class Login(NamedTuple):
    """A session that logind made on request."""

    id: str
    leader: int


class Machine:
    """A booted machine: `with Machine() as machine: machine.run(["loginctl"])`."""

    def __init__(self, system: System = SYSTEMS[0]) -> None:
        self.system = system
        self.port = free_port()
        self.pid = 0  # its process 1, as seen from outside
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- __exit__ closes it
        self._accounts: dict[str, Account] = {}
        self._keeper: subprocess.Popen[str] | None = None
        self._enter: list[str] = []

    def __enter__(self) -> Self:
        """Boot."""
        words = [str(self.port), self.system.tree(), self.system.kind, *shown(self.system)]
        keeper = subprocess.Popen(
            [sys.executable, "-I", str(LAB / "keeper.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._keeper = keeper
        assert keeper.stdout is not None
        try:
            self.pid = int(keeper.stdout.readline())  # nothing to read, no number: it did not start
            self._enter = self._way_in()
            wait_until(self._booted, 30, "the machine is up")
            self._enter = self._way_in()  # process 1 has found its place by now
        except BaseException as error:
            self._down()
            self._log.seek(0)
            error.add_note(self._log.read().decode(errors="replace"))
            self._log.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Power off."""
        self._down()
        self._log.close()

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        input: str | None = None,  # noqa: A002 -- as subprocess.run calls it
        timeout: float = 30.0,
        *,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root or a user, from outside of any logon session; a failure shows what it said."""
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        done = subprocess.run(
            [*self._enter, *self._become(user), *argv],
            env=self._environment(user),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **given,
        )
        if check and done.returncode:
            raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, argv: Sequence[str], user: str | None = None) -> subprocess.Popen[str]:
        """Start a command inside and leave it running; it ends with the returned process, or with the machine."""
        return subprocess.Popen(
            [*self._enter, *self._become(user), *argv],
            env=self._environment(user),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def useradd(self, name: str, *, sudo: bool = False) -> Account:
        """Make an account, which the laboratory's key opens, with sudo for everything or without."""
        self.run(["useradd", "--create-home", "--shell", "/bin/bash", name])
        if sudo:
            self.run(["tee", f"/etc/sudoers.d/{name}"], input=f"{name} ALL=(ALL) NOPASSWD: ALL\n")
        account = Account(name, int(self.run(["id", "-u", name]).stdout))
        self._accounts[name] = account
        return account

    def ssh(
        self,
        user: str,
        command: str | None = None,
        *,
        tty: bool = False,
        port: int | None = None,
        settings: Sequence[str] = (),
    ) -> Shell:
        """Log in over the network; without a command it is a shell, and with one it runs until that ends."""
        wanted = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectionAttempts=10", *settings)
        options = [f"-o{option}" for option in wanted]
        key = f"/proc/{self.pid}/root/etc/ssh/lab_client"
        argv = ["ssh", "-F/dev/null", "-q", *options, f"-i{key}", f"-p{port or self.port}", f"{user}@127.0.0.1"]
        words = ["-tt"] * tty + ([command] if command is not None else [])
        return Shell([*argv, *words], tty=tty, environment={"PATH": PATH, "TERM": "dumb", "LANG": "C.UTF-8"})

    @contextlib.contextmanager
    def create_session(self, *wanted: str) -> Iterator[Login]:
        """Have logind make a session of the wanted kind (create_session.py's options) for as long as the block runs."""
        held = self.spawn([sys.executable, "-I", str(LAB / "create_session.py"), *wanted])
        assert held.stdin is not None
        assert held.stdout is not None
        with held:
            made = json.loads(held.stdout.readline() or "null")
            assert made is not None, f"logind made no session: {wanted}"
            try:
                yield Login(made["login"], made["leader"])
            finally:
                held.stdin.close()
                held.wait(10)

    def quiet(self) -> None:
        """End every logon session and all that its users run, so that the next test starts from none."""
        script = QUIET_BY_CGROUP if self.system.has_host_pids else QUIET
        self.run(["sh", "-c", script, "sh", *self._accounts])

    def _way_in(self) -> list[str]:
        spaces = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--cgroup"]
        root = f"/proc/{self.pid}/root"
        groups = [str(group) for group in cgroups(self.pid)]
        return ["sh", "-c", ENTER, "sh", *groups, "--", *spaces, f"--root={root}", f"--wd={root}"]

    def _become(self, user: str | None) -> list[str]:
        """Spell the command that changes to the user, and that ends when its starter ends."""
        rights = ["setpriv", "--pdeathsig", "KILL"]
        return rights if user is None else [*rights, f"--reuid={user}", f"--regid={user}", "--init-groups"]

    def _environment(self, user: str | None) -> dict[str, str]:
        base = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        if self.system.has_host_pids:
            base["SYSTEMD_IGNORE_CHROOT"] = "1"  # process 1 has another root directory
        if "PYTHONPATH" in os.environ:
            base["PYTHONPATH"] = os.environ["PYTHONPATH"]
        if user is None:
            return base | {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
        uid = self._accounts[user].uid
        return base | {"HOME": f"/home/{user}", "USER": user, "LOGNAME": user, "XDG_RUNTIME_DIR": f"/run/user/{uid}"}

    def _booted(self) -> bool:
        assert self._keeper is not None
        if self._keeper.poll() is not None:
            raise RuntimeError("the machine ended while it booted")
        state = self.run(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        return state in ("running", "degraded")

    def _down(self) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        keeper.stdin.close()
        keeper.wait(30)
        keeper.stdout.close()
