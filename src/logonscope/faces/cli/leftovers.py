"""``logonscope leftovers``: processes of logged-out logins, one line each."""

import argparse
from collections.abc import Callable
from functools import partial

from logonscope.answers.session_process import Leftovers
from logonscope.client import Host
from logonscope.display import count_text
from logonscope.errors import HintCode
from logonscope.faces.cli import ps, selector
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.messages import rights_texts
from logonscope.faces.cli.selector import SYSTEM_WORD, add_selector, logon_filter, no_match_message

EPILOG = (
    """\
It only lists processes, and kills none. A process is a leftover when the leader of its login has ended. Without a login
record, a process is listed only if its systemd unit (such as ssh.service) shows that the login program has ended.

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
    leftovers, message = _read(host, args)
    return print_listing(host, args, list(leftovers.processes), ps.COLUMNS, message)


COLUMNS = ps.COLUMNS


def empty_message(host: Host, args: argparse.Namespace) -> str:
    """Return the message that there are no leftovers, for output in a format of another tool."""
    _, message = _read(host, args)
    return message()


def _read(host: Host, args: argparse.Namespace) -> tuple[Leftovers, Callable[[], str]]:
    """Return the leftovers, and the function that returns the message if there are none."""
    where = logon_filter(host, args)
    leftovers = host.leftovers(args.which, where)
    return leftovers, partial(_choose_message, host, args, leftovers, is_filtered=where is not None)


def _choose_message(host: Host, args: argparse.Namespace, leftovers: Leftovers, *, is_filtered: bool) -> str:
    """Return the message for an answer without leftovers."""
    if leftovers.known or leftovers.unknown or (args.which is None and not is_filtered):
        return _no_leftovers_message(host, args, leftovers)
    if args.which is not None and args.which.lower() == SYSTEM_WORD and not is_filtered and host.sees_everything:
        return "the System session has no leftovers: no login started its processes"
    return no_match_message(host, args)


def _no_leftovers_message(host: Host, args: argparse.Namespace, leftovers: Leftovers) -> str:
    """Return the message that there are no leftovers, with the logon sessions that could not be checked."""
    if not leftovers.known and not leftovers.unknown:
        return _no_logon_session_message(host, args)
    unchecked = count_text(leftovers.unknown, "logon session")
    if not leftovers.known:
        return f"cannot determine leftovers of {unchecked}: no login service has a record; see `logonscope doctor`"
    message = f"no leftovers in {count_text(leftovers.known, 'logon session')}"
    return message + (f"; cannot check {unchecked} without a login record" if leftovers.unknown else "")


def _no_logon_session_message(host: Host, args: argparse.Namespace) -> str:
    """Return the message for an answer that counts no logon session, neither as known nor as unknown."""
    # if there are logon sessions, but none was counted, the host is Windows, or no process of a login could be read
    if any(session.logon_type != 0 for session in host.sessions()):
        return "cannot list leftovers: the host does not report which logon sessions are logged out"
    if host.sees_everything:
        return "no leftovers: there is no logon session besides the System session"
    return f"no leftovers: you may see no logon session; {rights_texts(args.host, args.view_as)[HintCode.SEE_OTHERS]}"
