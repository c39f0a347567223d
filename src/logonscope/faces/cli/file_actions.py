"""The actions add, list and remove of commands for a file of the server. Each action has an option for the file."""

import argparse
import os
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from logonscope.faces.cli.columns import ListColumn
from logonscope.faces.cli.parser import Parser, help_formatter, set_completion, shared_options


class ManagedFile(NamedTuple):
    """A file of the server: the option that names it, and its default."""

    option: str
    default: str


class ActionHelp(NamedTuple):
    """The help of an action: a summary, and the text below the options."""

    summary: str
    epilog: str


class FileEntry(Protocol):
    """An entry of a managed file: a user or a token."""

    @property
    def name(self) -> str:
        """Return the name."""

    @property
    def uid(self) -> int | None:
        """Return the uid whose logon sessions the entry sees; None: an administrator without a uid."""

    @property
    def administrator(self) -> bool:
        """Return whether the entry sees everything."""


UID_COLUMN = ListColumn("UID", 10, lambda entry: "-" if entry.uid is None else str(entry.uid))
ROLE_COLUMN = ListColumn("ROLE", 13, lambda entry: "administrator" if entry.administrator else "user")


def describe_visible(entry: FileEntry) -> str:
    """Return what an entry sees, for a notice."""
    return "everything" if entry.administrator else f"the logon sessions of uid {entry.uid}"


def describe_empty(path: str, entries: str) -> str:
    """Return why a list of users or tokens is empty."""
    return f"{path} has no {entries}" if os.path.exists(path) else f"{path} does not exist"


def add_actions(
    parser: argparse.ArgumentParser, file: ManagedFile, helps: Mapping[str, ActionHelp], name_help: str
) -> Parser:
    """Add the actions add, list and remove; return the parser of add, to which the caller adds arguments.

    Args:
        parser: the parser of the command.
        file: the file that the actions manage.
        helps: the help of each action, by the action's name.
        name_help: the help of the argument NAME of remove.
    """
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    parsers = {name: _add_action(actions, file, name, *helps[name]) for name in ("add", "list", "remove")}
    parsers["remove"].add_argument("name", metavar="NAME", help=name_help)
    return parsers["add"]


def _add_action(
    actions: "argparse._SubParsersAction[Parser]", file: ManagedFile, name: str, summary: str, epilog: str
) -> Parser:
    """Add an action, with the options of every command and the option that names the file."""
    action = actions.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=epilog,
        parents=[shared_options()], formatter_class=help_formatter,
    )  # fmt: skip
    entries = file.option.removeprefix("--")
    file_help = f"the file of {entries} (default: {file.default})"
    set_completion(action.add_argument(file.option, metavar="FILE", default=file.default, help=file_help), "files")
    return action
