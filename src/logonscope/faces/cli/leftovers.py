"""``logonscope leftovers``: processes whose login is logged out, a line each."""

import argparse

from logonscope.answers.session_process import Leftovers
from logonscope.client import Host
from logonscope.faces.cli import ps, selector
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.output import count_text
from logonscope.faces.cli.selector import add_selector, logon_filter, no_match_message

EXAMPLES = (
    """\
It only lists; nothing is ended. A process is a leftover when the leader of its login is gone; where no login service
vouches for a leader that cannot be told, and the process is not listed.

examples:
  logonscope leftovers                 all that you may see
  logonscope leftovers alice           of alice's logins
  logonscope leftovers --type RemoteInteractive --until yesterday
  logonscope leftovers bob -o pids | xargs -r kill

"""
    + selector.EXAMPLES
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)
    add_listing(parser, "ps", ps.COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the leftovers."""
    where = logon_filter(host, args)
    found = host.leftovers(args.which, where)
    some = found.known or found.unknown or (args.which is None and where is None)
    return print_listing(
        host, args, list(found.processes), ps.COLUMNS, _no_leftovers_message(found) if some else no_match_message(args)
    )


COLUMNS = ps.COLUMNS


def _no_leftovers_message(found: Leftovers) -> str:
    """Say that there are none, as far as that can be told."""
    unknown = count_text(found.unknown, "logon session")
    if not found.known:
        return f"whether {unknown} left anything over cannot be told: no login service vouches for them"
    none = f"nothing is left over of {count_text(found.known, 'logon session')} that a login service vouches for"
    return none + (f"; of {unknown} that nobody vouches for it cannot be told" if found.unknown else "")
