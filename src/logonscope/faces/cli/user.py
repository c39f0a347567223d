"""``logonscope user``: who may use the server without an account on this machine?"""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.columns import Column
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.parser import Parser, help_formatter, set_completion, shared_options
from logonscope.faces.cli.text import for_terminal

USERS_FILE = "/etc/logonscope/users"

EXAMPLES = """\
A running server takes every change at once. Accounts of this machine need no entry where the server asks PAM.

examples:
  sudo logonscope user add alice                        sees what the account alice sees
  sudo logonscope user add scanner --administrator      sees everything, and is no account
  sudo logonscope user list
  sudo logonscope user remove scanner
"""

_ADD = """\
The password is asked for twice; it is never an argument, which others could read.

Clients of Windows use NTLM by default (pypsrp and pywinrm with auth "negotiate" or "ntlm", curl --ntlm, Ansible). They
need a user with --ntlm, since the server cannot check NTLM against any other hash of a password. Users without it
authenticate by Basic, over TLS or from this host; so do the accounts that PAM knows.

examples:
  sudo logonscope user add alice
  sudo logonscope user add monitoring --uid 1000        sees the logon sessions of uid 1000
  sudo logonscope user add scanner --administrator --ntlm
  sudo logonscope user add scanner --administrator --password-stdin < password
"""

_LIST = """\
examples:
  sudo logonscope user list
  sudo logonscope user list -o json
"""

_REMOVE = """\
examples:
  sudo logonscope user remove scanner
"""

MAX_LINE_BYTES = 1 << 16

WITH_NTLM = "clients authenticate by NTLM (Negotiate) or by Basic"
WITHOUT_NTLM = (
    "clients authenticate by Basic alone, over TLS or from this host; for those that use NTLM, the default of many, "
    "remove the user and add it with --ntlm"
)


class Entry(Protocol):
    """One user."""

    @property
    def name(self) -> str:
        """Return the name."""

    @property
    def uid(self) -> int | None:
        """Return whose logon sessions that user sees."""

    @property
    def administrator(self) -> bool:
        """Tell whether that user sees everything."""

    @property
    def nt_hash(self) -> bytes | None:
        """Return what NTLM asks for, where that user may come by it."""


class Users(Protocol):
    """The users in a file."""

    def users(self) -> Sequence[Entry]:
        """Return all."""

    def add(self, name: str, password: str, *, uid: int | None, administrator: bool, ntlm: bool) -> Entry:
        """Add one."""

    def remove(self, name: str) -> None:
        """Remove one."""


class Row(NamedTuple):
    """A user in a list: nothing secret."""

    name: str
    uid: int | None
    administrator: bool
    ntlm: bool


COLUMNS = (
    Column("NAME", 16, lambda row: row.name),
    Column("UID", 10, lambda row: "-" if row.uid is None else str(row.uid)),
    Column("ROLE", 13, lambda row: "administrator" if row.administrator else "user"),
    Column("NTLM", 4, lambda row: "yes" if row.ntlm else "no"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    add = _add_action(actions, "add", "let somebody use the server", _ADD)
    add.add_argument("name", metavar="NAME", help="by which the user authenticates, in any case")
    add.add_argument("--administrator", action="store_true", help="sees everything, as root does")
    add.add_argument(
        "--uid", type=int, help="whose logon sessions the user sees (default: those of the account of that name)"
    )
    add.add_argument(
        "--ntlm", action="store_true",
        help="may also use NTLM, for which the file keeps a weaker hash: whoever has that needs no password",
    )  # fmt: skip
    add.add_argument("--password-stdin", action="store_true", help="read the password, a line, from standard input")
    _add_action(actions, "list", "show who may use the server", _LIST)
    remove = _add_action(actions, "remove", "let somebody use the server no more", _REMOVE)
    remove.add_argument("name", metavar="NAME", help="the user, in any case")


def run(users: Users, args: argparse.Namespace) -> int:
    """Do what was asked for."""
    if args.action == "list":
        nothing = f"{args.users} has no users; see `logonscope user add --help`"
        return print_rows(args, list(map(_row, users.users())), COLUMNS, nothing)
    if args.action == "remove":
        users.remove(args.name)
        print_notice(args, f"{args.name} may not use the server any more")
        return FOUND
    users.users()  # whoever may not read the file need not think of a password
    uid = _resolve_uid(args)
    row = _row(users.add(args.name, _read_password(args), uid=uid, administrator=args.administrator, ntlm=args.ntlm))
    sees = "everything" if row.administrator else f"the logon sessions of uid {row.uid}"
    print_notice(args, f"{row.name} may use the server, and sees {sees}")
    print_notice(args, WITH_NTLM if row.ntlm else WITHOUT_NTLM)
    return FOUND


def _add_action(actions: "argparse._SubParsersAction[Parser]", name: str, summary: str, examples: str) -> Parser:
    action = actions.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=examples,
        parents=[shared_options()], formatter_class=help_formatter,
    )  # fmt: skip
    file = action.add_argument(
        "--users", metavar="FILE", default=USERS_FILE, help=f"the file of users (default: {USERS_FILE})"
    )
    set_completion(file, "files")
    return action


def _row(entry: Entry) -> Row:
    return Row(entry.name, entry.uid, entry.administrator, entry.nt_hash is not None)


def _resolve_uid(args: argparse.Namespace) -> int | None:
    """Return whose logon sessions the user is to see."""
    import pwd  # noqa: PLC0415 -- Unix only, and help is for everybody

    if args.uid is not None:
        return int(args.uid)
    try:
        return pwd.getpwnam(args.name).pw_uid
    except (KeyError, ValueError):  # what cannot be a name is none of an account's
        if args.administrator:
            return None
    raise InvalidParameterError(
        f"there is no account {args.name!r}", "say with --uid whose logon sessions that user sees, or --administrator"
    )


def _read_password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        try:
            return sys.stdin.buffer.readline(MAX_LINE_BYTES).decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise InvalidParameterError("that password is not UTF-8", "choose another one") from None
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidParameterError("there is no terminal to ask for a password", "use --password-stdin")
    import getpass  # noqa: PLC0415 -- only where somebody is asked

    try:
        password = getpass.getpass(f"Password of {for_terminal(args.name)}: ")
        again = getpass.getpass("The same again: ")
    except EOFError:
        raise InvalidParameterError("no password was typed", "type one, or use --password-stdin") from None
    if password != again:
        raise InvalidParameterError("the two passwords differ", "type the same one twice")
    return password
