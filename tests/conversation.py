"""Conversations with the command: replays text files of prompts and answers against the example host.

A line "$ logonscope ..." is typed; the lines below it are what it prints, those of stderr behind "! "; "[exit N]"
stands last where the exit code is not 0.
"""

import contextlib
import io
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.app import connect, open_user_file
from logonscope.command import SERVER_COMMANDS
from logonscope.faces.cli import run


class Turn(NamedTuple):
    """One command as it was typed, and what it answers."""

    typed: str
    answer: str


def turns(text: str) -> Iterator[Turn]:
    """Read the turns of a conversation."""
    for part in text.split("$ logonscope")[1:]:
        typed, _, answer = part.partition("\n")
        yield Turn(typed.strip(), answer.rstrip("\n"))


class Shown(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def answer(typed: str, host: str, *, terminal: bool = False) -> str:
    """Type a command against a recorded host and return what it prints, on a terminal or elsewhere."""
    code, out, err = reply([*shlex.split(typed), "--host", host], Shown() if terminal else io.StringIO())
    lines = [*out.splitlines(), *(f"! {line}".replace(host, "web1.lsr") for line in err.splitlines())]
    return "\n".join([*lines, *([f"[exit {code}]"] if code else [])])


def reply(words: list[str], out: io.StringIO | None = None) -> tuple[int, str, str]:
    """Run the command in this process; return exit code, standard output and standard error."""
    out, err = out or io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run(words, connect, open_user_file, SERVER_COMMANDS)
        except SystemExit as left:
            code = int(left.code or 0)
    return code, out.getvalue(), err.getvalue()
