"""``logonscope whose TARGET...``: which login does it belong to, and how is that known?"""

import argparse
import os
from collections.abc import Iterator, Sequence

from logonscope.answers.whose import Whose
from logonscope.client import Host
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.exit_codes import exit_code
from logonscope.faces.cli.messages import print_error
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.text import styled, terminal_width, wants_color, wrapped
from logonscope.faces.cli.whose_text import (
    describe_evidence,
    describe_login,
    describe_parents,
    headline,
    lookup_commands,
)

INDENT = 12
"""Columns before the details."""

MAX_IN_SENTENCES = 5
"""Answers to one target that are told in sentences; more are a line each."""

HELP = "a pid, a process name, :PORT, ADDRESS:PORT, /PATH of a program, or an account"

EXAMPLES = """\
examples:
  logonscope whose 4312                which login started process 4312
  logonscope whose sshd                of every process of that name
  logonscope whose :8080 :ssh          whoever listens on these ports, or is connected through them
  logonscope whose 127.0.0.1:8080 '[::1]:8080'
                                       on one address only
  logonscope whose /usr/bin/python3    of every process that runs this program
  logonscope whose alice               of all that her logins started, and all that runs as her
  logonscope whose user:postgres       of an account whose name is a process's too; name:postgres is the process
  logonscope whose 4312 -o json        the same for a script, with the source of every value
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("target", nargs="+", metavar="TARGET", help=HELP)


def run(host: Host, args: argparse.Namespace) -> int:
    """Answer for every target; the exit code is that of the worst."""
    by_target: list[list[Whose]] = []
    worst = 0
    for target in args.target:
        try:
            by_target.append(host.whose(_resolve_path(target) if args.host is None else target))
        except LogonscopeError as error:
            worst = max(worst, exit_code(error))
            print_error(error, args)
    if args.output != "table":
        print_rows(args, [answer for answers in by_target for answer in answers])
        return worst
    for at, answers in enumerate(by_target):
        print("\n" * (at > 0), end="")
        _print_answers(args, answers)
    return worst


def _resolve_path(target: str) -> str:
    """Return where the links of a path on this machine lead: a process has the path of the file itself."""
    return os.path.realpath(target) if target.startswith(("/", "./", "../")) else target


def _print_answers(args: argparse.Namespace, answers: Sequence[Whose]) -> None:
    """Print a few answers in sentences, many in a line each."""
    if len(answers) > MAX_IN_SENTENCES:
        from logonscope.faces.cli.whose_table import print_answers  # noqa: PLC0415 -- one answer needs no table

        print_answers(args, answers)
        return
    for at, answer in enumerate(answers):
        print("\n" * (at > 0), end="")
        for line in _detail_lines(answer, color=wants_color(args)):
            print(line)


def _detail_lines(answer: Whose, *, color: bool) -> Iterator[str]:
    """Say the answer as sentences and look-ups that a person can act on."""
    room = terminal_width()
    for line in wrapped(headline(answer), room):
        yield styled(line, "bold", color=color)
    details = [("login", [describe_login(answer.session)]), ("evidence", [describe_evidence(answer)])]
    details += [("parents", [describe_parents(answer)]), ("look up", list(lookup_commands(answer)))]
    for heading, texts in details:
        lines = [line for text in texts for line in wrapped(text, room and room - INDENT)]
        for at, line in enumerate(lines):
            label = f"{'' if at else heading:9}"
            yield f"  {styled(label, 'dim', color=color)} {line}"
