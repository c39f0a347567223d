"""``logonscope sessions``: which logon sessions are there, a line each?"""

import argparse

from logonscope.client import Host
from logonscope.faces.cli.output import Column, print_rows, when
from logonscope.faces.cli.selector import add_selector, nothing
from logonscope.facts import LogonSession

EXAMPLES = """\
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


def _origin(session: LogonSession) -> str:
    return session.remote_host or session.seat or ""


COLUMNS = (
    Column("LOGON ID", 10, lambda s: s.logon_id),
    Column("LOGIN", 5, lambda s: s.login or "-"),
    Column("USER", 12, who),
    Column("TYPE", 17, lambda s: s.logon_type_name or "-"),
    Column("STATE", 10, lambda s: s.state or "-"),
    Column("SINCE", 17, lambda s: ("~" if s.sources.get("start", "").startswith("approx") else "") + when(s.start)),
    Column("TTY", 7, lambda s: s.tty or "-"),
    Column("SERVICE", 8, lambda s: s.service or "-"),
    Column("PROCS", 5, lambda s: str(s.processes)),
    Column("LEFT", 4, lambda s: "-" if s.leftovers is None else str(s.leftovers)),
    Column("FROM", 15, lambda s: _origin(s) or "-"),
)
