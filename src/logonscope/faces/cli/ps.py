"""``logonscope ps``: which processes run, and in which logon session, a line each?"""

import argparse

from logonscope.answers.session_process import SessionProcess
from logonscope.client import Host
from logonscope.faces.cli.output import Column, print_rows, when
from logonscope.faces.cli.selector import add_selector, nothing

EXAMPLES = """\
examples:
  logonscope ps                        every process that you may see
  logonscope ps 41                     those of logon session 41
  logonscope ps c1                     those of logind's session c1
  logonscope ps alice -o jsonl         those of alice's logins, whoever they run as
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    add_selector(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the processes."""
    return print_rows(args, host.processes(args.which), COLUMNS, nothing(args.which))


def command(row: SessionProcess) -> str:
    """Return what runs: the command line, else the name in brackets as ps(1) has it."""
    return row.command_line or f"[{row.name or '?'}]{' <defunct>' if row.state == 'Z' else ''}"


COLUMNS = (
    Column("LOGON ID", 10, lambda p: p.logon_id or "-"),
    Column("EVIDENCE", 8, lambda p: p.evidence, wide=True),
    Column("PID", 7, lambda p: str(p.pid)),
    Column("USER", 10, lambda p: p.user or ("-" if p.uid is None else str(p.uid))),
    Column("TTY", 7, lambda p: p.tty or "-", wide=True),
    Column("STARTED", 16, lambda p: when(p.start)),
    Column("LEFTOVER", 8, lambda p: "-" if p.leftover is None else "yes" if p.leftover else "no", wide=True),
    Column("COMMAND", 0, command),
)
