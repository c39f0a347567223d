"""One ssh login without logind that starts seven processes, beside another login of the same user.

A real sshd with PAM runs on this machine, in a mount namespace of its own (see enter()), where /etc and /var/log are
copied on write: the accounts and the PAM services exist in that namespace alone and end with it.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.lab.shell import Shell
from tests.lab.systemd import CAP_SYS_ADMIN, free_port, wait_until
from tests.lab.systems import PATH
from tests.peers.facts import PROC, UNSET, arguments, read_process

OUTSIDE = "--outside"
"""The option that names the mount namespace in which nothing may be mounted."""
PROGRAMS = ("unshare", "setpriv", "sshd", "ssh", "ssh-keygen", "setsid", "tmux", "sudo")
SECONDS = 1800
"""How long the processes live at most, should nobody end them."""

PROCESSES = {
    "foreground": "sleep {mark}",
    "`setsid -f`": "setsid -f sleep {mark}",
    "`nohup`": "nohup sleep {mark} >/dev/null 2>&1 &",
    "tmux server": "tmux -f /dev/null -S {mark} new-session -d sleep {next}",
    "tmux window": "",  # started by the server
    "`sudo -u`": "sudo -n -u {other} sleep {mark} >/dev/null 2>&1 & disown",
    "`env -i`": "env -i sleep {mark} & disown",
}
"""What the login starts, and how; the foreground process comes last, as the shell then waits for it."""

ACCOUNTS = """
echo '{user}:x:{uid}:{uid}::{home}:/bin/bash' >>/etc/passwd
echo '{user}:x:{uid}:' >>/etc/group
echo '{user}:*:19000:0:99999:7:::' >>/etc/shadow
"""
PAM = """
auth required {auth}
account required pam_permit.so
session required {session}
"""
SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {place}/host
AuthorizedKeysFile {place}/client.pub
PidFile none
StrictModes no
UsePAM yes
UseDNS no
PrintMotd no
PrintLastLog no
"""


class SceneError(Exception):
    """The scene cannot be set here; str() says why."""


class Login(NamedTuple):
    """A login, as its own shell describes it."""

    shell: Shell
    pid: int
    kernel_id: int


class Scene(NamedTuple):
    """The login, its processes by name, and the processes of another login of the same user."""

    login: Login
    processes: dict[str, int]
    others: tuple[int, ...]

    def alive(self) -> dict[str, int]:
        """Return the processes that still run."""
        return {name: pid for name, pid in self.processes.items() if _is_running(pid)}

    def log_out(self) -> None:
        """Pull the cable, and wait until the shell has ended."""
        self.login.shell.close()
        wait_until(lambda: not _is_running(self.login.pid), what="the shell ends with its connection")


def unavailable() -> str | None:
    """Say why no login can be made here, if so."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    if os.geteuid() or not int(status["CapEff"], 16) >> CAP_SYS_ADMIN & 1:
        return "root with CAP_SYS_ADMIN is needed"
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=PATH)]:
        return f"not installed: {', '.join(missing)}"
    return None if Path("/proc/self/sessionid").exists() else "this kernel has no audit"


def enter() -> None:
    """Run this program again in a mount namespace of its own, and end with its exit code; return if it is there."""
    namespace = str(Path("/proc/self/ns/mnt").readlink())
    if len(sys.argv) == 3 and sys.argv[1] == OUTSIDE and sys.argv[2] != namespace:
        return
    command = ["unshare", "--mount", "--", sys.executable, "-m", "tests.peers", OUTSIDE, namespace]
    raise SystemExit(subprocess.run(command, check=False).returncode)


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """Set the scene inside of the namespace; end its processes with the block."""
    with tempfile.TemporaryDirectory(prefix="logonscope-peers-") as name:
        place = Path(name)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", name], check=True)
        try:
            user, other = _accounts(place)
            with _sshd(place) as port:
                yield from _logins(place, port, user, other)
        finally:
            subprocess.run(["umount", "--lazy", "/etc", "/var/log", name], check=False)


def _logins(place: Path, port: int, user: str, other: str) -> Iterator[Scene]:
    marks = {name: f"{SECONDS}.{os.getpid()}{number}" for number, name in enumerate((*PROCESSES, "bystander"))}
    marks["tmux server"] = str(place / "home" / user / "tmux")
    try:
        with _log_in(place, port, user) as bystander:
            # It comes first: on pts/0 the LogonId of Sysmon is the bare uid, as for a process without a terminal.
            second = _login(bystander)
            bystander.ask(f"setsid -f sleep {marks['bystander']}")
            with _log_in(place, port, user) as shell:
                login = _login(shell)
                _start(shell, marks, other)
                processes = {name: _find(mark, is_server=name == "tmux server") for name, mark in marks.items()}
                yield Scene(login, processes, (second.pid, processes.pop("bystander")))
    finally:
        for pid in _marked(set(marks.values())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _start(shell: Shell, marks: Mapping[str, str], other: str) -> None:
    """Have the login start its processes, of which each bears its mark."""
    lines = {
        name: line.format(mark=marks[name], next=marks["tmux window"], other=other) for name, line in PROCESSES.items()
    }
    foreground = lines.pop("foreground")
    for line in filter(None, lines.values()):
        shell.ask(line)
    shell.send(foreground)


def _accounts(place: Path) -> tuple[str, str]:
    """Make two accounts, the first of which may use sudo; return their names."""
    for folder in ("/etc", "/var/log"):
        upper, work = place / f"upper{folder}", place / f"work{folder}"
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        options = f"lowerdir={folder},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", folder], check=True)
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    free = (uid for uid in range(60001, 60500) if uid not in taken)
    users = ("peers-login", "peers-other")
    for user, uid in zip(users, free, strict=False):
        home = place / "home" / user
        home.mkdir(parents=True)
        os.chown(home, uid, uid)
        subprocess.run(["sh", "-c", ACCOUNTS.format(user=user, uid=uid, home=home)], check=True)
    Path("/etc/pam.d/sshd").write_text(PAM.format(auth="pam_deny.so", session="pam_loginuid.so"))
    Path("/etc/pam.d/sudo").write_text(PAM.format(auth="pam_permit.so", session="pam_permit.so"))
    Path("/etc/sudoers").write_text(f"{users[0]} ALL=(ALL) NOPASSWD: ALL\n")
    return users


@contextlib.contextmanager
def _sshd(place: Path) -> Iterator[int]:
    """Run sshd for as long as the block does, and return its port."""
    port = free_port()
    for key in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)], check=True)
    configuration = place / "sshd_config"
    configuration.write_text(SSHD.format(port=port, place=place))
    command = ["setpriv", "--pdeathsig", "KILL", shutil.which("sshd", path=PATH) or "sshd", "-D", "-e"]
    with (
        _separation_folder(),
        (place / "sshd.log").open("w") as log,
        subprocess.Popen([*command, "-f", str(configuration)], stderr=log, env={"PATH": PATH}) as sshd,
    ):
        try:
            yield port
        finally:
            sshd.terminate()


@contextlib.contextmanager
def _separation_folder() -> Iterator[None]:
    """Have the empty folder that sshd wants, where the system's own sshd has not made it."""
    folder = Path("/run/sshd")
    if folder.exists():
        yield
        return
    folder.mkdir()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # another sshd may have removed it meanwhile
            folder.rmdir()


def _log_in(place: Path, port: int, user: str) -> Shell:
    wanted = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectionAttempts=10")
    options = [f"-o{option}" for option in wanted]
    argv = ["ssh", "-F/dev/null", "-q", *options, f"-i{place / 'client'}", f"-p{port}", "-tt", f"{user}@127.0.0.1"]
    return Shell(argv, tty=True, environment={"PATH": PATH, "TERM": "dumb", "LANG": "C.UTF-8"})


def _login(shell: Shell) -> Login:
    """Ask the login's own shell who it is."""
    pid, kernel_id = map(int, shell.ask("echo $$ $(cat /proc/$$/sessionid)").split())
    if kernel_id == UNSET:
        raise SceneError("pam_loginuid gave the login no kernel id, as in a container that may not")
    return Login(shell, pid, kernel_id)


def _find(mark: str, *, is_server: bool) -> int:
    """Return the process that bears a mark: a sleep of so many seconds, or tmux's server of that socket."""

    def bearers() -> list[int]:
        return [
            pid
            for pid in _marked({mark})
            if (process := read_process(pid)) and process.name == ("tmux: server" if is_server else "sleep")
        ]

    (pid,) = wait_until(bearers, what=f"the process with {mark} runs")
    return pid


def _marked(marks: set[str]) -> list[int]:
    numbers = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if marks & set(arguments(pid))]


def _is_running(pid: int) -> bool:
    return bool(arguments(pid))
