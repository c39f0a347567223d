"""Installation of the packaged service on the laboratory's machine: unit, PAM lines, and the program under test."""

import sys

from tests.lab.lab import PYTHON
from tests.lab.systemd import CHECKOUT, Machine

PACKAGING = CHECKOUT / "packaging"
HERE = f"""[Service]
ProtectHome=read-only
BindReadOnlyPaths={CHECKOUT} {sys.prefix}
ExecStart=
ExecStart={PYTHON} -m logonscope serve
"""
PLACES = ("/var/lib/logonscope", "/var/lib/private/logonscope", "/var/log/logonscope", "/var/log/private/logonscope")


def install(machine: Machine, settings: str) -> None:
    """Put everything where a package would, as if nothing had been there."""
    forget(machine)
    machine.run(["install", "-D", "-m", "644", str(PACKAGING / "pam.d/logonscope"), "/etc/pam.d/logonscope"])
    machine.run(["install", "-m", "644", str(PACKAGING / "logonscope.service"), "/etc/systemd/system/"])
    machine.run(["install", "-D", "-m", "644", "/dev/stdin", "/etc/logonscope/logonscope.toml"], input=settings)


def begin(machine: Machine, here: str = HERE) -> None:
    """Start the service with what differs here; that returns once it has said that it is ready."""
    folder = "/etc/systemd/system/logonscope.service.d"
    machine.run(["install", "-D", "-m", "644", "/dev/stdin", f"{folder}/here.conf"], input=here)
    machine.run(["systemctl", "daemon-reload"])
    done = machine.run(["systemctl", "restart", "logonscope"], check=False)
    assert done.returncode == 0, machine.run(["journalctl", "--no-pager", "-u", "logonscope", "-n", "40"]).stdout


def forget(machine: Machine) -> None:
    """Stop it, and remove what it keeps: under another user systemd could not move that here."""
    machine.run(["systemctl", "stop", "logonscope"], check=False)
    machine.run(["rm", "-rf", *PLACES])
