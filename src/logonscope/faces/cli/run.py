"""The main function of the command line: parses it, connects to the host, runs the command and prints errors."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from logonscope.errors import InvalidParameterError, LogonscopeError
from logonscope.faces.cli.exit_codes import INTERRUPTED, exit_code
from logonscope.faces.cli.messages import is_server, print_error, print_notice
from logonscope.faces.cli.parser import (
    FORMATS,
    NO_SERVER_COMMANDS,
    NOT_REPEATABLE,
    TOOL_FORMATS,
    ServerCommands,
    command_module,
    parse,
)
from logonscope.faces.cli.text import resolve_color

if TYPE_CHECKING:
    from logonscope.client import Host
    from logonscope.faces.cli.columns import ListColumn
    from logonscope.faces.cli.user import Users

_OWN_SESSIONS_HERE = "only your own logon sessions are shown; use sudo or --readable to see all"
_OWN_SESSIONS_IN_FOLDER = "only the logon sessions of your uid are shown; use sudo or --readable to see all"
_OWN_SESSIONS_RECORDED = (
    "the recording has only the logon sessions of the user who recorded it; record with sudo to have all"
)
_OWN_SESSIONS_THERE = "only your own logon sessions are shown; connect as an administrator to see all"

_UNHIDE = "use sudo, or join the group of the mount option gid="

_WITHOUT_ACCESS_CHECKS = {"classes", "class"}
"""Commands that print the same for every caller."""

_COMMANDS_WITH_PAST = {"tree", "sessions", "ps", "whose", "leftovers", "query", "enumerate", "associators"}
"""Commands that have --at."""

_COMMANDS_WITH_PIDS = {"ps", "leftovers", "tree", "whose"}
"""Commands that can print pids."""

_COMMANDS_WITH_STATES = {"sessions", "ps", "leftovers", "whose"}
"""Commands whose rows are states, not events; ``event_formats`` prints them in the formats of other tools (-o ecs)."""

_COMMANDS_WITH_EVENTS = {"watch", "history"}
"""Commands that have events, and print them in the formats of other tools without ``event_formats``."""

_WITHOUT_REMOTE_HOST = {
    "serve": ("it can serve this machine or a recording, not another machine", "run it on that machine"),
    "record": ("it reads the machine itself", "run it on that machine"),
    "page": ("the server of the other machine has the page itself", "open its address in a browser"),
    "user": ("the users are in a file", "run it on the server's machine"),
    "token": ("the tokens are in a file", "run it on the server's machine"),
    "schema": ("the schemas are the same for every host", "leave --host out"),
    "completion": ("the script is the same for every host", "leave --host out"),
}
"""Commands that cannot be sent to another machine: the reason, and what to do."""

LOCAL = "local"
"""The value of --host that means this machine; it overrides the environment and the settings."""

HOST_VARIABLE, CERTIFICATE_VARIABLE = "LOGONSCOPE_HOST", "LOGONSCOPE_CA"

_DOCUMENTS = {"completion": ("a shell script", {"table"}), "schema": ("a JSON document", {"table", "json"})}
"""Commands that print a document in place of rows: what it is, and the output formats that may be requested."""

Settings = Mapping[str, Any]
"""The values of the settings file, and its path under "path"; empty if there is no file."""

Connect = Callable[..., "Host"]
OpenUsers = Callable[[str], "Users"]


def run(
    argv: Sequence[str],
    connect: Connect,
    open_users: OpenUsers,
    server_commands: ServerCommands = NO_SERVER_COMMANDS,
) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the words after ``logonscope``.
        connect: a function that returns the host.
        open_users: a function that returns the users in a file.
        server_commands: the commands of the server, and the functions that import their modules.
    """
    args: argparse.Namespace | None = None
    try:
        args = parse(argv, server_commands)
        if args.output == "pids" and args.command not in _COMMANDS_WITH_PIDS:
            hint = f"-o pids is for {', '.join(sorted(_COMMANDS_WITH_PIDS))}, such as `logonscope ps 41 -o pids`"
            raise InvalidParameterError(f"cannot print pids: {args.command} does not list processes", hint)
        if args.output in TOOL_FORMATS and args.command not in _COMMANDS_WITH_STATES | _COMMANDS_WITH_EVENTS:
            message = f"cannot print {args.command} as {args.output}"
            hint = f"-o {args.output} is for {', '.join(sorted(_COMMANDS_WITH_STATES | _COMMANDS_WITH_EVENTS))}"
            raise InvalidParameterError(message, hint)
        document, formats = _DOCUMENTS.get(args.command, ("", FORMATS))
        if args.output not in formats:
            message = f"cannot print {args.command} as {args.output}: it prints {document}"
            raise InvalidParameterError(message, "leave -o out")
        if args.watch is not None and args.command in NOT_REPEATABLE:
            raise InvalidParameterError(f"cannot watch: {args.command} cannot be repeated", "leave --watch out")
        if args.watch is not None and getattr(args, "follow", False):
            raise InvalidParameterError("cannot use --follow with --watch", "leave one out")
        if args.command in _WITHOUT_REMOTE_HOST:
            _check_host(args)
        # these commands do not call connect(): the server's commands choose their source, `completion` needs no host
        if args.command in server_commands:
            args.host = None if args.host == LOCAL else args.host
            return int(command_module(args.command, server_commands).run(args))
        if args.command == "completion":
            return int(command_module(args.command).run(args, server_commands))
        return _run_on_host(args, connect, open_users)
    except LogonscopeError as error:
        print_error(error, args)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _check_host(args: argparse.Namespace) -> None:
    """Check --host of a command that cannot be sent to another machine.

    Raises:
        InvalidParameterError: --host names a server; or the command is not ``serve``, ``page`` or ``record``, which can
            read a recording.
    """
    if args.host in {None, LOCAL}:
        return
    if args.command not in {"serve", "page", "record"} or is_server(args.host):
        reason, hint = _WITHOUT_REMOTE_HOST[args.command]
        raise InvalidParameterError(f"--host cannot be used with {args.command}: {reason}", hint)


def _run_on_host(args: argparse.Namespace, connect: Connect, open_users: OpenUsers) -> int:
    """Connect to the host and run a command of faces/cli on it; return the exit code."""
    command, settings = command_module(args.command), _read_settings(os.environ)
    # the users are in a file of the server: no host is read
    if args.command == "user":
        return int(command.run(open_users(args.users), args))
    shows_services = getattr(args, "services", False)
    columns = command.SERVICE_COLUMNS if shows_services else getattr(command, "COLUMNS", ())
    _apply_settings(args, settings, columns)
    if args.ca is not None and "://" not in (args.host or ""):
        raise InvalidParameterError("--ca needs --host URL", "add --host https://user@host")
    options = {name: value for name in ("direct", "view_as") if (value := getattr(args, name))}
    certificate = args.ca or os.environ.get(CERTIFICATE_VARIABLE) or settings.get("ca")
    host = connect(
        args.host, visibility="kernel" if args.readable else "own", certificate=certificate,
        timeout=getattr(args, "timeout", None), **options,
    )  # fmt: skip
    if args.moment is not None:
        host = _past_host(host, args)
    if not (args.quiet or args.view_as or args.command in _WITHOUT_ACCESS_CHECKS):
        hiding_reason = host.hiding_reason
        if hiding_reason is not None:
            print_notice(args, f"processes of other users cannot be seen: {hiding_reason}; {_UNHIDE}")
        elif not host.sees_everything:
            print_notice(args, _access_notice(args.host))
    if args.output in TOOL_FORMATS and args.command in _COMMANDS_WITH_STATES:
        from logonscope.faces.cli.event_formats import print_records  # noqa: PLC0415 -- only these formats

        return _show_answer(host, args, partial(print_records, host, args), settings)
    return _show_answer(host, args, partial(command.run, host, args), settings)


def _past_host(host: "Host", args: argparse.Namespace) -> "Host":
    """Return the host as it was at the moment of --at.

    Raises:
        InvalidParameterError: the command has no --at, --at is combined with --watch, or the time is invalid.
        NotFoundError: nothing was recorded then.
        NotSupportedError: the host keeps no history.
    """
    from logonscope.faces.cli.times import parse_moment  # noqa: PLC0415 -- most command lines have no time

    if args.command == "history":
        raise InvalidParameterError("cannot use --at with history", "use --since and --until")
    if args.watch is not None:
        raise InvalidParameterError("cannot use --at with --watch", "leave one out")
    if args.command not in _COMMANDS_WITH_PAST:
        hint = f"--at is for {', '.join(sorted(_COMMANDS_WITH_PAST))}"
        raise InvalidParameterError(f"cannot show a past moment: {args.command} shows the present", hint)
    moment, note = parse_moment(args.moment, host.moment)
    if note:
        print_notice(args, note)
    return host.at(moment)


def _access_notice(host: str | None) -> str:
    """Return the notice that a host does not show all logon sessions."""
    if host is None:
        return _OWN_SESSIONS_HERE
    if is_server(host):
        return _OWN_SESSIONS_THERE
    return _OWN_SESSIONS_IN_FOLDER if os.path.isdir(host) else _OWN_SESSIONS_RECORDED


def settings_path(environment: Mapping[str, str]) -> str | None:
    """Return the path of the settings file, which may not exist; None: there is no home directory."""
    folder = environment.get("XDG_CONFIG_HOME")
    # the XDG Base Directory Specification says that a relative path is invalid and must be ignored
    if not folder or not os.path.isabs(folder):
        home = environment.get("HOME")
        if not home:
            return None
        folder = os.path.join(home, ".config")
    return os.path.join(folder, "logonscope", "config.toml")


def resolve_host(option: str | None, environment: Mapping[str, str], setting: str | None) -> str | None:
    """Return the first that is set: --host, LOGONSCOPE_HOST, the setting ``host``; None: this machine."""
    choices = (option, environment.get(HOST_VARIABLE) or None, setting)
    host = next((choice for choice in choices if choice is not None), None)
    return None if host == LOCAL else host


def _read_settings(environment: Mapping[str, str]) -> Settings:
    path = settings_path(environment)
    if path is None or not os.path.exists(path):
        return {}
    from logonscope.faces.cli.settings import load_settings  # noqa: PLC0415 -- most users have no such file

    return {**load_settings(path), "path": path}


def _apply_settings(args: argparse.Namespace, settings: Settings, columns: "Sequence[ListColumn]") -> None:
    """Set the options that the command line leaves out, from the environment and the settings.

    Raises:
        InvalidParameterError: a column of the command line or of the settings does not exist, or is named twice.
    """
    args.host = resolve_host(args.host, os.environ, settings.get("host"))
    args.color = resolve_color(args.color, os.environ, settings.get("color"))
    args.quiet, args.readable = (
        args.quiet or settings.get("quiet", False),
        args.readable or settings.get("readable", False),
    )
    # only commands that print a list have --columns
    if not hasattr(args, "columns"):
        return
    from logonscope.faces.cli.listing import check_listing  # noqa: PLC0415 -- only lists need it

    check_listing(args, columns)
    if getattr(args, "services", False):
        return  # the columns of the settings are those of logon sessions
    if args.columns is None and args.output == "table" and args.command in settings.get("columns", {}):
        args.columns = settings["columns"][args.command]
        # an error must name the file, because the user did not type these columns now
        try:
            check_listing(args, columns)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{settings['path']}, columns of {args.command}: {error.message}") from None


def _show_answer(host: "Host", args: argparse.Namespace, run_command: Callable[[], int], settings: Settings) -> int:
    """Run a command: repeatedly with --watch, through the pager on a terminal, else once; return the exit code."""
    if args.watch is not None:
        from logonscope.faces.cli.repeat import repeat  # noqa: PLC0415 -- seldom needed

        return repeat(host, args, run_command)
    # without a pager: people read events and rows of jsonl as they arrive; `record` writes no text to a terminal
    is_streamed = args.command in {"record", "watch"} or getattr(args, "follow", False) or args.output == "jsonl"
    if not args.pager or is_streamed or not sys.stdout.isatty():
        return int(run_command())
    from logonscope.faces.cli.pager import run_with_pager  # noqa: PLC0415 -- only terminals need it

    return run_with_pager(run_command, settings.get("pager"))
