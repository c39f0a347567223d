"""``--watch``: repeats a command and redraws its output in place, with changed lines marked."""

import argparse
import contextlib
import io
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from logonscope.client import Host
from logonscope.errors import InvalidParameterError, LogonscopeError
from logonscope.faces.cli.ending_signals import exit_by_signal
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.messages import print_error
from logonscope.faces.cli.refresh import Interval, open_refresh
from logonscope.faces.cli.table import now
from logonscope.faces.cli.text import crop, format_time, styled, terminal_columns, terminal_lines, wants_color

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""Escape sequences to the alternate screen without a cursor, and back (private modes of xterm)."""

HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"

CHANGED, UNCHANGED = "* ", "  "
"""Prefixes of changed and unchanged lines, where colours are off."""


class Screenful(io.StringIO):
    """A buffer for the output of a command. It claims to be a terminal, so that the command formats it for one."""

    def isatty(self) -> bool:
        return True


class Screen:
    """A terminal whose lines are redrawn in place."""

    def __init__(self, terminal: TextIO, *, color: bool) -> None:
        self._terminal, self._color = terminal, color
        self._previous_lines: frozenset[str] | None = None

    def draw(self, title: str, lines: Sequence[str]) -> None:
        """Draw a title and lines: new lines are marked, lines that do not fit are counted."""
        room = max(1, terminal_lines() - 1)
        shown = [self._mark_line(line) for line in lines[: room - (len(lines) > room)]]
        if len(lines) > room:
            shown.append(f"... {len(lines) - len(shown)} more lines")
        title_line = styled(crop(title, terminal_columns()), "dim", color=self._color)
        self._terminal.write(HOME + f"{CLEAR_LINE}\n".join([title_line, *shown]) + CLEAR_LINE + CLEAR_BELOW)
        self._terminal.flush()
        self._previous_lines = frozenset(lines)

    def _mark_line(self, line: str) -> str:
        is_new = self._previous_lines is not None and line not in self._previous_lines
        if self._color:
            # the end of a style within the line also ends the reverse style: set it again
            return styled(line.replace("\x1b[0m", "\x1b[0m\x1b[7m"), "reverse", color=is_new)
        return crop((CHANGED if is_new else UNCHANGED) + line, terminal_columns())


def repeat(host: Host, args: argparse.Namespace, run_command: Callable[[], int]) -> int:
    """Repeat a command at changes or at intervals, until Ctrl-C; return the exit code.

    Raises:
        InvalidParameterError: standard output is not a terminal.
    """
    if not sys.stdout.isatty():
        raise InvalidParameterError("cannot watch: standard output is not a terminal", "leave --watch out")
    screen, terminal = Screen(sys.stdout, color=wants_color(args)), sys.stdout
    # SIGTERM must leave the alternate screen too
    previous_handler = signal.signal(signal.SIGTERM, exit_by_signal)
    with _keep_output_on_interrupt(terminal):
        terminal.write(ENTER)
        refresh = Interval(args.watch)
        try:
            _draw(screen, args, run_command, refresh)
            # opened after the first answer, so that this answer need not wait for the connection
            refresh = open_refresh(host, args)
            while True:
                _draw(screen, args, run_command, refresh)
                refresh.wait()
        except KeyboardInterrupt:
            return FOUND
        finally:
            # a second Ctrl-C must not prevent the return from the alternate screen
            interrupt_handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
            terminal.write(LEAVE)
            terminal.flush()
            refresh.close()
            signal.signal(signal.SIGINT, interrupt_handler)
            signal.signal(signal.SIGTERM, previous_handler)


def _draw(screen: Screen, args: argparse.Namespace, run_command: Callable[[], int], refresh: Interval) -> None:
    """Run the command once, and draw its output."""
    text = _capture_answer(args, run_command)
    note = f"  ({refresh.note})" if refresh.note else ""
    title = f"{refresh.schedule}: logonscope {args.command}  {format_time(now(), '%H:%M:%S')}{note}"
    screen.draw(title, text.splitlines())


@contextlib.contextmanager
def _keep_output_on_interrupt(terminal: TextIO) -> Iterator[None]:
    """Let the terminal keep its pending output on Ctrl-C (NOFLSH, termios(3)).

    By default the terminal discards that output, and with it the escape sequence that leaves the alternate screen.
    """
    try:
        import termios  # noqa: PLC0415 -- only Unix has it
    except ImportError:
        yield
        return
    original_modes = termios.tcgetattr(terminal)
    iflag, oflag, cflag, lflag, *rest = original_modes
    termios.tcsetattr(terminal, termios.TCSADRAIN, [iflag, oflag, cflag, lflag | termios.NOFLSH, *rest])
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, original_modes)


def _capture_answer(args: argparse.Namespace, run_command: Callable[[], int]) -> str:
    """Run a command; return all that it prints, errors and notices included."""
    screenful = Screenful()
    with contextlib.redirect_stdout(screenful), contextlib.redirect_stderr(screenful):
        try:
            run_command()
        except LogonscopeError as error:
            print_error(error, args)
    return screenful.getvalue()
