"""A new user on a system: a copy-on-write view of its tree in memory, with an account that has logged in nowhere."""

import ast
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
NAME = "newcomer"
HOME = f"/home/{NAME}"
PATIENCE, PATIENCE_OF_SERVER = 1800.0, 300.0
"""Seconds that one block of commands may take; and the server's, with its installation."""
PATH = "/usr/local/bin:/usr/bin:/bin"
ENTER = 'read id < /proc/self/sessionid; [ "$id" = 4294967295 ] || echo 4294967295 > /proc/self/loginuid; exec "$@"'
"""Leaves the login that runs this, where there is one."""
PIP_SETTINGS = ("cert", "default-timeout", "timeout", "index-url", "proxy", "trusted-host")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


class Done(NamedTuple):
    """A block of commands that was run."""

    code: int
    output: str
    seconds: float


class View:
    """A system for as long as a ``with`` block runs."""

    def __init__(self, tree: Path) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="logonscope-fresh-")
        self._tree = tree
        self._keeper: subprocess.Popen[str] | None = None
        self._network: subprocess.Popen[str] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        """Make the view, the account and its clone of the checkout."""
        self._keeper = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"),
                *("sh", str(HERE / "enter.sh"), str(self._tree), self._place.name),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",  # sh takes this as its directory in the view
        )
        assert self._keeper.stdout is not None
        try:
            self._keeper.stdout.readline()  # "ready", or nothing where no view could be made
            children = Path(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children")
            self._pid = int(children.read_text(encoding="ascii"))
            self._network = _network_alone()
            self._furnish()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()

    @property
    def root(self) -> Path:
        """Return where its root directory is, seen from outside."""
        return Path(f"/proc/{self._pid}/root")

    def run(self, commands: str, *, is_offline: bool = False, **environment: str) -> Done:
        """Run commands as the new user in the clone, and return what was printed.

        Args:
            commands: for bash; the first that fails ends them.
            is_offline: only with the view's own loopback interface, on which no other program listens.
            environment: further variables.
        """
        start = time.monotonic()
        try:
            done = subprocess.run(
                self._as_user(commands, environment, is_offline=is_offline),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as late:
            printed = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
            return Done(124, f"{printed}\nnot done after {PATIENCE:g} s", PATIENCE)
        return Done(done.returncode, done.stdout, time.monotonic() - start)

    def converse(self, commands: str, steps: Sequence[tuple[str, Callable[[], str]]]) -> Done:
        """Run commands at a terminal, offline: wait for each step's words, and type what its function returns."""
        start = time.monotonic()
        child, terminal = pty.fork()
        if child == 0:
            argv = self._as_user(commands, {}, is_offline=True)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands, not for nsenter
            os.execvp(argv[0], argv)  # noqa: S606 -- no shell is wanted
        printed, remaining = "", list(steps)
        unread = ""
        while time.monotonic() - start < PATIENCE_OF_SERVER:
            if select.select([terminal], [], [], 1.0)[0]:
                try:
                    data = os.read(terminal, 4096).decode(errors="replace")
                except OSError:  # EIO: the last process has closed the terminal
                    data = ""
                if not data:
                    break
                printed, unread = printed + data, unread + data
            if remaining and remaining[0][0] in unread:
                words, answer = remaining.pop(0)
                unread = unread.partition(words)[2]
                os.write(terminal, answer().encode())
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        missing = f"\nthe words {remaining[0][0]!r} did not come" if remaining else ""
        return Done(code or bool(missing), printed.replace("\r\n", "\n") + missing, time.monotonic() - start)

    def _as_user(self, commands: str, environment: dict[str, str], *, is_offline: bool) -> list[str]:
        user = {"PATH": PATH, "HOME": HOME, "USER": NAME, "LANG": "C.UTF-8", "TERM": "dumb"}
        variables = user | _pip_network() | environment
        assert self._network is not None
        return [
            *self._enter(*([f"--net=/proc/{self._network.pid}/ns/net"] if is_offline else [])),
            *("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--bounding-set=-all"),
            *("env", "-i", "--default-signal=INT", *(f"{name}={value}" for name, value in variables.items())),
            *("bash", "-ec", f"cd {HOME}/logonscope\n{commands}"),
        ]

    def _enter(self, *options: str) -> list[str]:
        return [
            *("nsenter", f"--target={self._pid}", "--mount", "--pid", "--root", f"--wd={self.root}", *options),
            *("sh", "-c", ENTER, "sh"),
        ]

    def _furnish(self) -> None:
        """Make the account and its clone, and take over how this machine reaches a package index."""
        for path in ("/etc/pip.conf", _pip_network().get("PIP_CERT", "")):
            if path and os.path.exists(path):
                (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.root / path[1:])
        subprocess.run([*self._enter(), "useradd", "--create-home", "--shell", "/bin/bash", NAME], check=True)
        with tempfile.TemporaryDirectory() as folder:  # git does not take a path through /proc
            subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{CHECKOUT}", folder], check=True)
            shutil.copytree(folder, self.root / HOME[1:] / "logonscope", symlinks=True)
        subprocess.run([*self._enter(), "chown", "-R", f"{NAME}:", f"{HOME}/logonscope"], check=True)

    def _leave(self) -> None:
        """End every process of the view, and with them its mounts."""
        assert self._keeper is not None
        self._keeper.kill()  # --kill-child: process 1 of the view with it
        self._keeper.communicate()
        if self._network is not None:
            self._network.communicate()  # its input ends
        while self._pid and os.path.exists(f"/proc/{self._pid}"):
            time.sleep(0.05)
        self._place.cleanup()  # an empty directory: the view was mounted on it in another namespace


def _network_alone() -> subprocess.Popen[str]:
    """Start a process that keeps a network namespace, with its loopback interface up, until its input ends."""
    words = ["unshare", "--net", "sh", "-ec", "ip link set lo up; echo ready; exec cat"]
    keeper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    if keeper.stdout.readline() != "ready\n":
        raise OSError(f"no network namespace: exit code {keeper.wait()}")
    return keeper


def _pip_network() -> dict[str, str]:
    """Return how this machine's pip reaches its index, as environment variables."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    settings = pip_settings(listed.stdout)
    return settings | {name: value for name in PROXIES if (value := os.environ.get(name))}


def pip_settings(listed: str) -> dict[str, str]:
    """Return what ``pip config list`` says of the network, as environment variables; pip lists what wins first."""
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in PIP_SETTINGS:
            settings.setdefault(f"PIP_{name.replace('-', '_').upper()}", str(ast.literal_eval(value)))
    return settings
