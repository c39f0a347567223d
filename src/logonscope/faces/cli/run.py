"""What happens between the prompt and the answer: parse, connect, run the command, say what went wrong in one line."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from logonscope.errors import AccessDeniedError, LogonscopeError, NotFoundError
from logonscope.faces.cli.parser import command_module, parse
from logonscope.faces.cli.refusal import notice, say

if TYPE_CHECKING:
    from logonscope.client import Host

_OWN = "only your own logon sessions; use sudo to see all, or --readable"
_PARTIAL = "only the logon sessions that were its maker's own are in there; record with sudo for all"

_FOR_EVERYBODY = {"classes", "class"}
"""Commands whose answer is everybody's."""

FOUND, NOTHING_FOUND, WRONG_USE, NO_RIGHT, INTERRUPTED = 0, 1, 2, 3, 130

Connect = Callable[..., "Host"]


def run(argv: Sequence[str], connect: Connect) -> int:
    """Run one command and return its exit code."""
    args: argparse.Namespace | None = None
    try:
        args = parse(argv)
        return _command(args, connect)
    except LogonscopeError as error:
        say(error, args)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def exit_code(error: LogonscopeError) -> int:
    """Return the documented exit code of an error."""
    if isinstance(error, NotFoundError):
        return NOTHING_FOUND
    return NO_RIGHT if isinstance(error, AccessDeniedError) else WRONG_USE


def _command(args: argparse.Namespace, connect: Connect) -> int:
    command = command_module(args.command)
    if args.command == "completion":
        return int(command.run(args))
    host = connect(args.host, visibility="kernel" if args.readable else "own")
    if not (host.everything or args.quiet or args.command in _FOR_EVERYBODY):
        notice(args, _OWN if args.host is None else _PARTIAL)
    return int(command.run(host, args))
