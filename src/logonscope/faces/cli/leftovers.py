"""``logonscope leftovers``: what still runs of logins that are logged out?"""

import argparse

from logonscope.answers import SessionProcess
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
    found: list[SessionProcess] = []
    told: dict[bool, set[str]] = {True: set(), False: set()}
    for process in host.processes(args.which):
        if process.logon_id and process.login_uid is not None:
            told[process.leftover is not None].add(process.logon_id)
        if process.leftover:
            found.append(process)
    some = told[True] or told[False] or args.which is None
    return print_rows(args, found, ps.COLUMNS, _none(told) if some else nothing(args.which))


def _none(told: dict[bool, set[str]]) -> str:
    """Say that there are none, as far as that can be told."""
    untold = counted(len(told[False]), "logon session")
    if not told[True]:
        return f"whether {untold} left anything over cannot be told: no login service vouches for them"
    none = f"nothing is left over of {counted(len(told[True]), 'logon session')} that a login service vouches for"
    return none + (f"; of {untold} that nobody vouches for it cannot be told" if told[False] else "")
