"""The packaged unit that is attacked, in a booted machine, and what its process and its journal come to."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.lab.lab import PYTHON
from tests.lab.packaged import HERE, begin, forget, install
from tests.lab.systemd import CHECKOUT, Machine, free_port
from tests.siege.accounts import ADMINISTRATOR, USER, Account

NAME = "logonscope"
SOCKET = "/run/logonscope/socket"
CERTIFICATE = "/var/lib/logonscope/self-signed.crt"
REMOVE = """
rm -rf /run/logonscope /etc/logonscope /etc/systemd/system/logonscope*
systemctl reset-failed logonscope
systemctl daemon-reload
"""
LISTENS = f"ReadWritePaths={os.path.dirname(SOCKET)}\n"
"""The server itself makes the unix socket here, which logonscope.socket makes otherwise."""

SERVED = f"Environment=PYTHONPATH={CHECKOUT}/src PYTHONDONTWRITEBYTECODE=1\nLogRateLimitIntervalSec=0\n"
"""The checkout's own code is served; and every line of the log is counted, as journald would leave many out."""


class Unit:
    """The unit while it runs; numbers of processes are those inside of the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.plain_port, self.tls_port = free_port(), free_port()
        self._proc = Path(f"/proc/{machine.pid}/root/proc")

    @contextlib.contextmanager
    def running(self, settings: str, drop_in: str) -> Iterator[None]:
        """Install the unit and start it, with settings and a drop-in; remove it in the end."""
        urls = f"http://127.0.0.1:{self.plain_port}", f"https://127.0.0.1:{self.tls_port}", f"unix:{SOCKET}"
        listen = ", ".join(f'"{url}"' for url in urls)
        try:
            install(self.machine, f"listen = [{listen}]\n{settings}")
            # Its dynamic user has no uid before it runs.
            self.machine.run(["install", "-d", "-m", "1777", os.path.dirname(SOCKET)])
            for account in (ADMINISTRATOR, USER):
                self._add(account)
            begin(self.machine, f"{HERE}{LISTENS}{SERVED}{drop_in}")
            yield
        finally:
            forget(self.machine)
            self.machine.run(["sh", "-c", REMOVE], check=False)

    def _add(self, account: Account) -> None:
        role = ["--administrator"] if account.is_administrator else ["--uid", str(account.uid)]
        words = [PYTHON, "-m", "logonscope", "user", "add", account.name, *role, "--password-stdin"]
        python_path = f"PYTHONPATH={CHECKOUT}/src"
        self.machine.run(["env", python_path, *words], input=account.password + "\n")

    def show(self, name: str) -> str:
        """Return a property of the unit."""
        return self.machine.run(["systemctl", "show", "--value", "-p", name, NAME]).stdout.strip()

    def main_pid(self) -> int:
        """Return the number of the server's process."""
        return int(self.show("MainPID"))

    def process_folder(self, pid: int) -> Path:
        """Return the folder of a process of the machine, as it is seen from outside."""
        return self._proc / str(pid)

    def forget_peak(self, pid: int) -> None:
        """Begin a new peak of the memory of a process (proc(5), clear_refs)."""
        (self.process_folder(pid) / "clear_refs").write_text("5")

    def memory(self, pid: int, field: str = "VmRSS") -> float:
        """Return MiB that a process has in memory; VmHWM: its peak."""
        status = (self.process_folder(pid) / "status").read_text(encoding="utf-8")
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None, f"no {field} in {status}"
        return int(found[1]) / 1024

    def threads(self, pid: int) -> int:
        """Return how many threads a process has."""
        return len(list((self.process_folder(pid) / "task").iterdir()))

    def cursor(self) -> str:
        """Return the place in the journal after its last line of the unit."""
        self.machine.run(["journalctl", "--sync"])
        shown = self.machine.run(["journalctl", "-u", NAME, "-n", "1", "-o", "cat", "--show-cursor"]).stdout
        return shown.rpartition("-- cursor: ")[2].strip()

    def log(self, cursor: str) -> list[str]:
        """Return the lines of the unit's log since a place in the journal."""
        self.machine.run(["journalctl", "--sync"])
        words = ["journalctl", "-u", NAME, "-o", "cat", "--no-pager", "-q", f"--after-cursor={cursor}"]
        return self.machine.run(words, timeout=120).stdout.splitlines()
