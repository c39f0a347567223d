"""Which refused attempts does the journal of a whole machine have? Real programs of Debian 12 and 13."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab import PYTHON, Lab
from tests.lab.systemd import wait_until

WATCH = Path(__file__).with_name("watch_logons.py")
LOGIN = """
import os, pty, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv("/bin/login", ["login", "-h", "198.51.100.7", "bob"])


def wait_for(text):
    seen, end = b"", time.monotonic() + 20
    while text not in seen and time.monotonic() < end:
        try:
            seen += os.read(terminal, 1000)
        except OSError:  # login hangs up its terminal, and opens it again
            time.sleep(0.1)


wait_for(b"assword")
os.write(terminal, b"wrong\\n")
wait_for(b"ncorrect")
os.kill(pid, 9)
"""


class Watched:
    """A machine, and the attempts that its journal reports."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._process = lab.machine.spawn([PYTHON, str(WATCH)])
        self._attempts: list[dict[str, Any]] = []
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._attempts.append(json.loads(line))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._thread.join()

    def attempts(self, service: str) -> list[dict[str, Any]]:
        """Return the attempts at a service."""
        return [attempt for attempt in self._attempts if attempt["service"] == service]

    def ssh(self, folder: Path, user: str, method: str) -> None:
        """Fail to log in."""
        script = folder / "askpass"
        script.write_text("#!/bin/sh\necho wrong\n")
        script.chmod(0o700)
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "NumberOfPasswordPrompts=1")
        argv = ["ssh", "-F/dev/null", "-q", *(f"-o{option}" for option in options)]
        subprocess.run(
            [*argv, f"-oPreferredAuthentications={method}", f"-p{self.lab.machine.port}", f"{user}@127.0.0.1"],
            env={"PATH": os.environ["PATH"], "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"},
            stdin=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def watched(lab: Lab) -> Iterator[Watched]:
    """Read the journal of the machine."""
    lab.machine.run(["chpasswd"], input="bob:a password\nalice:a password\n")
    watched = Watched(lab)
    try:
        yield watched
    finally:
        watched.close()


def test_sshd_by_password_by_pam_by_key_and_an_invalid_name(watched: Watched, tmp_path: Path) -> None:
    watched.ssh(tmp_path, "bob", "password")
    watched.ssh(tmp_path, "bob x from 1.2.3.4 port 5 ssh2", "password")
    watched.ssh(tmp_path, "bob", "keyboard-interactive")
    watched.ssh(tmp_path, "bob", "publickey")
    wait_until(lambda: watched.attempts("sshd")[3:], 30, "four attempts")
    attempts = watched.attempts("sshd")
    assert [(attempt["user"], attempt["is_known_user"], attempt["method"]) for attempt in attempts] == [
        ("bob", True, "password"),
        ("bob x from 1.2.3.4 port 5 ssh2", False, "password"),
        ("bob", True, "keyboard-interactive/pam"),
        ("bob", True, None),
    ]
    assert {attempt["address"] for attempt in attempts} == {"127.0.0.1"}
    assert all(attempt["port"] for attempt in attempts if attempt["method"] != "keyboard-interactive/pam")


def test_su_and_sudo(watched: Watched) -> None:
    with watched.lab.machine.ssh("bob") as shell:
        shell.ask("echo wrong | su -c true alice 2>&1; echo wrong | sudo -S -k true 2>&1")
    (su,) = wait_until(lambda: watched.attempts("su"), 30, "su")
    (sudo,) = wait_until(lambda: watched.attempts("sudo"), 30, "sudo")
    assert (su["user"], su["by_user"], su["source"]) == ("alice", "bob", "journal")
    assert (sudo["user"], sudo["by_user"], sudo["command"]) == ("root", "bob", "/usr/bin/true")


def test_login(watched: Watched) -> None:
    watched.lab.machine.run([PYTHON, "-I", "-S", "-c", LOGIN], check=False)
    (attempt,) = wait_until(lambda: watched.attempts("login"), 30, "login")
    assert (attempt["user"], attempt["address"], attempt["method"]) == ("bob", "198.51.100.7", "password")
