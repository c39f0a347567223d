"""The command line: one table of commands; each command's own file adds its arguments."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

from logonscope import __version__
from logonscope.errors import LONGEST_MESSAGE
from logonscope.faces.cli.exit_codes import MEANINGS
from logonscope.faces.cli.messages import write_error
from logonscope.faces.cli.text import COLOR_CHOICES, for_terminal, terminal_columns

COMMANDS = {
    "tree": "logon sessions with their process trees (what `logonscope` alone shows)",
    "sessions": "logon sessions, a line each",
    "ps": "processes with their logon sessions, a line each",
    "leftovers": "processes whose login is logged out",
    "whose": "which login a process, a port, a program or an account's processes belong to, and how that is known",
    "get": "one instance of a class, by its object path",
    "enumerate": "the instances of a class, as Win32_SessionProcess",
    "associators": "the instances that associations tie to one",
    "references": "the associations that one instance is an end of",
    "query": "what a WQL query asks for",
    "invoke": "run a method of an instance",
    "classes": "the classes of a namespace, a line each",
    "class": "the definition of a class, as MOF",
    "serve": "let WMI clients ask this host over the network, by WS-Management",
    "user": "who may use the server without an account on this machine: add, list, remove",
    "record": "save this host into one file that every command can answer from",
    "doctor": "what can be read here, what is missing, and how to get it",
    "completion": "print the completion script of a shell",
}
"""Every command and its summary; its file is faces/cli/COMMAND.py, with an underscore behind a word of Python's own."""


Elsewhere = Mapping[str, Callable[[], Any]]
"""Commands that are no faces, by name: what loads each, with EXAMPLES, add_arguments() and run() as the files here."""

EMPTY: Elsewhere = {}

ELSEWHERE = ("serve",)

FORMATS = ("table", "json", "jsonl", "csv", "pids")

FILTERS = ("user", "type", "state", "from", "since", "until")
"""The filters on logon sessions, which take a value."""

DEFAULT_SECONDS, LEAST_SECONDS, MOST_SECONDS = 2, 0.1, 86_400
"""Seconds between two answers of --watch."""

_DESCRIPTION = "Which logon session does each process belong to."
_EXAMPLES = """\
examples:
  logonscope                      every logon session and what runs in it
  logonscope whose 4312           which login started process 4312
  logonscope whose :8080          whose is the process that listens on port 8080
  logonscope leftovers            what was left behind by logins that are gone
  logonscope sessions --type RemoteInteractive --since 2h
                                  who came in from elsewhere in the last two hours
  logonscope ps alice -o json     alice's processes, for a script
  logonscope enumerate Win32_SessionProcess
                                  the same in WMI's words
"""


def _epilog() -> str:
    """Return the end of the help: exit codes and examples."""
    codes = "\n".join(f"  {code:<5}{meaning}" for code, meaning in MEANINGS.items())
    return f"exit codes:\n{codes}\n\n{_EXAMPLES}"


def help_formatter(prog: str) -> argparse.HelpFormatter:
    """Return the formatter of help; argparse makes one for each argument, to see whether it can be shown."""
    return argparse.RawDescriptionHelpFormatter(prog, width=terminal_columns() - 2)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # else `--out json` would hide that json is its value

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        message, choose, choices = message.partition(" (choose from ")
        message += choose + choices.replace("'", "")  # some versions of Python quote them
        separator = " See" if message.endswith("?") else "; see"
        text = for_terminal(message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}...")
        self.exit(2, f"{self.prog}: {text}{separator} `{self.prog} --help`\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help, or what is wrong; argparse itself hides that help could not be written."""
        if file is sys.stdout:
            file.write(message)
        else:
            write_error(message)


_COMPLETED_BY_SHELLS = {
    "files": {"bash": "_shtab_compgen_files", "zsh": "_files"},
    "users": {"bash": "_logonscope_users", "zsh": "_users"},
    "hosts": {"bash": "_logonscope_hosts", "zsh": "_hosts"},
}
"""What a shell completes by itself."""


def set_completion(action: argparse.Action, what: str) -> None:
    """Let shells complete an argument: files, users, hosts, or words for which the script defines a function."""
    name = f"_logonscope_{what}"
    marks = _COMPLETED_BY_SHELLS.get(what, {"bash": name, "zsh": name})
    action.complete = marks  # type: ignore[attr-defined]  # shtab looks for this attribute


def build_parser(commands: Sequence[str] = tuple(COMMANDS), elsewhere: Elsewhere = EMPTY) -> Parser:
    """Return the parser of these commands; the files of others are not imported."""
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
        if name in ELSEWHERE and name not in elsewhere:
            continue
        module, summary = command_module(name, elsewhere), COMMANDS[name]
        command = adder.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            parents=[shared],
            epilog=module.EXAMPLES,
            formatter_class=help_formatter,
        )
        module.add_arguments(command)
    return parser


def command_module(name: str, elsewhere: Elsewhere = EMPTY) -> Any:
    """Import the file of a command, or load what is elsewhere."""
    if name in elsewhere:
        return elsewhere[name]()
    return import_module(f"logonscope.faces.cli.{name}{'_' if iskeyword(name) else ''}")


def parse(argv: Sequence[str], elsewhere: Elsewhere = EMPTY) -> argparse.Namespace:
    """Parse the command line; without a command it is ``tree``."""
    words = [*argv[1:], "--help"] if argv[:1] == ["help"] else list(argv)
    words = [f"--watch={DEFAULT_SECONDS}" if word == "--watch" else word for word in words]  # its value needs a "="
    command = _find_command(words)
    if command is None and not {"-h", "--help", "-V", "--version"}.intersection(words):
        command = "tree"
        words.insert(0, command)
    of_all = command not in COMMANDS or {"-h", "--help"}.intersection(words[: words.index(command)])
    parser = build_parser(tuple(COMMANDS) if of_all or command is None else (command,), elsewhere)
    if command is not None and command not in COMMANDS:
        parser.error(f"there is no command {command!r}{_suggestion(command)}")
    args, rest = parser.parse_known_args(words, argparse.Namespace(**_DEFAULTS))
    if command is not None:
        parser.prog = f"logonscope {command}"
    if rest and (not hasattr(args, "parameters") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # argparse takes those before an option alone
        args.parameters = [*args.parameters, *rest]
    return args


_DEFAULTS: dict[str, Any] = {
    "output": "table",
    "host": None,
    "ca": None,
    "color": None,
    "pager": True,
    "readable": False,
    "quiet": False,
    "watch": None,
}
_TAKE_VALUE = {
    "-o", "--output", "--host", "--ca", "--color", "--columns", "--sort", *(f"--{name}" for name in FILTERS),
}  # fmt: skip
"""Options whose value is no command; --watch has its value behind "="."""


def _find_command(words: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of one."""
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _TAKE_VALUE:
            return word
        before = word
    return None


def _suggestion(word: str) -> str:
    if word.isdecimal() or word.startswith(":"):
        return f"; did you mean `logonscope whose {word}`?"
    import difflib  # noqa: PLC0415 -- only for whoever mistypes

    close = difflib.get_close_matches(word, COMMANDS, 1)
    return f"; did you mean `{close[0]}`?" if close else ""


def shared_options() -> Parser:
    """Return the options that stand before or after the command."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options = shared.add_argument_group("options of every command")
    formats = "how to print (default: table, for people); pids: of ps, leftovers, tree and whose"
    options.add_argument("-o", "--output", choices=FORMATS, help=formats)
    host = (
        "ask another machine, https://user@host:5986, or a file that `logonscope record` wrote; local: this machine "
        "(also: LOGONSCOPE_HOST)"
    )
    set_completion(options.add_argument("--host", metavar="HOST", help=host), "files")
    certificate = "the certificate of another machine, to be trusted"
    set_completion(options.add_argument("--ca", metavar="FILE", help=certificate), "files")
    options.add_argument(
        "--readable", action="store_true",
        help="without sudo: show whatever the kernel lets you read, not your own logon sessions alone",
    )  # fmt: skip
    options.add_argument("-q", "--quiet", action="store_true", help="do not say that more could be seen with sudo")
    when = "colours: auto, on a terminal (the default), always or never (also: NO_COLOR, FORCE_COLOR)"
    options.add_argument("--color", choices=COLOR_CHOICES, help=when)
    options.add_argument("--no-color", dest="color", action="store_const", const="never", help="--color=never")
    options.add_argument(
        "--watch", metavar="SECONDS", type=_parse_seconds, nargs="?", const=float(DEFAULT_SECONDS),
        help=f"ask again every so many seconds ({DEFAULT_SECONDS} without a number), mark what changed; Ctrl-C ends it",
    )  # fmt: skip
    pager = "do not show long output page by page (also: LOGONSCOPE_PAGER, PAGER)"
    options.add_argument("--no-pager", dest="pager", action="store_false", help=pager)
    return shared


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"invalid seconds {text!r}: expected a number from {LEAST_SECONDS} to {MOST_SECONDS:,}"
        )
    return seconds
