"""What happens between the prompt and the answer: parse, connect, run the command, say what went wrong in one line."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from logonscope.errors import InvalidParameterError, LogonscopeError
from logonscope.faces.cli.codes import INTERRUPTED, exit_code
from logonscope.faces.cli.parser import EMPTY, Elsewhere, command_module, parse
from logonscope.faces.cli.refusal import notice, say

if TYPE_CHECKING:
    from logonscope.client import Host
    from logonscope.faces.cli.user import Users

_OWN = "only your own logon sessions; use sudo to see all, or --readable"
_PARTIAL = "only the logon sessions that were its maker's own are in there; record with sudo for all"
_THERE = "only your own logon sessions there; come as an administrator for all"

_FOR_EVERYBODY = {"classes", "class"}
"""Commands whose answer is everybody's."""

Connect = Callable[..., "Host"]
OpenUsers = Callable[[str], "Users"]


def run(argv: Sequence[str], connect: Connect, users: OpenUsers, elsewhere: Elsewhere = EMPTY) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the words after ``logonscope``.
        connect: returns the host that is asked.
        users: returns the users that a file holds.
        elsewhere: the commands that are no faces.
    """
    args: argparse.Namespace | None = None
    try:
        args = parse(argv, elsewhere)
        if args.command in elsewhere:
            return int(command_module(args.command, elsewhere).run(args))
        if args.command == "completion":
            return int(command_module(args.command).run(args, elsewhere))
        return _command(args, connect, users)
    except LogonscopeError as error:
        say(error, args)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _command(args: argparse.Namespace, connect: Connect, users: OpenUsers) -> int:
    command = command_module(args.command)
    if args.command == "user":
        if args.host is not None:
            raise InvalidParameterError("--host has no say here: the users are in a file", "run it where the server is")
        return int(command.run(users(args.users), args))
    if args.ca is not None and "://" not in (args.host or ""):
        raise InvalidParameterError("--ca is for another machine", "give --host https://user@host as well")
    host = connect(
        args.host, visibility="kernel" if args.readable else "own", certificate=args.ca,
        timeout=getattr(args, "timeout", None),
    )  # fmt: skip
    if not (host.everything or args.quiet or args.command in _FOR_EVERYBODY):
        notice(args, _OWN if args.host is None else _THERE if "://" in args.host else _PARTIAL)
    return int(command.run(host, args))
