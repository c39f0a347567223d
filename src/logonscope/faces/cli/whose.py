"""``logonscope whose TARGET...``: which login does it belong to, and how is that known?"""

import argparse
from collections.abc import Iterator

from logonscope.answers.whose import Whose
from logonscope.client import Host
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.codes import exit_code
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.parser import wants_color
from logonscope.faces.cli.refusal import say
from logonscope.faces.cli.sentence import evidence, headline, login, lookups, parents
from logonscope.faces.cli.text import for_terminal, styled, width

INDENT = 12
"""Columns before the details."""

EXAMPLES = """\
examples:
  logonscope whose 4312                which login started process 4312
  logonscope whose sshd                of every process of that name
  logonscope whose :8080 :5432         whoever listens on these ports, or is connected through them
  logonscope whose 4312 -o json        the same for a script, with the source of every value
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("target", nargs="+", metavar="TARGET", help="a pid, a process name, or :PORT")


def run(host: Host, args: argparse.Namespace) -> int:
    """Answer for every target; the exit code is that of the worst."""
    found: list[Whose] = []
    worst = 0
    for target in args.target:
        try:
            found.extend(host.whose(target))
        except LogonscopeError as error:
            worst = max(worst, exit_code(error))
            say(error, args)
    if args.output != "table":
        print_rows(args, found)
        return worst
    for at, answer in enumerate(found):
        print("\n" * (at > 0), end="")
        for line in _lines(answer, color=wants_color(args)):
            print(line)
    return worst


def _lines(answer: Whose, *, color: bool) -> Iterator[str]:
    """Say the answer as sentences and look-ups that a person can act on."""
    room = width()
    for line in _wrapped(headline(answer), room):
        yield styled(line, "bold", color=color)
    details = [("login", [login(answer.session)]), ("evidence", [evidence(answer)])]
    details += [("parents", [parents(answer)]), ("look up", list(lookups(answer)))]
    for heading, texts in details:
        lines = [line for text in texts for line in _wrapped(text, room and room - INDENT)]
        for at, line in enumerate(lines):
            label = f"{'' if at else heading:9}"
            yield f"  {styled(label, 'dim', color=color)} {line}"


def _wrapped(text: str, room: int | None) -> list[str]:
    """Return the text as lines that fit; one line where the output is no terminal."""
    safe = for_terminal(text)
    if room is None or len(safe) <= room:
        return [safe]
    import textwrap  # noqa: PLC0415 -- only a terminal needs it

    return textwrap.wrap(safe, max(room, INDENT), break_on_hyphens=False)
