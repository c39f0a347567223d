r"""Lines of the user file: parsing, checking, writing. A line is one user, with fields separated by colons.

For example (the hashes are shortened)::

    # name:uid:role:password:NT hash
    alice:1000:user:$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:
    scanner::administrator:$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:8846f7eaee8fb117ad06bdd830b7586c

A user sees the logon sessions of ``uid``; an administrator sees all of them and needs no uid. ``role`` is "user" or
"administrator". Only users who can authenticate by NTLM have an NT hash: it is as good as the password. Names are
compared without case. Comments and empty lines are preserved. A line of this form with another role, another kind of
hash ("!") or more fields is preserved, too, and locks its name: no client gets access by this name, not even as the
account of this machine that has the same name.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError

MAX_NAME_LENGTH = 64
MAX_UID = 0xFFFF_FFFE
"""The greatest uid. The next number, 0xFFFF_FFFF, means "no uid" to the kernel."""

_NAME = re.compile(rf"(?![ #])[^:/\\@\"]{{1,{MAX_NAME_LENGTH}}}(?<! )")
_ROLE = re.compile(r"[a-z][a-z-]{0,31}")
_UID = re.compile(r"(?:0|[1-9][0-9]{0,9})?")
_HASH = re.compile(r"\$argon2id\$v=19\$m=\d{1,7},t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII)
_NT_HASH = re.compile(r"(?:[0-9A-Fa-f]{32})?")
_ADMINISTRATOR = {"user": False, "administrator": True}


@dataclass(frozen=True, slots=True)
class User:
    """A user who can authenticate."""

    name: str
    uid: int | None
    administrator: bool
    password_hash: str = field(repr=False)
    nt_hash: bytes | None = field(default=None, repr=False)

    @property
    def caller(self) -> Caller:
        """Return the caller that the broker uses for this user."""
        return Caller(self.name, self.uid, self.administrator)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file. A comment or empty line has no ``key``; a line with a key but no ``user`` locks its name."""

    text: str = field(repr=False)
    key: str | None = None
    user: User | None = None

    @property
    def name(self) -> str:
        """Return the name in the line, as it is written."""
        return self.text.partition(":")[0]


def key_of(name: str) -> str:
    """Return the key of a name, which is equal for all its spellings in case and in Unicode."""
    return unicodedata.normalize("NFC", name).casefold()


def parse(data: bytes, file_name: str) -> tuple[Line, ...]:
    """Parse the lines of a user file; ``file_name`` is used in messages.

    Raises:
        InvalidParameterError: a line is invalid; the message has the number of the line, but no secret in it.
    """
    lines: list[Line] = []
    line_of_key: dict[str, int] = {}
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n") if data else (), 1):
        try:
            lines.append(line := _parse_line(raw))
            _check_duplicate(line.key, number, line_of_key)
        except ValueError as error:
            raise InvalidParameterError(
                f"{file_name}, line {number}: {error}", "correct the line or remove it"
            ) from None
    return tuple(lines)


def _check_duplicate(key: str | None, number: int, line_of_key: dict[str, int]) -> None:
    if key is not None and line_of_key.setdefault(key, number) != number:
        raise ValueError(f"duplicate name, first used in line {line_of_key[key]} (names are compared without case)")


def _parse_line(raw: bytes) -> Line:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError("invalid UTF-8") from None
    if not text.strip() or text.startswith("#"):
        return Line(text)
    # Missing fields at the end count as empty: the last colon is optional, and a shorter line gets the message below.
    name, uid, role, secret, nt_hash, *more = [*text.split(":"), *[""] * max(0, 4 - text.count(":"))]
    if not (text.isprintable() and _ROLE.fullmatch(role) and secret):
        raise ValueError("invalid line: expected name:uid:role:password:NT hash")
    if not (_UID.fullmatch(uid) and _NT_HASH.fullmatch(nt_hash)):
        raise ValueError("invalid uid or NT hash: expected a number, and 32 hexadecimal digits or nothing")
    _check_name(name)
    if role not in _ADMINISTRATOR or more or not _HASH.fullmatch(secret):
        # The line is preserved, and locks its name: no user of this name can be added.
        return Line(text, key_of(name))
    user = User(name, int(uid) if uid else None, _ADMINISTRATOR[role], secret, bytes.fromhex(nt_hash) or None)
    check(user)
    return Line(text, key_of(name), user)


def _check_name(name: str) -> None:
    if not (_NAME.fullmatch(name) and name.isprintable()):
        raise ValueError(
            f'invalid name: expected 1 to {MAX_NAME_LENGTH} characters without : / \\ @ ",'
            " no # first, no space at an end"
        )


def check(user: User) -> None:
    """Reject a user that the file cannot hold, that could see nothing, or that could see more than its role says.

    Raises:
        ValueError: the reason.
    """
    _check_name(user.name)
    if user.uid is not None and not 0 <= user.uid <= MAX_UID:
        raise ValueError(f"invalid uid {user.uid}: expected 0 to {MAX_UID}")
    if user.uid is None and not user.administrator:
        raise ValueError("a user who is not an administrator must have a uid")
    if user.uid == 0 and not user.administrator:
        raise ValueError("a user with uid 0 must be an administrator")


def line_of(user: User) -> Line:
    """Return the line that a user has in the file."""
    uid = "" if user.uid is None else str(user.uid)
    role = "administrator" if user.administrator else "user"
    text = ":".join((user.name, uid, role, user.password_hash, (user.nt_hash or b"").hex()))
    return Line(text, key_of(user.name), user)
