"""What happens between the prompt and the answer: parse, connect, run the command, say what went wrong in one line."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from logonscope.errors import InvalidParameterError, LogonscopeError
from logonscope.faces.cli.exit_codes import INTERRUPTED, exit_code
from logonscope.faces.cli.messages import print_error, print_notice
from logonscope.faces.cli.parser import EMPTY, Elsewhere, command_module, parse
from logonscope.faces.cli.text import resolve_color

if TYPE_CHECKING:
    from logonscope.client import Host
    from logonscope.faces.cli.columns import Column
    from logonscope.faces.cli.user import Users

_OWN = "only your own logon sessions; use sudo to see all, or --readable"
_PARTIAL = "only the logon sessions that were its maker's own are in there; record with sudo for all"
_THERE = "only your own logon sessions there; come as an administrator for all"

_FOR_EVERYBODY = {"classes", "class"}
"""Commands whose answer is everybody's."""

_OF_PROCESSES = {"ps", "leftovers", "tree", "whose"}
"""Commands whose answer can be pids."""

LOCAL = "local"
"""The --host that is this machine, whatever the environment and the settings say."""

HOST_VARIABLE = "LOGONSCOPE_HOST"

_ONCE = {"completion", "invoke", "record", "serve", "user"}
"""Commands that are not asked again and again."""

Settings = Mapping[str, Any]
"""What the settings file says, and its path; nothing where there is none."""

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
        if args.output == "pids" and args.command not in _OF_PROCESSES:
            hint = f"-o pids is for {', '.join(sorted(_OF_PROCESSES))}, as `logonscope ps 41 -o pids`"
            raise InvalidParameterError(f"cannot print pids: {args.command} does not answer with processes", hint)
        if args.watch is not None and args.command in _ONCE:
            raise InvalidParameterError(f"cannot watch: {args.command} is done once", "leave --watch out")
        if args.command in elsewhere:
            return int(command_module(args.command, elsewhere).run(args))
        if args.command == "completion":
            return int(command_module(args.command).run(args, elsewhere))
        return _run_on_host(args, connect, users)
    except LogonscopeError as error:
        print_error(error, args)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run_on_host(args: argparse.Namespace, connect: Connect, users: OpenUsers) -> int:
    command, settings = command_module(args.command), _read_settings(os.environ)
    if args.command == "user":
        if args.host is not None:
            raise InvalidParameterError("--host has no say here: the users are in a file", "run it where the server is")
        return int(command.run(users(args.users), args))
    _apply_settings(args, settings, getattr(command, "COLUMNS", ()))
    if args.ca is not None and "://" not in (args.host or ""):
        raise InvalidParameterError("--ca is for another machine", "give --host https://user@host as well")
    host = connect(
        args.host, visibility="kernel" if args.readable else "own", certificate=args.ca or settings.get("ca"),
        timeout=getattr(args, "timeout", None),
    )  # fmt: skip
    if not (host.everything or args.quiet or args.command in _FOR_EVERYBODY):
        print_notice(args, _OWN if args.host is None else _THERE if "://" in args.host else _PARTIAL)
    return _show_answer(args, partial(command.run, host, args), settings)


def settings_path(environment: Mapping[str, str]) -> str | None:
    """Return where the settings file is looked for; None where nobody has a home."""
    folder = environment.get("XDG_CONFIG_HOME")
    if not folder or not os.path.isabs(folder):  # a relative one is to be ignored, says the XDG specification
        home = environment.get("HOME")
        if not home:
            return None
        folder = os.path.join(home, ".config")
    return os.path.join(folder, "logonscope", "config.toml")


def resolve_host(option: str | None, environment: Mapping[str, str], setting: str | None) -> str | None:
    """Return the host that is asked: of the option, else of LOGONSCOPE_HOST, else of the file; None: this machine."""
    named = (option, environment.get(HOST_VARIABLE) or None, setting)
    host = next((name for name in named if name is not None), None)
    return None if host == LOCAL else host


def _read_settings(environment: Mapping[str, str]) -> Settings:
    """Return what the settings file says, where there is one."""
    path = settings_path(environment)
    if path is None or not os.path.exists(path):
        return {}
    from logonscope.faces.cli.settings import load_settings  # noqa: PLC0415 -- most people have no such file

    return {**load_settings(path), "path": path}


def _apply_settings(args: argparse.Namespace, settings: Settings, columns: "Sequence[Column]") -> None:
    """Put the environment and the settings where no option says otherwise.

    Raises:
        InvalidParameterError: a column is none.
    """
    args.host = resolve_host(args.host, os.environ, settings.get("host"))
    args.color = resolve_color(args.color, os.environ, settings.get("color"))
    args.quiet, args.readable = (
        args.quiet or settings.get("quiet", False),
        args.readable or settings.get("readable", False),
    )
    if not hasattr(args, "columns"):
        return
    from logonscope.faces.cli.listing import check_listing  # noqa: PLC0415 -- for lists alone

    check_listing(args, columns)
    if args.columns is None and args.output == "table" and args.command in settings.get("columns", {}):
        args.columns = settings["columns"][args.command]
        try:
            check_listing(args, columns)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{settings['path']}, columns of {args.command}: {error.message}") from None


def _show_answer(args: argparse.Namespace, ask: Callable[[], int], settings: Settings) -> int:
    """Show an answer: again and again, page by page where it is longer than the terminal, or as it is."""
    if args.watch is not None:
        from logonscope.faces.cli.watch import watch  # noqa: PLC0415 -- seldom asked for

        return watch(args, ask)
    # jsonl is for whoever reads row by row, and a recording is for no terminal at all
    if not args.pager or args.command == "record" or args.output == "jsonl" or not sys.stdout.isatty():
        return int(ask())
    from logonscope.faces.cli.pager import run_with_pager  # noqa: PLC0415 -- for terminals alone

    return run_with_pager(ask, settings.get("pager"))
