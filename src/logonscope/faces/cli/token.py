"""``logonscope token``: tokens of the JSON API for programs: add, list, remove."""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.columns import ListColumn
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.file_actions import (
    ROLE_COLUMN,
    UID_COLUMN,
    ActionHelp,
    FileEntry,
    ManagedFile,
    add_actions,
    describe_empty,
    describe_visible,
)
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.output import print_rows

TOKENS_FILE = "/etc/logonscope/tokens"

EPILOG = """\
A running server uses every change at once. A token is sent as `Authorization: Bearer TOKEN`, over TLS or on this host.
The file has only its hash: the token is printed once.

examples:
  sudo logonscope token add dashboard --administrator --expires 30d
  sudo logonscope token list
  sudo logonscope token remove dashboard
"""

_ADD_EPILOG = """\
examples:
  sudo logonscope token add dashboard --administrator --expires 30d
  sudo logonscope token add alices-script --uid 1000 --expires 12h
  sudo logonscope token add fleet --administrator --hosts 'web*,db1'
  sudo logonscope token add janitor --administrator --scope act
"""

_LIST_EPILOG = """\
examples:
  sudo logonscope token list
  sudo logonscope token list -o json
"""

_REMOVE_EPILOG = """\
examples:
  sudo logonscope token remove dashboard
"""

_HELPS = {
    "add": ActionHelp("add a token and print it", _ADD_EPILOG),
    "list": ActionHelp("list the tokens", _LIST_EPILOG),
    "remove": ActionHelp("remove a token, which ends its validity at once", _REMOVE_EPILOG),
}

_UNITS = {"m": 60, "h": 3600, "d": 86_400}


class TokenEntry(FileEntry, Protocol):
    """A token of the server."""

    @property
    def scope(self) -> str:
        """Return what the token permits: "read", or "act": also methods that change something."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return patterns: the token is valid on hosts with a matching name."""

    @property
    def expires(self) -> datetime:
        """Return when the token expires."""


class Tokens(Protocol):
    """The tokens of the server in a file."""

    def tokens(self) -> Sequence[TokenEntry]:
        """Return all tokens, the expired ones too."""

    def add(
        self, name: str, *, uid: int | None, administrator: bool, scope: str, seconds: float, hosts: Sequence[str]
    ) -> tuple[TokenEntry, str]:
        """Add a token; return its entry and its text."""

    def remove(self, name: str) -> None:
        """Remove a token."""


class TokenLine(NamedTuple):
    """A token, as one line of the list; without its hash."""

    name: str
    uid: int | None
    administrator: bool
    scope: str
    hosts: tuple[str, ...]
    expires: datetime


COLUMNS = (
    ListColumn("NAME", 24, lambda row: row.name),
    UID_COLUMN,
    ROLE_COLUMN,
    ListColumn("SCOPE", 5, lambda row: row.scope),
    ListColumn("EXPIRES", 20, lambda row: f"{row.expires:%Y-%m-%d %H:%M} UTC"),
    ListColumn("HOSTS", 0, lambda row: ",".join(row.hosts)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = add_actions(parser, ManagedFile("--tokens", TOKENS_FILE), _HELPS, "the token's name")
    add.add_argument("name", metavar="NAME", help="the name of the token, for the list and the audit log")
    add.add_argument("--administrator", action="store_true", help="the token sees everything, as root does")
    add.add_argument("--uid", type=int, help="the token sees the logon sessions of this uid")
    add.add_argument(
        "--scope", choices=("read", "act"), default="read",
        help="read: no method that changes something (default); act: as the server's setting allow_methods permits",
    )  # fmt: skip
    add.add_argument(
        "--expires", metavar="TIME", default="30d", help="lifetime of the token, such as 90m or 12h (default: 30d)"
    )
    add.add_argument(
        "--hosts", metavar="A,B", default="*",
        help="names of the hosts where the token is valid, with * and ? as wildcards: for one file on many hosts "
        "(default: all)",
    )  # fmt: skip


def run(tokens: Tokens, args: argparse.Namespace) -> int:
    """Run the action (list, add or remove); return the exit code."""
    if args.action == "list":
        empty_message = f"{describe_empty(args.tokens, 'tokens')}; see `logonscope token add --help`"
        return print_rows(args, list(map(_row, tokens.tokens())), COLUMNS, empty_message)
    if args.action == "remove":
        tokens.remove(args.name)
        print_notice(args, f"removed token {args.name}")
        return FOUND
    if args.administrator and args.uid is not None:
        raise InvalidParameterError(
            "invalid --uid: with --administrator, the token sees everything", "give one of the two"
        )
    token, text = tokens.add(
        args.name, uid=args.uid, administrator=args.administrator, scope=args.scope,
        seconds=_parse_seconds(args.expires), hosts=args.hosts.lower().split(","),
    )  # fmt: skip
    print(text)
    print_notice(args, f"token {token.name} sees {describe_visible(token)}, until {token.expires:%Y-%m-%d %H:%M} UTC")
    return FOUND


def _row(entry: TokenEntry) -> TokenLine:
    return TokenLine(entry.name, entry.uid, entry.administrator, entry.scope, entry.hosts, entry.expires)


def _parse_seconds(text: str) -> float:
    """Return the seconds of a time such as 30d.

    Raises:
        InvalidParameterError: the text is not such a time.
    """
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if match is None:
        raise InvalidParameterError(f"invalid time {text[:50]!r}", "give --expires 90m, 12h or 30d")
    return int(match[1]) * _UNITS[match[2]]
