"""The pager: shows output that is longer than the terminal, page by page, as git and systemctl do.

Its command is the first of these that is set: LOGONSCOPE_PAGER, the setting ``pager``, PAGER. If none is set, the pager
is less, or more if less is missing. Through sudo or pkexec, only less without shell escapes is used: the rules of sudo
may permit only logonscope, and another pager could run any command.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, TextIO

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.text import terminal_lines

if TYPE_CHECKING:
    from subprocess import Popen

NO_PAGER = {"", "cat"}
"""Pager commands that mean: print without a pager."""

SHELL_FAILURES = {126, 127}
"""Exit codes of a shell that cannot execute, or cannot find, a command (POSIX, Shell Command Language, 2.8.2)."""

LESS_OPTIONS = "FRX"
"""Options of less if LESS is not set: exit if one page is enough, pass colours through, keep the text on the screen."""


def run_with_pager(run_command: Callable[[], int], setting: str | None) -> int:
    """Run a command; show its output in the pager if it is longer than the terminal.

    Args:
        run_command: prints to standard output and returns the exit code, which this function returns.
        setting: the pager of the settings file.

    Raises:
        InvalidParameterError: the shell cannot run the pager, so that nothing was shown.
    """
    terminal = sys.stdout
    output = PagedOutput(terminal, setting)
    sys.stdout = output
    try:
        code = int(run_command())
    # the user quit the pager before the end of the output, which is no error
    except BrokenPipeError:
        code = FOUND
    finally:
        sys.stdout = terminal
        output.finish()
    output.check_pager()
    return code


def pager_command(environment: Mapping[str, str], setting: str | None) -> str | None:
    """Return the shell command of the pager; None: no pager."""
    from shutil import which  # noqa: PLC0415 -- most answers fit on the terminal

    if is_elevated(environment):
        return which("less")
    choices = (environment.get("LOGONSCOPE_PAGER"), setting, environment.get("PAGER"))
    command = next((choice for choice in choices if choice is not None), None)
    if command is None:
        return which("less") or which("more")
    return None if command.strip() in NO_PAGER else command


def is_elevated(environment: Mapping[str, str]) -> bool:
    """Return whether another user runs this process as root, by sudo or pkexec."""
    return (
        hasattr(os, "geteuid")
        and os.geteuid() == 0
        and any(environment.get(name, "0") != "0" for name in ("SUDO_UID", "PKEXEC_UID"))
    )


class PagedOutput(io.TextIOBase):
    """Standard output on a terminal: buffered until it is longer than the terminal, then written to the pager."""

    def __init__(self, terminal: TextIO, setting: str | None) -> None:
        super().__init__()
        self._terminal, self._setting = terminal, setting
        self._buffered_texts: list[str] = []
        self._line_count = 0
        self._pager: Popen[bytes] | None = None
        self._destination: IO[str] | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the stub has an attribute
        """Return the terminal's encoding."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._terminal.fileno()

    def write(self, text: str) -> int:
        """Buffer the text. Once the output is longer than the terminal, write it to the pager.

        If there is no pager, the output is written to the terminal.

        Raises:
            BrokenPipeError: the user quit the pager.
        """
        if self._destination is not None:
            return self._destination.write(text)
        self._buffered_texts.append(text)
        self._line_count += text.count("\n")
        # the last line of the terminal is for the prompt: an output with the same number of lines does not fit
        if self._line_count >= terminal_lines():
            self._destination = self._start_pager() or self._terminal
            self._destination.write("".join(self._buffered_texts))
            self._buffered_texts.clear()
        return len(text)

    def finish(self) -> None:
        """Write buffered text to the terminal, or wait until the user quits the pager."""
        if self._destination is None:
            self._terminal.write("".join(self._buffered_texts))
            self._terminal.flush()
            return
        # Ctrl-C is for the pager, where it can end a search, for example
        previous_handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            if self._pager is not None:
                self._destination.close()
        except BrokenPipeError:
            pass  # the user quit the pager before the end
        finally:
            if self._pager is not None:
                self._pager.wait()
            signal.signal(signal.SIGINT, previous_handler)

    def check_pager(self) -> None:
        """Check that the shell could run the pager.

        Raises:
            InvalidParameterError: the shell could not run the pager.
        """
        if self._pager is not None and self._pager.returncode in SHELL_FAILURES:
            message = f"cannot run the pager {self._pager.args!r}"
            raise InvalidParameterError(message, "correct LOGONSCOPE_PAGER, PAGER or the settings, or use --no-pager")

    def _start_pager(self) -> IO[str] | None:
        """Start the pager and return its standard input; None: there is no pager, or it cannot be started."""
        command = pager_command(os.environ, self._setting)
        if command is None:
            return None
        import subprocess  # noqa: PLC0415 -- most answers fit on the terminal

        environment = {"LESS": LESS_OPTIONS, "LV": "-c", **os.environ}
        # less must not open a shell or another file as root
        if is_elevated(os.environ):
            environment["LESSSECURE"] = "1"
        try:
            self._pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)  # noqa: S602 -- the user's own command, as in git
        except OSError:
            return None
        pipe = self._pager.stdin
        if pipe is None:
            return None
        return io.TextIOWrapper(pipe, self.encoding, self._terminal.errors or "replace")
