"""``logonscope sessions``: which logon sessions are there, a line each?"""

import argparse

from logonscope.answers.logon_session import LogonSession
from logonscope.client import Host
from logonscope.faces.cli.output import Column, is_approximate, print_rows, when
from logonscope.faces.cli.selector import add_selector, nothing

EXAMPLES = """\
A time behind "~" is approximate: no login service has a record, and it is the earliest start of its processes.

examples:
  logonscope sessions                  all that you may see
  logonscope sessions alice            alice's
  logonscope sessions -o json          with the source of every value
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the logon sessions."""
    return print_rows(args, host.sessions(args.which), COLUMNS, nothing(args.which))


def who(session: LogonSession) -> str:
    """Name who logged in."""
    if session.logon_type == 0:
        return "System"
    return session.user or ("?" if session.uid is None else f"uid {session.uid}")


def since(session: LogonSession) -> str:
    """Say when it began, with "~" where that is approximate."""
    return ("~" if is_approximate(session) else "") + when(session.start)


COLUMNS = (
    Column("LOGON ID", 10, lambda s: s.logon_id),
    Column("USER", 12, who),
    Column("FROM", 15, lambda s: s.remote_host or s.seat or "-"),
    Column("TYPE", 17, lambda s: s.logon_type_name or "-"),
    Column("STATE", 10, lambda s: s.state or "-"),
    Column("SINCE", 17, since),
    Column("TTY", 7, lambda s: s.tty or "-", wide=True),
    Column("SERVICE", 8, lambda s: s.service or "-", wide=True),
    Column("LOGIN", 5, lambda s: s.login or "-", wide=True),
    Column("PROCS", 5, lambda s: str(s.processes), wide=True),
    Column("LEFT", 4, lambda s: "-" if s.leftovers is None else str(s.leftovers), wide=True),
)
