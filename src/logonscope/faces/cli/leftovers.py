"""``logonscope leftovers``: what still runs of logins that are logged out?"""

import argparse

from logonscope.answers.session_process import Leftovers
from logonscope.client import Host
from logonscope.faces.cli import ps
from logonscope.faces.cli.output import counted, print_rows
from logonscope.faces.cli.selector import add_selector, nothing

EXAMPLES = """\
It only lists; nothing is ended. A process is a leftover when the leader of its login is gone; where no login service
vouches for a leader that cannot be told, and the process is not listed.

examples:
  logonscope leftovers                 all that you may see
  logonscope leftovers alice           of alice's logins
  logonscope leftovers -o json | jq -r '.[].pid'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the leftovers."""
    found = host.leftovers(args.which)
    some = found.known or found.unknown or args.which is None
    return print_rows(args, list(found.processes), ps.COLUMNS, _none(found) if some else nothing(args.which))


def _none(found: Leftovers) -> str:
    """Say that there are none, as far as that can be told."""
    unknown = counted(found.unknown, "logon session")
    if not found.known:
        return f"whether {unknown} left anything over cannot be told: no login service vouches for them"
    none = f"nothing is left over of {counted(found.known, 'logon session')} that a login service vouches for"
    return none + (f"; of {unknown} that nobody vouches for it cannot be told" if found.unknown else "")
