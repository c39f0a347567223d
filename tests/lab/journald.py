"""Where do programs of this machine log, if it has no journal? A journald in a mount namespace of its own."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kernel import require_logins
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import wait_until

ALICE, BOB = 64_321, 64_322
_SCRIPT = Path(__file__).with_suffix(".sh")
_LOG_IN = "echo -n 4294967295 >/proc/self/loginuid; echo -n $1 >/proc/self/loginuid"
# children that are forked in the same batch of events as the login, and end in it, are of no known login
_BECOME = 'sleep .5; exec setpriv --reuid "$1" --regid "$1" --clear-groups sh -c "$2"'


class Journald:
    """The namespace, as long as the test runs; ``alice`` may use sudo without a password, ``bob`` may not."""

    def __init__(self) -> None:
        require_logins()
        programs = ("/lib/systemd/systemd-journald", "unshare", "nsenter", "setpriv", "openssl", "sudo", "su")
        if missing := [name for name in programs if shutil.which(name) is None]:
            skip_or_fail(f"this machine lacks {', '.join(missing)}")
        self._process = subprocess.Popen(["unshare", "-m", "sh", str(_SCRIPT)], stdin=subprocess.DEVNULL)
        self.root = f"/proc/{self._process.pid}/root"

    def __enter__(self) -> Self:
        """Wait until it takes lines."""
        socket = f"{self.root}/run/systemd/journal/dev-log"
        wait_until(lambda: os.path.exists(socket) or self._process.poll() is not None, what="journald")
        assert self._process.poll() is None, "journald ended"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def command(self, *words: str) -> list[str]:
        """Return the words of a command that runs inside."""
        return ["nsenter", "-t", str(self._process.pid), "-m", *words]

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root and without a login."""
        return subprocess.run(self.command(*words), input=text, capture_output=True, text=True, timeout=60, check=False)

    def signal(self, number: int) -> None:
        """Send a signal to journald."""
        self._process.send_signal(number)

    def log_in_command(self, uid: int, script: str) -> list[str]:
        """Return the words of a command that logs in and runs a shell script as a user."""
        return self.command("sh", "-c", f"{_LOG_IN}; {_BECOME}", "sh", str(uid), script)

    def log_in(self, uid: int, script: str) -> subprocess.CompletedProcess[str]:
        """Log in and run a shell script as a user."""
        words = self.log_in_command(uid, script)
        return subprocess.run(words, input="", capture_output=True, text=True, timeout=60, check=False)
