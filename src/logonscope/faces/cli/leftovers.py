"""``logonscope leftovers``: what still runs of logins that are logged out?"""

import argparse

from logonscope.client import Host
from logonscope.faces.cli import ps
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.selector import add_selector

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
    rows = (process for process in host.processes(args.which) if process.leftover)
    return print_rows(args, rows, ps.COLUMNS, "no leftovers; `logonscope doctor` says whether they could be told here")
