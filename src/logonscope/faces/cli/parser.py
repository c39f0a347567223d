"""Which words does the command understand? One table of commands; each command's own file adds its arguments."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

from logonscope import __version__
from logonscope.faces.cli.text import columns

COMMANDS = {
    "tree": "logon sessions with their process trees (what `logonscope` alone shows)",
    "sessions": "logon sessions, a line each",
    "ps": "processes with their logon sessions, a line each",
    "leftovers": "processes whose login is logged out",
    "whose": "which login a process, or whoever holds a port, belongs to, and how that is known",
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

FORMATS = ("table", "json", "jsonl", "csv")

_DESCRIPTION = "Which logon session does each process belong to."
_EXIT_CODES = """\
exit codes:
  0  found        1  nothing found        2  wrong use        3  no right
  69  no answer, or none in time        74  the answer could not be written

examples:
  logonscope                      every logon session and what runs in it
  logonscope whose 4312           which login started process 4312
  logonscope whose :8080          whose is the process that listens on port 8080
  logonscope leftovers            what was left behind by logins that are gone
  logonscope ps alice -o json     alice's processes, for a script
  logonscope enumerate Win32_SessionProcess
                                  the same in WMI's words
"""


def help_formatter(prog: str) -> argparse.HelpFormatter:
    """Return the formatter of help; argparse makes one for each argument, to see whether it can be shown."""
    return argparse.RawDescriptionHelpFormatter(prog, width=columns() - 2)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # else `--out json` would hide that json is its value

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        message, choose, choices = message.partition(" (choose from ")
        message += choose + choices.replace("'", "")  # some versions of Python quote them
        separator = " See" if message.endswith("?") else "; see"
        self.exit(2, f"{self.prog}: {message}{separator} `{self.prog} --help`\n")


def completes(action: argparse.Action, what: str) -> None:
    """Let shells complete the names of classes or namespaces here, by a function that the script defines."""
    name = f"_logonscope_{what}"
    action.complete = {"bash": name, "zsh": name}  # type: ignore[attr-defined]  # shtab's way


def completes_files(action: argparse.Action) -> None:
    """Let shells complete file names here: shtab looks for this attribute."""
    action.complete = {"bash": "_shtab_compgen_files", "zsh": "_files"}  # type: ignore[attr-defined]  # shtab's way


def build_parser(commands: Sequence[str] = tuple(COMMANDS), elsewhere: Elsewhere = EMPTY) -> Parser:
    """Return the parser of these commands; the files of others are not imported."""
    shared = shared_options()
    parser = Parser(
        prog="logonscope",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
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
    command = _first_word(words)
    if command is None and not {"-h", "--help", "-V", "--version"}.intersection(words):
        command = "tree"
        words.insert(0, command)
    of_all = command not in COMMANDS or {"-h", "--help"}.intersection(words[: words.index(command)])
    parser = build_parser(tuple(COMMANDS) if of_all or command is None else (command,), elsewhere)
    if command is not None and command not in COMMANDS:
        parser.error(f"there is no command {command!r}{_meant(command)}")
    args, rest = parser.parse_known_args(words, argparse.Namespace(**_DEFAULTS))
    if rest and (not hasattr(args, "parameters") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # argparse takes those before an option alone
        args.parameters = [*args.parameters, *rest]
    return args


_DEFAULTS: dict[str, Any] = {
    "output": "table",
    "host": None,
    "ca": None,
    "color": True,
    "readable": False,
    "quiet": False,
}
_TAKE_VALUE = {"-o", "--output", "--host", "--ca"}


def _first_word(words: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of one."""
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _TAKE_VALUE:
            return word
        before = word
    return None


def _meant(word: str) -> str:
    if word.isdecimal() or word.startswith(":"):
        return f"; did you mean `logonscope whose {word}`?"
    import difflib  # noqa: PLC0415 -- only for whoever mistypes

    close = difflib.get_close_matches(word, COMMANDS, 1)
    return f"; did you mean `{close[0]}`?" if close else ""


def shared_options() -> Parser:
    """Return the options that stand before or after the command."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options = shared.add_argument_group("options of every command")
    options.add_argument("-o", "--output", choices=FORMATS, help="how to print (default: table, for people)")
    host = "ask another machine, https://user@host:5986, or a file that `logonscope record` wrote"
    completes_files(options.add_argument("--host", metavar="HOST", help=host))
    certificate = "the certificate of another machine, to be trusted"
    completes_files(options.add_argument("--ca", metavar="FILE", help=certificate))
    options.add_argument(
        "--readable", action="store_true",
        help="without sudo: show whatever the kernel lets you read, not your own logon sessions alone",
    )  # fmt: skip
    options.add_argument("-q", "--quiet", action="store_true", help="do not say that more could be seen with sudo")
    options.add_argument("--no-color", dest="color", action="store_false", help="no colours (also: NO_COLOR=1)")
    return shared


def wants_color(args: argparse.Namespace) -> bool:
    """Tell whether colours may be used: https://no-color.org."""
    return bool(args.color) and not os.environ.get("NO_COLOR")
