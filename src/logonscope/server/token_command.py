"""``logonscope token``: tokens of the JSON API for programs: add, list, remove."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from logonscope.errors import InvalidParameterError
from logonscope.server.auth.token_file import ACT, ALL_HOSTS, READ, Token, TokenFile
from logonscope.server.configuration import TOKENS_FILE

EPILOG = """\
A running server uses every change at once. A token is sent as `Authorization: Bearer TOKEN`, over TLS or on this host.
The file has only its hash: the token is printed once.

examples:
  sudo logonscope token add dashboard --administrator --expires 30d
  sudo logonscope token add alices-script --uid 1000 --expires 12h
  sudo logonscope token add fleet --administrator --hosts 'web*,db1'
  sudo logonscope token add janitor --administrator --scope act
  sudo logonscope token list
  sudo logonscope token remove dashboard
"""

_COLUMNS = ("name", "uid", "administrator", "scope", "hosts", "expires")

_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = _add_action(actions, "add", "add a token and print it")
    add.add_argument("name", metavar="NAME", help="the name of the token, for the list and the audit log")
    add.add_argument("--administrator", action="store_true", help="the token sees everything, as root does")
    add.add_argument("--uid", type=int, help="the token sees the logon sessions of this uid")
    add.add_argument(
        "--scope", choices=(READ, ACT), default=READ,
        help="read: no method that changes something (default); act: as the server's setting allow_methods permits",
    )  # fmt: skip
    add.add_argument(
        "--expires", metavar="TIME", default="30d", help="lifetime of the token, such as 90m or 12h (default: 30d)"
    )
    add.add_argument(
        "--hosts", metavar="A,B", default=",".join(ALL_HOSTS),
        help="names of the hosts where the token is valid, with * and ? as wildcards: for one file on many hosts "
        "(default: all)",
    )  # fmt: skip
    _add_action(actions, "list", "list the tokens")
    remove = _add_action(actions, "remove", "remove a token, which ends its validity at once")
    remove.add_argument("name", metavar="NAME", help="the token's name")


def _add_action(actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
    examples = [line for line in EPILOG.splitlines() if f" token {name}" in line]
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n".join(["examples:", *examples]), formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--tokens", metavar="FILE", default=TOKENS_FILE, help=f"the file (default: {TOKENS_FILE})")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the action; return the exit code."""
    file = TokenFile(args.tokens)
    if args.action == "add":
        if args.administrator and args.uid is not None:
            raise InvalidParameterError(
                "invalid --uid: with --administrator, the token sees everything", "give one of the two"
            )
        token, text = file.add(
            args.name, uid=args.uid, administrator=args.administrator, scope=args.scope,
            seconds=_seconds(args.expires), hosts=args.hosts.lower().split(","),
        )  # fmt: skip
        visible = "everything" if token.administrator else f"the logon sessions of uid {token.uid}"
        _print(text)
        sys.stderr.write(f"logonscope: token {token.name} sees {visible}, until {token.expires:%Y-%m-%d %H:%M} UTC\n")
        return 0
    if args.action == "remove":
        file.remove(args.name)
        sys.stderr.write(f"logonscope: removed token {args.name}\n")
        return 0
    return _print_tokens(args, file.tokens())


def _print_tokens(args: argparse.Namespace, tokens: Sequence[Token]) -> int:
    """Print the tokens; return the exit code."""
    rows = [_row(token) for token in tokens]
    if args.output == "json":
        _print(json.dumps(rows, indent=2))
    elif args.output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows({**row, "hosts": " ".join(row["hosts"])}.values() for row in rows)
    else:
        for token, row in zip(tokens, rows, strict=True):
            _print(json.dumps(row) if args.output == "jsonl" else _line(token))
    if not tokens:
        sys.stderr.write(f"logonscope: {args.tokens} has no tokens; see `logonscope token add --help`\n")
    return 0 if tokens else 1


def _row(token: Token) -> dict[str, Any]:
    row = {"name": token.name, "uid": token.uid, "administrator": token.administrator, "scope": token.scope}
    return {**row, "hosts": list(token.hosts), "expires": token.expires.isoformat()}


def _line(token: Token) -> str:
    role = "administrator" if token.administrator else f"uid {token.uid}"
    return f"{token.name:24} {role:16} {token.scope:5} {token.expires:%Y-%m-%d %H:%M} UTC {','.join(token.hosts)}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _seconds(text: str) -> float:
    """Return the seconds of a time such as 30d.

    Raises:
        InvalidParameterError: it is not such a time.
    """
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if match is None:
        raise InvalidParameterError(f"invalid time {text[:50]!r}", "give --expires 90m, 12h or 30d")
    return int(match[1]) * _UNITS[match[2]]
