"""Pager: output that is longer than the terminal is shown page by page, as git and systemctl do.

LOGONSCOPE_PAGER, else the settings file, else PAGER, else less. Through sudo it is less without shell escapes: who may
run this command as root may not run others by it.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, TextIO

from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.text import terminal_lines

if TYPE_CHECKING:
    from subprocess import Popen

NO_PAGER = {"", "cat"}
LESS_OPTIONS = "FRX"
"""Options of less where LESS is not set: end where one page is enough, pass colours on, leave the text behind."""


def run_with_pager(ask: Callable[[], int], setting: str | None) -> int:
    """Print an answer through the pager where it is longer than the terminal; return its exit code."""
    terminal = sys.stdout
    output = PagedOutput(terminal, setting)
    sys.stdout = output
    try:
        return int(ask())
    except BrokenPipeError:  # the pager was left before the end: its reader has seen enough
        return FOUND
    finally:
        sys.stdout = terminal
        output.finish()


def pager_command(environment: Mapping[str, str], setting: str | None) -> str | None:
    """Return the command of the pager; None where there is to be none."""
    from shutil import which  # noqa: PLC0415 -- most answers fit

    if is_elevated(environment):
        return which("less")
    named = (environment.get("LOGONSCOPE_PAGER"), setting, environment.get("PAGER"))
    command = next((name for name in named if name is not None), None)
    if command is None:
        return which("less") or which("more")
    return None if command.strip() in NO_PAGER else command


def is_elevated(environment: Mapping[str, str]) -> bool:
    """Return whether somebody else runs this as root: by sudo or pkexec."""
    return (
        hasattr(os, "geteuid")
        and os.geteuid() == 0
        and any(environment.get(name, "0") != "0" for name in ("SUDO_UID", "PKEXEC_UID"))
    )


class PagedOutput(io.TextIOBase):
    """Standard output on a terminal: held until it is longer than the terminal, then passed on to the pager."""

    def __init__(self, terminal: TextIO, setting: str | None) -> None:
        super().__init__()
        self._terminal, self._setting = terminal, setting
        self._held: list[str] = []
        self._count = 0
        self._pager: Popen[bytes] | None = None
        self._sink: IO[str] | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the stub has an attribute
        """Return the terminal's encoding."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._terminal.fileno()

    def write(self, text: str) -> int:
        """Hold the text, or pass it on.

        Raises:
            BrokenPipeError: the pager was left.
        """
        if self._sink is not None:
            return self._sink.write(text)
        self._held.append(text)
        self._count += text.count("\n")
        if self._count >= terminal_lines():
            self._sink = self._open() or self._terminal
            self._sink.write("".join(self._held))
            self._held.clear()
        return len(text)

    def finish(self) -> None:
        """Show what is held, or wait until the pager is left; the terminal is its until then."""
        if self._sink is None:
            self._terminal.write("".join(self._held))
            self._terminal.flush()
            return
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager
        try:
            if self._pager is not None:
                self._sink.close()
        except BrokenPipeError:
            pass  # it was left before the end
        finally:
            if self._pager is not None:
                self._pager.wait()
                _set_sigpipe(ends=True)
            signal.signal(signal.SIGINT, interrupt)

    def _open(self) -> IO[str] | None:
        """Start the pager; None where there is none, or where it cannot be started."""
        command = pager_command(os.environ, self._setting)
        if command is None:
            return None
        import subprocess  # noqa: PLC0415 -- most answers fit

        environment = {"LESS": LESS_OPTIONS, "LV": "-c", **os.environ}
        if is_elevated(os.environ):
            environment["LESSSECURE"] = "1"
        try:
            self._pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)  # noqa: S602 -- the user's own words, as in git
        except OSError:
            return None
        _set_sigpipe(ends=False)  # a pager that is left early ends the output alone
        pipe = self._pager.stdin
        if pipe is None:
            return None
        return io.TextIOWrapper(pipe, self.encoding, self._terminal.errors or "replace")


def _set_sigpipe(*, ends: bool) -> None:
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL if ends else signal.SIG_IGN)
