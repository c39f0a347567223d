"""The laboratory: asks the product, the kernel and logind about the same moment, inside the machine."""

import json
import subprocess
import sys
from typing import Any

from tests.lab.shell import Shell
from tests.lab.systemd import LAB, Account, Machine, wait_until
from tests.lab.truth import Truth

Row = dict[str, Any]
PYTHON = sys.executable


class Lab:
    """The machine, two people with accounts on it, and the questions of the tests."""

    def __init__(self, machine: Machine, alice: Account, bob: Account) -> None:
        self.machine = machine
        self.alice = alice  # may use sudo
        self.bob = bob  # may not
        self._daemons = 0

    def truth(self) -> dict[int, Truth]:
        """Read every process from the kernel."""
        lines = self.machine.run([PYTHON, "-I", "-S", str(LAB / "truth.py")]).stdout.splitlines()
        rows: list[Truth] = [json.loads(line) for line in lines]
        return {row["pid"]: row for row in rows}

    def login(self, name: str) -> dict[str, str]:
        """Ask logind for one session."""
        return self.logins()[name]

    def logins(self) -> dict[str, dict[str, str]]:
        """Ask logind for people's sessions; their managers' have records of their own since systemd 256."""
        return {name: login for name, login in self.records().items() if not login["Class"].startswith("manager")}

    def records(self) -> dict[str, dict[str, str]]:
        """Ask logind for all sessions, in the words of `loginctl show-session`."""
        while names := [line.split()[0] for line in self.loginctl("list-sessions").stdout.splitlines()]:
            shown = self.loginctl("show-session", *names)
            if shown.returncode == 0:  # else one of them has ended meanwhile
                blocks = shown.stdout.strip().split("\n\n")
                logins = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
                return {login["Id"]: login for login in logins}
        return {}

    def loginctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run loginctl, whatever comes of it."""
        return self.machine.run(["loginctl", "--no-legend", *words], check=False)

    def command(self, *words: str) -> list[str]:
        """Spell a command of the product's command line."""
        return [PYTHON, "-m", "logonscope", *words]

    def logonscope(self, *words: str, user: str | None = None) -> list[Row]:
        """Ask the product's command line, run from outside of any logon session."""
        done = self.machine.run(self.command(*words, "-o", "json"), user, check=False)
        assert done.returncode in (0, 1), done.stderr
        rows: list[Row] = json.loads(done.stdout)
        assert done.returncode == (0 if rows else 1), done.stderr
        return rows

    def session(self, logon_id: str) -> Row:
        """Ask the product for one logon session."""
        (row,) = [row for row in self.logonscope("sessions") if row["logon_id"] == logon_id]
        return row

    def whose(self, pid: int) -> Row:
        """Ask the product whose a process is: the process's own row, with its session and its chain."""
        (row,) = self.logonscope("whose", str(pid))
        process: Row = row["process"]
        assert (row["target"], process["pid"]) == (str(pid), pid)
        assert row["session"]["logon_id"] == process["logon_id"]
        return process | {"session": row["session"], "chain": row["chain"]}

    def daemon(self, *command: str) -> int:
        """Run a command as a service of the system, and return its process."""
        self._daemons += 1
        unit = f"lab-{self._daemons}"
        self.machine.run(["systemd-run", "--quiet", "--collect", f"--unit={unit}", *command])
        return self.main_process(unit)

    def main_process(self, unit: str) -> int:
        """Ask systemd for the process of a service."""
        return int(self.machine.run(["systemctl", "show", "--value", "-p", "MainPID", unit]).stdout)

    def descendant(self, pid: int, comm: str) -> int:
        """Wait until the process has a child, a child's child and so on of this name, and return it."""

        def look() -> int | None:
            rows = self.truth()
            known = {pid}
            for row in sorted(rows.values(), key=lambda row: (row["start"], row["pid"])):
                if row["ppid"] in known:
                    known.add(row["pid"])
                    if row["comm"] == comm:
                        return row["pid"]
            return None

        found = wait_until(look, what=f"a {comm} below {pid}")
        assert found is not None
        return found

    def hang_up(self, shell: Shell, leader: int) -> None:
        """Close the connection and wait until the login's leader is gone."""
        shell.close()
        wait_until(lambda: leader not in self.truth(), what=f"the leader {leader} is gone")


def start(shell: Shell, command: str) -> int:
    """Start a command in the background of a login's shell, apart from its input and output; return its number.

    The shell's child is the shell until it has become the command: that is waited for.
    """
    become = "while [ /proc/$!/exe -ef /proc/$$/exe ]; do :; done"
    said = shell.ask(f"{command} </dev/null >/dev/null 2>&1 & {become}; echo $!")
    return int(said.splitlines()[-1])  # on a terminal the shell names the job first
