"""``--watch``: an answer that is asked for again every few seconds and redrawn in place, its changes marked."""

import argparse
import contextlib
import io
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TextIO

from logonscope.errors import InvalidParameterError, LogonscopeError
from logonscope.faces.cli.exit_codes import FOUND, TERMINATED
from logonscope.faces.cli.messages import print_error
from logonscope.faces.cli.table import now
from logonscope.faces.cli.text import crop, format_time, styled, terminal_columns, terminal_lines, wants_color

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The alternate screen without a cursor, and back (xterm's private modes, which terminals of today share)."""

HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"

CHANGED, UNCHANGED = "* ", "  "
"""Marks of lines where there are no colours."""


class Screenful(io.StringIO):
    """What a terminal would be shown."""

    def isatty(self) -> bool:
        return True


class Screen:
    """A terminal whose lines are redrawn in place."""

    def __init__(self, terminal: TextIO, *, color: bool) -> None:
        self._terminal, self._color = terminal, color
        self._before: frozenset[str] | None = None

    def draw(self, title: str, text: Sequence[str]) -> None:
        """Show a title and lines; what was not there before is marked, what does not fit is counted."""
        room = max(1, terminal_lines() - 1)
        shown = [self._mark_line(line) for line in text[: room - (len(text) > room)]]
        if len(text) > room:
            shown.append(f"... {len(text) - len(shown)} more lines")
        head = styled(crop(title, terminal_columns()), "dim", color=self._color)
        self._terminal.write(HOME + f"{CLEAR_LINE}\n".join([head, *shown]) + CLEAR_LINE + CLEAR_BELOW)
        self._terminal.flush()
        self._before = frozenset(text)

    def _mark_line(self, line: str) -> str:
        is_new = self._before is not None and line not in self._before
        if self._color:
            # a style that ends within the line would end the mark too
            return styled(line.replace("\x1b[0m", "\x1b[0m\x1b[7m"), "reverse", color=is_new)
        return crop((CHANGED if is_new else UNCHANGED) + line, terminal_columns())


def watch(args: argparse.Namespace, ask: Callable[[], int]) -> int:
    """Ask again and again until Ctrl-C.

    Raises:
        InvalidParameterError: standard output is no terminal.
    """
    if not sys.stdout.isatty():
        raise InvalidParameterError("cannot watch: standard output is not a terminal", "leave --watch out")
    screen, terminal = Screen(sys.stdout, color=wants_color(args)), sys.stdout
    before = signal.signal(signal.SIGTERM, _terminate)
    with _keep_output_on_interrupt(terminal):
        terminal.write(ENTER)
        try:
            while True:
                text = _capture_answer(args, ask)
                title = f"every {args.watch:g} s: logonscope {args.command}  {format_time(now(), '%H:%M:%S')}"
                screen.draw(title, text.splitlines())
                time.sleep(args.watch)
        except KeyboardInterrupt:
            return FOUND
        finally:
            interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not leave the screen as it is
            terminal.write(LEAVE)
            terminal.flush()
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _keep_output_on_interrupt(terminal: TextIO) -> Iterator[None]:
    """Have a terminal show what it was given before a Ctrl-C too: it drops that, and with it the way back, else."""
    try:
        import termios  # noqa: PLC0415 -- Unix alone has it
    except ImportError:
        yield
        return
    before = termios.tcgetattr(terminal)
    iflag, oflag, cflag, lflag, *rest = before
    termios.tcsetattr(terminal, termios.TCSADRAIN, [iflag, oflag, cflag, lflag | termios.NOFLSH, *rest])
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _capture_answer(args: argparse.Namespace, ask: Callable[[], int]) -> str:
    """Return what the command prints, errors and notices included."""
    screenful = Screenful()
    with contextlib.redirect_stdout(screenful), contextlib.redirect_stderr(screenful):
        try:
            ask()
        except LogonscopeError as error:
            print_error(error, args)
    return screenful.getvalue()


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)
