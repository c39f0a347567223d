"""``logonscope user``: manage the server's own user file: add, list, remove."""

import argparse
import sys
from collections.abc import Sequence
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
from logonscope.faces.cli.text import for_terminal

USERS_FILE = "/etc/logonscope/users"

EPILOG = """\
A running server uses every change at once. Accounts of this machine need no entry if the server uses PAM.

examples:
  sudo logonscope user add alice                        sees what the account alice sees
  sudo logonscope user add scanner --administrator      sees everything, and needs no account
  sudo logonscope user list
  sudo logonscope user remove scanner
"""

_ADD_EPILOG = """\
The command prompts for the password twice. It is never an argument, because other users could read it.

WinRM clients use NTLM by default (pypsrp and pywinrm with auth "negotiate" or "ntlm", curl --ntlm). They
need a user with --ntlm, because the server can check NTLM only with an NT hash of the password. Other users and PAM
accounts authenticate with Basic, over TLS or from this host.

examples:
  sudo logonscope user add alice
  sudo logonscope user add monitoring --uid 1000        sees the logon sessions of uid 1000
  sudo logonscope user add scanner --administrator --ntlm
  sudo logonscope user add scanner --administrator --password-stdin < password
"""

_LIST_EPILOG = """\
examples:
  sudo logonscope user list
  sudo logonscope user list -o json
"""

_REMOVE_EPILOG = """\
examples:
  sudo logonscope user remove scanner
"""

_HELPS = {
    "add": ActionHelp("add a user of the server", _ADD_EPILOG),
    "list": ActionHelp("list the users of the server", _LIST_EPILOG),
    "remove": ActionHelp("remove a user of the server", _REMOVE_EPILOG),
}

MAX_LINE_BYTES = 1 << 16

WITH_NTLM = "clients can authenticate with NTLM (Negotiate) or Basic"
WITHOUT_NTLM = (
    "clients can authenticate only with Basic, over TLS or from this host; if a client uses NTLM, as many do by "
    "default, remove the user and add it with --ntlm"
)


class UserEntry(FileEntry, Protocol):
    """A user of the server."""

    @property
    def nt_hash(self) -> bytes | None:
        """Return the NT hash of the password; None: the user cannot authenticate with NTLM."""


class Users(Protocol):
    """The users of the server in a file."""

    def users(self) -> Sequence[UserEntry]:
        """Return all users."""

    def locked_names(self) -> Sequence[str]:
        """Return the names whose lines give no access: locked lines, and lines of an unknown form."""

    def add(self, name: str, password: str, *, uid: int | None, administrator: bool, ntlm: bool) -> UserEntry:
        """Add a user and return it."""

    def remove(self, name: str) -> None:
        """Remove a user."""


class UserLine(NamedTuple):
    """A line of the list of users; it has no hashes."""

    name: str
    uid: int | None
    administrator: bool
    ntlm: bool


COLUMNS = (
    ListColumn("NAME", 16, lambda row: row.name),
    UID_COLUMN,
    ROLE_COLUMN,
    ListColumn("NTLM", 4, lambda row: "yes" if row.ntlm else "no"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = add_actions(parser, ManagedFile("--users", USERS_FILE), _HELPS, "the name of the user; case-insensitive")
    add.add_argument("name", metavar="NAME", help="the name that the user authenticates with; case-insensitive")
    add.add_argument("--administrator", action="store_true", help="the user sees everything, as root does")
    add.add_argument(
        "--uid", type=int,
        help="the uid whose logon sessions the user sees (default: that of the account with the same name)",
    )  # fmt: skip
    add.add_argument(
        "--ntlm", action="store_true",
        help="allow NTLM too; the file then has the NT hash: who reads it can log in with it, as with the password",
    )  # fmt: skip
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input, one line")


def run(users: Users, args: argparse.Namespace) -> int:
    """Run the action (list, add or remove); return the exit code."""
    if args.action == "list":
        empty_message = f"{describe_empty(args.users, 'users')}; see `logonscope user add --help`"
        code = print_rows(args, list(map(_row, users.users())), COLUMNS, empty_message)
        if locked_names := users.locked_names():
            print_notice(args, f"locked, because their lines give no access: {', '.join(locked_names)}")
        return code
    if args.action == "remove":
        users.remove(args.name)
        print_notice(args, f"removed user {args.name} from the server")
        return FOUND
    # if the file cannot be read, the command fails here, before it prompts for a password
    users.users()
    uid = _resolve_uid(args)
    row = _row(users.add(args.name, _read_password(args), uid=uid, administrator=args.administrator, ntlm=args.ntlm))
    print_notice(args, f"added user {row.name}, who sees {describe_visible(row)}")
    print_notice(args, WITH_NTLM if row.ntlm else WITHOUT_NTLM)
    return FOUND


def _row(entry: UserEntry) -> UserLine:
    return UserLine(entry.name, entry.uid, entry.administrator, entry.nt_hash is not None)


def _resolve_uid(args: argparse.Namespace) -> int | None:
    """Return the uid whose logon sessions the new user sees; None: an administrator without an account.

    Raises:
        InvalidParameterError: there is no account of that name, and neither --uid nor --administrator.
    """
    import pwd  # noqa: PLC0415 -- only Unix has it, and help must work elsewhere too

    if args.uid is not None:
        return int(args.uid)
    try:
        return pwd.getpwnam(args.name).pw_uid
    except (KeyError, ValueError):  # ValueError: no account name can have this text, such as one with a NUL
        if args.administrator:
            return None
    hint = "give --uid (the user sees the logon sessions of that uid) or --administrator"
    raise InvalidParameterError(f"there is no account {args.name!r}", hint)


def _read_password(args: argparse.Namespace) -> str:
    """Read the password of the new user from standard input or the terminal.

    Raises:
        InvalidParameterError: the input is not UTF-8; or, without --password-stdin, there is no terminal, nothing was
            typed, or the repeated password differs.
    """
    if args.password_stdin:
        try:
            return sys.stdin.buffer.readline(MAX_LINE_BYTES).decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise InvalidParameterError("invalid password: it is not UTF-8", "choose another one") from None
    if sys.stdin is None or not sys.stdin.isatty():
        message = "cannot prompt for the password: standard input is not a terminal"
        raise InvalidParameterError(message, "use --password-stdin")
    import getpass  # noqa: PLC0415 -- only the prompt needs it

    try:
        password = getpass.getpass(f"Password of {for_terminal(args.name)}: ")
        repeated_password = getpass.getpass("Repeat the password: ")
    except EOFError:
        raise InvalidParameterError("no password was typed", "type one, or use --password-stdin") from None
    if password != repeated_password:
        raise InvalidParameterError("the passwords differ", "type the same one twice")
    return password
