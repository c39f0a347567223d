"""Actions of the commands that manage a file of the server (add, list, remove): each names the file by an option."""

import argparse
from typing import NamedTuple

from logonscope.faces.cli.parser import Parser, help_formatter, set_completion, shared_options


class ManagedFile(NamedTuple):
    """A file of the server: the option that names it, and its default."""

    option: str
    default: str


def add_action(
    actions: "argparse._SubParsersAction[Parser]", file: ManagedFile, name: str, summary: str, examples: str
) -> Parser:
    """Add an action, with the options of every command and the option that names the file."""
    action = actions.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=examples,
        parents=[shared_options()], formatter_class=help_formatter,
    )  # fmt: skip
    what = file.option.removeprefix("--")
    text = f"the file of {what} (default: {file.default})"
    set_completion(action.add_argument(file.option, metavar="FILE", default=file.default, help=text), "files")
    return action
