"""What the tests of other people's clients share: the rows of the example host, and users whom each client can name."""

import shutil
import sys
from pathlib import Path

from logonscope.server.auth.user_file import UserFile
from logonscope.wire.wsman import names
from tests.lab.fixtures import skip_or_fail
from tests.server.running import QUICK, RunningServer

WMI = f"{names.WMI}/root/cimv2"
PLAIN = ("plain", "correct-horse")
"""An administrator without an NT hash, and with a password that passes through any shell."""

NO_SHELL = "remote shells (PowerShell, cmd) are not supported: this server answers only WMI queries"
SESSION_41 = ["4100", "4150", "4151", "4300", "4312"]
"""The processes of the logon session 41 of the example host."""


def add_plain(server: RunningServer) -> None:
    """Add the user without an NT hash."""
    UserFile(server.folder / "users", hasher=QUICK).add(*PLAIN, administrator=True)


def program(name: str) -> str:
    """Return the path of a client's program, beside this Python or on the PATH; without it the test is skipped."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        skip_or_fail(f"{name} is not installed")
    return found
