"""``logonscope ps``: processes with their logon sessions, one line each."""

import argparse
from datetime import datetime
from functools import partial

from logonscope.answers.session_process import SessionProcess
from logonscope.client import Host
from logonscope.faces.cli import selector
from logonscope.faces.cli.columns import EXTRA, ON_REQUEST, ListColumn
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.process_text import command_text, user_text
from logonscope.faces.cli.selector import add_selector, logon_filter, no_match_message
from logonscope.faces.cli.text import format_time
from logonscope.faces.cli.times import shorten_time

EPILOG = (
    """\
examples:
  logonscope ps                        every process that you may see
  logonscope ps 41                     processes of logon session 41
  logonscope ps c1                     processes of logind's session c1
  logonscope ps --no-system --sort started
                                       all processes that logins started, the oldest first
  logonscope ps --type RemoteInteractive --columns user,pid,command
  logonscope ps alice -o pids | xargs ps -o pid,rss,args -p
  logonscope ps alice -o jsonl         processes of alice's logins, also those that run as other users

"""
    + selector.FILTER_NOTES
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser)
    add_listing(parser, "ps", COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the processes; return the exit code."""
    return print_listing(
        host, args, host.processes(args.which, logon_filter(host, args)), COLUMNS, partial(no_match_message, host, args)
    )


def session_word(row: SessionProcess) -> str:
    """Return the shortest word that selects the logon session of a process, as session_text.selecting_word does.

    Return "-" if the logon session is not known.
    """
    if row.logon_id is None:
        return "-"
    if row.evidence == "none":
        return "system"
    # a row has no login id, but N can be computed from the LogonId of logind's session cN
    number = int(row.logon_id) - LOGIND_BASE
    return f"c{number}" if row.evidence == "scope" and 0 < number < LOGIND_BASE else row.logon_id


LOGIND_BASE = 1 << 32
"""The LogonId of logind's session cN is this number plus N, unless the session owns an audit session id."""


def _is_leftover(row: SessionProcess) -> bool:
    return bool(row.leftover)


def _leftover_text(row: SessionProcess) -> str:
    return "-" if row.leftover is None else "yes" if row.leftover else "no"


def _short_start_text(row: SessionProcess, cells: int, now: datetime) -> str:
    return shorten_time(row.start, cells, now)


COLUMNS = (
    ListColumn("ID", 10, session_word),
    ListColumn("PID", 7, lambda p: str(p.pid), "pid"),
    ListColumn("USER", 10, user_text, "user", rank=3, min_cells=8),
    ListColumn(
        "LEFT",
        4,
        _leftover_text,
        "leftover",
        rank=2,
        is_highlighted=_is_leftover,
    ),
    ListColumn("STARTED", 16, lambda p: format_time(p.start), "start", rank=4, min_cells=11, shorten=_short_start_text),
    ListColumn("TTY", 7, lambda p: p.tty or "-", "tty", rank=EXTRA),
    ListColumn("EVIDENCE", 8, lambda p: p.evidence, "evidence", rank=EXTRA + 1),
    ListColumn("LOGON ID", 10, lambda p: p.logon_id or "-", "logon_id", rank=EXTRA + 2),
    ListColumn("PPID", 7, lambda p: "-" if p.ppid is None else str(p.ppid), "ppid", rank=ON_REQUEST),
    ListColumn("UID", 6, lambda p: "-" if p.uid is None else str(p.uid), "uid", rank=ON_REQUEST),
    ListColumn(
        "LOGIN UID", 9, lambda p: "-" if p.login_uid is None else str(p.login_uid), "login_uid", rank=ON_REQUEST
    ),
    ListColumn("S", 1, lambda p: p.state or "-", "state", rank=ON_REQUEST),
    ListColumn("NAME", 15, lambda p: p.name or "-", "name", rank=ON_REQUEST),
    ListColumn("EXECUTABLE", 20, lambda p: p.executable or "-", "executable", rank=ON_REQUEST),
    ListColumn("COMMAND", 0, command_text, "command_line"),
)
