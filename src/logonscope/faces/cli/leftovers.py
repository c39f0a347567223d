"""``logonscope leftovers``: processes of logged-out logins, one line each."""

import argparse

from logonscope.answers.session_process import Leftovers
from logonscope.client import Host
from logonscope.faces.cli import ps, selector
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.output import count_text
from logonscope.faces.cli.selector import add_selector, logon_filter, no_match_message

EPILOG = (
    """\
It only lists processes, and kills none. A process is a leftover when the leader of its login has ended. Without a login
record, a process is listed only if its service (such as ssh, cron or at) shows that the login program has ended.

examples:
  logonscope leftovers                 all that you may see
  logonscope leftovers alice           of alice's logins
  logonscope leftovers --type RemoteInteractive --until yesterday
  logonscope leftovers bob -o pids | xargs -r kill

"""
    + selector.FILTER_NOTES
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser)
    add_listing(parser, "ps", ps.COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the leftovers; return the exit code."""
    session_filter = logon_filter(host, args)
    leftovers = host.leftovers(args.which, session_filter)
    sessions_match = leftovers.known or leftovers.unknown or (args.which is None and session_filter is None)
    empty_message = _no_leftovers_message(leftovers) if sessions_match else no_match_message(args)
    return print_listing(host, args, list(leftovers.processes), ps.COLUMNS, empty_message)


COLUMNS = ps.COLUMNS


def _no_leftovers_message(leftovers: Leftovers) -> str:
    """Return the message that there are no leftovers, with the logon sessions that could not be checked."""
    unchecked = count_text(leftovers.unknown, "logon session")
    if not leftovers.known:
        subject = unchecked if leftovers.unknown else "any login"
        return f"cannot list leftovers: no login service has a record of {subject}"
    message = f"no leftovers in {count_text(leftovers.known, 'logon session')}"
    return message + (f"; cannot check {unchecked} without a login record" if leftovers.unknown else "")
