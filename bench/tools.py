"""Which tools does this machine have? A row whose tool is missing says so, and what to install."""

import os
import shutil
import subprocess

FLOOR = os.path.join(os.path.dirname(__file__), "floor")

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""What measured commands inherit: nothing that would make them import something else than what is installed."""


class UnavailableError(Exception):
    """What cannot be measured here; str() says why and what to do."""


def tool(name: str, package: str) -> str:
    """Return where a tool is.

    Raises:
        UnavailableError: it is not installed; says which package of Debian has it.
    """
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"no `{name}` here: apt-get install {package}")
    return path


def compiled(name: str, into: str) -> str:
    """Compile floor/NAME.c into a folder and return the program.

    Raises:
        UnavailableError: there is no compiler, or it refused.
    """
    program = os.path.join(into, name)
    if not os.path.exists(program):
        command = [tool("cc", "gcc libc6-dev"), "-O2", "-o", program, os.path.join(FLOOR, f"{name}.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(f"cc refused {name}.c: {first_line(done.stderr)}")
    return program


def root() -> None:
    """Check that this is root, who alone sees everything and can make logon sessions.

    Raises:
        UnavailableError: it is not.
    """
    if os.geteuid():
        raise UnavailableError("not as this user: run as root")


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "it did not say why")
