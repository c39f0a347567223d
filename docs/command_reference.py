"""The reference page of the command line, generated from its parser: commands, options and exit codes."""

import argparse
from collections.abc import Iterable, Iterator

from logonscope.command import SERVER_COMMANDS
from logonscope.faces.cli.exit_codes import EXIT_CODE_MEANINGS
from logonscope.faces.cli.parser import build_parser, shared_options
from logonscope.server.configuration import SETTINGS

HEAD = """\
# The commands

`python -m docs.reference` generates this page from the parser; do not edit it. [The command line](../command-line.md)
explains what all commands have in common. `logonscope COMMAND --help` has examples. The default command is `tree`.
"""


SEVERAL_COMMANDS = """\
## Options of several commands

These are not listed again with the commands.
"""

SERVE = "Each [setting of the server](settings.md) is an option: `max_envelope` is `--max-envelope`. Other options:"

MIN_COMMANDS = 3
"""An option that at least this number of commands have is explained once for all of them."""


def command_page() -> str:
    """Return the page."""
    parser = build_parser(server_commands=SERVER_COMMANDS)
    everywhere = {name for action in shared_options()._actions for name in action.option_strings}  # noqa: SLF001 -- argparse shows them nowhere else
    lines = [HEAD, "## Exit codes\n", "| code | meaning |", "|---:|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODE_MEANINGS.items()]
    lines += ["", "## Options of every command\n", *_table(map(_row, shared_options()._actions))]  # noqa: SLF001 -- the same
    rows = {name: _own_rows(command, everywhere) for name, command in _commands(parser)}
    names_by_row: dict[str, list[str]] = {}
    for name, own in rows.items():
        for row in own:
            names_by_row.setdefault(row, []).append(name)
    several = {row: names for row, names in names_by_row.items() if len(names) >= MIN_COMMANDS}
    lines += ["", SEVERAL_COMMANDS, "| option | meaning | commands |", "|---|---|---|"]
    lines += [f"{row} {', '.join(names)} |" for row, names in several.items()]
    for name, command in _commands(parser):
        lines += ["", f"## {name}\n", command.description or "", *(["", SERVE] if name == "serve" else [])]
        if own := [row for row in rows[name] if row not in several]:
            lines += ["", *_table(own)]
    return "\n".join([*lines, ""])


def _commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command, followed by its subcommands."""
    for action in parser._actions:  # noqa: SLF001 -- the same
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 -- the same
            for name, command in action.choices.items():
                yield f"{above}{name}", command
                yield from _commands(command, f"{above}{name} ")


def _own_rows(command: argparse.ArgumentParser, everywhere: set[str]) -> list[str]:
    """Return the rows of a command's options, without those of every command and the settings of the server."""
    left_out = everywhere | {"--help"}
    if command.prog.endswith(" serve"):
        left_out |= {f"--{name.replace('_', '-')}" for name in SETTINGS}
    return [
        _row(action)
        for action in command._actions  # noqa: SLF001 -- the same
        if action.help != argparse.SUPPRESS
        and not left_out.intersection(action.option_strings)
        and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 -- the same
    ]


def _table(rows: Iterable[str]) -> list[str]:
    return ["| option | meaning |", "|---|---|", *rows]


def _row(action: argparse.Action) -> str:
    return f"| `{_words(action)}` | {_help(action)} |"


def _words(action: argparse.Action) -> str:
    """Return how an argument is written."""
    if not action.option_strings:
        name = str(action.metavar or action.dest)
        return (f"[{name}]" if action.nargs == "?" else name).replace("|", "\\|")
    words = ", ".join(action.option_strings)
    if action.nargs == 0:
        return words
    value = str(action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper()))
    if action.nargs == "?":
        return f"{words}[={value}]"
    return f"{words} {value}".replace("|", "\\|")


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("|", "\\|").replace("%%", "%")
