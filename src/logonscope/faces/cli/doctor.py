"""``logonscope doctor``: checks of what can be read on a host, with a remedy for each failed check."""

import argparse

from logonscope.answers.check import Check
from logonscope.client import Host
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.text import for_terminal, styled, wants_color

EPILOG = """\
examples:
  logonscope doctor
  sudo logonscope doctor -o json
"""

_MARKS = {True: ("ok", "green"), None: ("note", "yellow"), False: ("MISSING", "red")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: this command has only the options that all commands have."""


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the checks; return the exit code."""
    checks = host.doctor()
    if args.output != "table":
        return print_rows(args, checks)
    for check in checks:
        _print_check(check, color=wants_color(args))
    return 0


def _print_check(check: Check, *, color: bool) -> None:
    mark, style = _MARKS[check.ok]
    print(f"{styled(f'{mark:8}', style, color=color)}{for_terminal(f'{check.subject}: {check.finding}')}")
    if check.advice:
        print(f"        -> {for_terminal(check.advice)}")
