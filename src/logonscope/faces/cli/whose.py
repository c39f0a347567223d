"""``logonscope whose TARGET...``: which login does it belong to, and how is that known?"""

import argparse
import sys
from collections.abc import Iterator

from logonscope.client import Host
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.parser import wants_color
from logonscope.faces.cli.run import exit_code
from logonscope.faces.cli.sentence import evidence, headline, login, lookups, parents
from logonscope.faces.cli.text import for_terminal, styled
from logonscope.facts import Whose

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
            print(f"logonscope: {for_terminal(str(error))}", file=sys.stderr)
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
    yield styled(for_terminal(headline(answer)), "bold", color=color)
    details = [("login", [login(answer.session)]), ("evidence", [evidence(answer)])]
    details += [("parents", [parents(answer)]), ("look up", list(lookups(answer)))]
    for heading, texts in details:
        for at, text in enumerate(texts):
            label = f"{'' if at else heading:9}"
            yield f"  {styled(label, 'dim', color=color)} {for_terminal(text)}"
