"""The reference page of the command line, generated from its parser: commands, options and exit codes."""

import argparse
from collections.abc import Iterator

from logonscope.command import SERVER_COMMANDS
from logonscope.faces.cli.exit_codes import EXIT_CODE_MEANINGS
from logonscope.faces.cli.parser import build_parser, shared_options

HEAD = """\
# The commands

`python -m docs.reference` generates this page from the parser; do not edit it. [The command line](../command-line.md)
explains what all commands have in common. `logonscope COMMAND --help` has examples. The default command is `tree`.
"""


def command_page() -> str:
    """Return the page."""
    parser = build_parser(server_commands=SERVER_COMMANDS)
    shared = {name for action in shared_options()._actions for name in action.option_strings}  # noqa: SLF001 -- argparse shows them nowhere else
    lines = [HEAD, "## Exit codes\n", "| code | meaning |", "|---:|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODE_MEANINGS.items()]
    lines += ["", "## Options of every command\n", *_table(action for action in shared_options()._actions)]  # noqa: SLF001 -- the same
    for name, command in _commands(parser):
        lines += ["", f"## {name}\n", command.description or "", "", *_rows(command, shared)]
    return "\n".join([*lines, ""])


def _commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command, followed by its subcommands."""
    for action in parser._actions:  # noqa: SLF001 -- the same
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 -- the same
            for name, command in action.choices.items():
                yield f"{above}{name}", command
                yield from _commands(command, f"{above}{name} ")


def _rows(command: argparse.ArgumentParser, shared: set[str]) -> list[str]:
    actions = command._actions  # noqa: SLF001 -- the same
    own = [action for action in actions if not shared.intersection(action.option_strings) and action.dest != "help"]
    own = [action for action in own if action.help != argparse.SUPPRESS]
    return _table(action for action in own if not isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 -- the same


def _table(actions: Iterator[argparse.Action]) -> list[str]:
    rows = [f"| `{_words(action)}` | {_help(action)} |" for action in actions]
    return ["| option | meaning |", "|---|---|", *rows] if rows else ["This command has no options of its own."]


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
