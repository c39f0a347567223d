"""A terminal for a command: a pseudo terminal of a size, on which keys are typed and whose text is waited for."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

LOGONSCOPE = [sys.executable, "-m", "logonscope"]

_SESSION_LEADER = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs the tests in the background has it ignored
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal the controlling one, so that Ctrl-C reaches the command."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command on a pseudo terminal."""

    def __init__(self, words: list[str], columns: int = 80, lines: int = 24, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        env = {**inherited, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": "/nowhere", "TZ": "UTC"}
        self.child = subprocess.Popen(
            [sys.executable, "-c", _SESSION_LEADER, *words],
            stdin=theirs, stdout=theirs, stderr=theirs, env=env | environment,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str, seconds: float = 20) -> str:
        """Read until a text is shown; return all that was shown up to then."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} is not in {self.shown!r}"
            assert self._read(0.5), f"{text!r} is not in {self.shown!r}"
        return self.shown

    def leave(self, seconds: float = 20) -> int:
        """Read until the command ends; return its exit code."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._read(0.5):
            pass
        return self.child.wait(max(0.1, end - time.monotonic()))

    def leave_by(self, keys: str, seconds: float = 20) -> int:
        """Press keys until the command ends: less throws away what was typed before it was ready."""
        end = time.monotonic() + seconds
        while self.child.poll() is None and time.monotonic() < end:
            self.type(keys)
            still = time.monotonic() + 0.3
            while time.monotonic() < still and self._read(0.1):
                pass
        return self.leave()

    @property
    def local_modes(self) -> int:
        """Return the flags of termios(3), c_lflag."""
        flags: int = termios.tcgetattr(self._ours)[3]
        return flags

    @property
    def text(self) -> str:
        """Return what was shown without escape sequences."""
        return _ESCAPES.sub("", self.shown).replace("\r\n", "\n")

    def _read(self, seconds: float) -> bool:
        """Read what is there; return whether more may come."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return self.child.poll() is None
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)
