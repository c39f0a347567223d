"""The command line: the table of commands, the shared options, and parsing. Each command's file adds its arguments."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

from logonscope import __version__
from logonscope.errors import MAX_MESSAGE_LENGTH
from logonscope.faces.cli.exit_codes import EXIT_CODE_MEANINGS
from logonscope.faces.cli.messages import write_message
from logonscope.faces.cli.text import COLOR_CHOICES, for_terminal, terminal_columns

COMMANDS = {
    "tree": "logon sessions with their process trees (the default command)",
    "sessions": "logon sessions, one line each",
    "ps": "processes with their logon sessions, one line each",
    "leftovers": "processes whose login is logged out",
    "whose": "the login that started a process, or each process of a port, program or account",
    "history": "past logins, with what they ran",
    "watch": "logins, processes and other events as they happen, or the results of a WQL event query",
    "get": "one instance of a class, by its object path",
    "enumerate": "the instances of a class, such as Win32_SessionProcess",
    "associators": "the instances that associations connect to one instance",
    "references": "the associations that refer to one instance",
    "query": "the result of a WQL query",
    "invoke": "run a method of an instance",
    "classes": "the classes of a namespace, one line each",
    "class": "the definition of a class, in MOF",
    "serve": "serve this host: to browsers, to WMI clients by WS-Management, and as JSON",
    "page": "open the page about this host or a recording, in a browser, for you alone",
    "token": "manage tokens, which expire, for programs that use the server: add, list, remove",
    "schema": "print the JSON Schema of an operation of the server's JSON API",
    "user": "manage the server's own user file: add, list, remove",
    "record": "save this host to a file, to query it later or on another machine",
    "doctor": "check what can be read here, and how to get what is missing",
    "completion": "print the completion script for a shell",
}
"""Every command and its summary.

The file of a command is faces/cli/COMMAND.py. The file of ``class``, a keyword of Python, is class_.py. The files of
``serve``, ``page`` and ``schema`` are in the folder ``server``.
"""


ServerCommands = Mapping[str, Callable[[], Any]]
"""Commands of the server: for each name a function that imports the module; see ``command_module``."""

NO_SERVER_COMMANDS: ServerCommands = {}

SERVER_COMMAND_NAMES = ("serve", "page", "token", "schema")
"""Commands that are shown only if the caller of run() provides them."""

TOOL_FORMATS = ("ecs", "ocsf", "otel", "sysmon", "parquet")
"""The formats of other tools."""

FORMATS = ("table", "json", "jsonl", "csv", "pids", *TOOL_FORMATS)

FILTERS = ("user", "type", "state", "from", "key", "since", "until")
"""The filters on logon sessions that take a value."""

DEFAULT_WATCH_SECONDS, MIN_WATCH_SECONDS, MAX_WATCH_SECONDS = 2, 0.1, 86_400
"""Seconds between two answers of --watch: the default, the minimum and the maximum."""

NOT_REPEATABLE = ("completion", "invoke", "page", "record", "schema", "serve", "token", "user", "watch")
"""Commands that --watch cannot repeat."""

_DESCRIPTION = "Find the logon session that each process belongs to."
_EXAMPLES = """\
examples:
  logonscope                      every logon session with its processes
  logonscope whose 4312           the login that started process 4312
  logonscope whose :8080          the logins of the processes that use port 8080
  logonscope leftovers            processes that logged-out logins left running
  logonscope sessions --type RemoteInteractive --since 2h
                                  logins at a terminal from other machines
  logonscope ps alice -o json     alice's processes, for a script
  logonscope enumerate Win32_SessionProcess
                                  processes with their logon sessions, as WMI instances
"""


def _epilog() -> str:
    """Return the last part of the help: exit codes and examples."""
    codes = "\n".join(f"  {code:<5}{meaning}" for code, meaning in EXIT_CODE_MEANINGS.items())
    return f"exit codes:\n{codes}\n\n{_EXAMPLES}"


def help_formatter(prog: str) -> argparse.HelpFormatter:
    """Return the formatter of help. It must be fast: argparse creates one for each argument that is added."""
    return argparse.RawDescriptionHelpFormatter(prog, width=terminal_columns() - 2)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the command that shows help."""

    def __init__(self, **options: Any) -> None:
        # _find_command knows the options that take a value only by their full names
        super().__init__(allow_abbrev=False, **options)

    def has_option(self, name: str) -> bool:
        """Return whether there is an option of this name."""
        return name in self._option_string_actions

    def error(self, message: str) -> NoReturn:
        """Print an error and exit with code 2."""
        # some versions of Python quote the choices, others do not
        message, choose, choices = message.partition(" (choose from ")
        message += choose + choices.replace("'", "")
        separator = " See" if message.endswith("?") else "; see"
        text = for_terminal(message if len(message) <= MAX_MESSAGE_LENGTH else f"{message[:MAX_MESSAGE_LENGTH]}...")
        self.exit(2, f"{self.prog}: {text}{separator} `{self.prog} --help`\n")

    def format_usage(self) -> str:
        """Return the usage, with --watch as it is typed."""
        return _with_typed_watch(super().format_usage())

    def format_help(self) -> str:
        """Return the help, with --watch as it is typed."""
        return _with_typed_watch(super().format_help())

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or an error. An error of writing help is raised; argparse itself ignores it."""
        if file is sys.stdout:
            file.write(message)
        else:
            write_message(message)


def _with_typed_watch(text: str) -> str:
    """Return help with the value of --watch after "=": argparse shows optional values after a space."""
    return text.replace("--watch [SECONDS]", "--watch[=SECONDS]")


_COMPLETED_BY_SHELLS = {
    "files": {"bash": "_shtab_compgen_files", "zsh": "_files"},
    "users": {"bash": "_logonscope_users", "zsh": "_users"},
    "hosts": {"bash": "_logonscope_hosts", "zsh": "_hosts"},
    "commands": {"bash": "_logonscope_commands", "zsh": "_command_names"},
}
"""The functions with which each shell completes values that it knows itself, such as files."""


def set_completion(action: argparse.Action, kind: str) -> None:
    """Let shells complete an argument with words of a kind that they know, or that the completion script lists."""
    name = f"_logonscope_{kind}"
    functions = _COMPLETED_BY_SHELLS.get(kind, {"bash": name, "zsh": name})
    action.complete = functions  # type: ignore[attr-defined]  # shtab reads this attribute


def build_parser(
    commands: Sequence[str] = tuple(COMMANDS), server_commands: ServerCommands = NO_SERVER_COMMANDS
) -> Parser:
    """Return the parser of these commands, without commands of the server that the caller does not provide.

    Only the files of these commands are imported.
    """
    shared = shared_options()
    parser = Parser(
        prog="logonscope",
        description=_DESCRIPTION,
        epilog=_epilog(),
        parents=[shared],
        formatter_class=help_formatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"logonscope {__version__}")
    adder = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, prog="logonscope")
    for name in commands:
        if name in SERVER_COMMAND_NAMES and name not in server_commands:
            continue
        module, summary = command_module(name, server_commands), COMMANDS[name]
        command = adder.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            parents=[shared],
            epilog=module.EPILOG,
            formatter_class=help_formatter,
        )
        module.add_arguments(command)
    return parser


def command_module(name: str, server_commands: ServerCommands = NO_SERVER_COMMANDS) -> Any:
    """Return the module of a command; it has EPILOG, add_arguments() and run()."""
    if name in server_commands:
        return server_commands[name]()
    return import_module(f"logonscope.faces.cli.{name}{'_' if iskeyword(name) else ''}")


def parse(argv: Sequence[str], server_commands: ServerCommands = NO_SERVER_COMMANDS) -> argparse.Namespace:
    """Parse the command line; the default command is ``tree``."""
    words = [*argv[1:], "--help"] if argv[:1] == ["help"] else list(argv)
    # the value of --watch is optional: without "=", argparse would use the next word as the value
    words = [f"--watch={DEFAULT_WATCH_SECONDS}" if word == "--watch" else word for word in words]
    words = _join_negative_ages(words)
    command = _find_command(words)
    if command is None and not {"-h", "--help", "-V", "--version"}.intersection(words):
        command = "tree"
        words.insert(0, command)
    # to import the files of all commands takes time: only the general help needs them
    lists_all = {"-h", "--help"}.intersection(words if command is None else words[: words.index(command)])
    needed_commands = [name for name in COMMANDS if lists_all or name == command]
    parser = build_parser(needed_commands, server_commands)
    if command is not None and command not in COMMANDS:
        previous_word = words[words.index(command) - 1] if command in words[1:] else ""
        parser.error(f"unknown command {command!r}{_suggestion(command, previous_word)}")
    args, rest = parser.parse_known_args(words, argparse.Namespace(**_DEFAULTS))
    if command is not None:
        parser.prog = f"logonscope {command}"
    if rest and (not hasattr(args, "parameters") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    # argparse leaves the parameters of `invoke` that follow an option in the rest
    if rest:
        args.parameters = [*args.parameters, *rest]
    return args


def _join_negative_ages(words: Sequence[str]) -> list[str]:
    """Join "--at" and "-2h" to one word: argparse would treat "-2h" as an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _TIME_OPTIONS and word[:1] == "-" and word[1:2].isdigit():
            joined[-1] = f"{joined[-1]}={word}"
        else:
            joined.append(word)
    return joined


_TIME_OPTIONS = {"--at", "--since", "--until"}
"""Options whose value can be an age with a minus sign."""

_DEFAULTS: dict[str, Any] = {
    "output": "table",
    "host": None,
    "ca": None,
    "color": None,
    "pager": True,
    "readable": False,
    "direct": False,
    "view_as": None,
    "moment": None,
    "quiet": False,
    "watch": None,
}
_VALUE_OPTIONS = {
    "-o", "--output", "--host", "--ca", "--as", "--at", "--color", "--columns", "--sort",
    *(f"--{name}" for name in FILTERS),
}  # fmt: skip
"""Options that take the next word as their value; --watch takes its value after "="."""


def _find_command(words: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of an option."""
    previous_word = ""
    for word in words:
        if not word.startswith("-") and previous_word not in _VALUE_OPTIONS:
            return word
        previous_word = word
    return None


def _suggestion(word: str, previous_word: str) -> str:
    """Return a hint for a word that is not a command: what the user may have intended; "": not known."""
    if word.isdecimal() and previous_word.startswith("--watch="):
        return f"; the seconds follow an equals sign: --watch={word}"
    if previous_word.startswith("-") and not shared_options().has_option(previous_word):
        return f"; {previous_word} follows the command: `logonscope COMMAND {previous_word} {word}`"
    if word.isdecimal() or word.startswith(":"):
        return f"; did you mean `logonscope whose {word}`?"
    import difflib  # noqa: PLC0415 -- only a mistyped command needs it

    similar = difflib.get_close_matches(word, COMMANDS, 1)
    return f"; did you mean `{similar[0]}`?" if similar else ""


def shared_options() -> Parser:
    """Return a parser with the options of every command, which can be before or after the name of the command."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options = shared.add_argument_group("options of every command")
    formats_help = (
        "the output format (default: table, for people); pids is for ps, leftovers, tree and whose; ecs, ocsf, otel, "
        "sysmon and parquet, for other tools, are for sessions, ps, leftovers, whose, watch and history"
    )
    options.add_argument("-o", "--output", choices=FORMATS, help=formats_help)
    host_help = (
        "another machine: https://user@host:5986 (JSON, or WS-Management if the server is not Logonscope), "
        "http://user@host:5985 (WS-Management); unix:/PATH: a server on this machine; a file that `logonscope record` "
        "wrote, or - for one on standard input; a folder with the /proc, /run and /etc of another machine, such as a "
        "mounted image; local: this machine (also: LOGONSCOPE_HOST)"
    )
    set_completion(options.add_argument("--host", metavar="HOST", help=host_help), "files")
    certificate_help = "a certificate to trust for another machine, as a PEM file"
    set_completion(options.add_argument("--ca", metavar="FILE", help=certificate_help), "files")
    options.add_argument(
        "--readable", action="store_true",
        help="without sudo: show all that the kernel lets you read, not only your own logon sessions "
        "(in Python: visibility='kernel')",
    )  # fmt: skip
    direct_help = "read /proc directly; do not ask the running `logonscope serve` of this machine"
    options.add_argument("--direct", action="store_true", help=direct_help)
    view_help = "show what this user (account or uid) would see; administrators only; nothing can be changed"
    set_completion(options.add_argument("--as", dest="view_as", metavar="USER", help=view_help), "users")
    past_help = (
        "the host as it was at a time, such as 'yesterday 14:00' or -2h, if `logonscope serve` keeps history there; "
        "for tree, sessions, ps, whose, leftovers, query, enumerate and associators"
    )
    options.add_argument("--at", dest="moment", metavar="TIME", help=past_help)
    quiet_help = (
        "do not print notices: that only your own logon sessions are shown, and where the events of watch come from"
    )
    options.add_argument("-q", "--quiet", action="store_true", help=quiet_help)
    colors_help = "colours: auto (default: only on a terminal), always or never (also: NO_COLOR, FORCE_COLOR)"
    options.add_argument("--color", choices=COLOR_CHOICES, help=colors_help)
    options.add_argument("--no-color", dest="color", action="store_const", const="never", help="--color=never")
    options.add_argument(
        "--watch", metavar="SECONDS", type=_parse_seconds, nargs="?", const=float(DEFAULT_WATCH_SECONDS),
        help="repeat at each change, if events report the changes of what is shown, otherwise every SECONDS "
        f"(default: {DEFAULT_WATCH_SECONDS}); mark changed lines; Ctrl-C ends it; not for {', '.join(NOT_REPEATABLE)}",
    )  # fmt: skip
    pager_help = "print long output without a pager (also: LOGONSCOPE_PAGER, PAGER)"
    options.add_argument("--no-pager", dest="pager", action="store_false", help=pager_help)
    return shared


def _parse_seconds(text: str) -> float:
    """Return the value of --watch.

    Raises:
        argparse.ArgumentTypeError: the value is not a number, or out of range.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not MIN_WATCH_SECONDS <= seconds <= MAX_WATCH_SECONDS:
        raise argparse.ArgumentTypeError(
            f"invalid seconds {text!r}: expected a number from {MIN_WATCH_SECONDS} to {MAX_WATCH_SECONDS:,}"
        )
    return seconds
