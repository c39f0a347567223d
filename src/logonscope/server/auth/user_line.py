r"""What stands on a line of the user file? A user, its fields apart by colons as in passwd(5).

As this (the hashes are shortened)::

    # name:uid:role:password:NT hash
    alice:1000:user:$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:
    scanner::administrator:$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA:8846f7eaee8fb117ad06bdd830b7586c

``uid`` is whose logon sessions a user sees; an administrator sees all of them and needs none. ``role`` is "user" or
"administrator". The NT hash is there only where the user may come by NTLM: whoever has it needs no password. A name is
the same in any case. Comments and empty lines are kept as they are, and so is a line of this form with another role,
another kind of hash ("!": no password fits) or more fields: whom it describes may not come in.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError

LONGEST_NAME = 64
MOST_UID = 0xFFFF_FFFE
"""The number above is "no uid" to the kernel."""

_NAME = re.compile(rf"(?![ #])[^:/\\@\"]{{1,{LONGEST_NAME}}}(?<! )")
_ROLE = re.compile(r"[a-z][a-z-]{0,31}")
_UID = re.compile(r"(?:0|[1-9][0-9]{0,9})?")
_HASH = re.compile(r"\$argon2id\$v=19\$m=\d{1,7},t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII)
_NT_HASH = re.compile(r"(?:[0-9A-Fa-f]{32})?")
_ADMINISTRATOR = {"user": False, "administrator": True}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may come in."""

    name: str
    uid: int | None
    administrator: bool
    password_hash: str = field(repr=False)
    nt_hash: bytes | None = field(default=None, repr=False)

    @property
    def caller(self) -> Caller:
        """Return who that is to the broker."""
        return Caller(self.name, self.uid, self.administrator, remote=True)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is written; without a key it names nobody, without a user nobody who may come in."""

    text: str = field(repr=False)
    key: str | None = None
    user: User | None = None


def key_of(name: str) -> str:
    """Return what all spellings of one name have in common."""
    return unicodedata.normalize("NFC", name).casefold()


def parse(data: bytes, where: str) -> tuple[Line, ...]:
    """Read the lines of a user file.

    Raises:
        InvalidParameterError: a line is none; the message says which, and nothing of what stands there.
    """
    lines: list[Line] = []
    numbers: dict[str, int] = {}
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n") if data else (), 1):
        try:
            lines.append(line := _line(raw))
            _once(line.key, number, numbers)
        except ValueError as error:
            raise InvalidParameterError(f"{where}, line {number}: {error}", "correct the line or remove it") from None
    return tuple(lines)


def _once(key: str | None, number: int, numbers: dict[str, int]) -> None:
    if key is not None and numbers.setdefault(key, number) != number:
        raise ValueError(f"its name is that of line {numbers[key]}: upper and lower case are the same here")


def _line(raw: bytes) -> Line:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text.strip() or text.startswith("#"):
        return Line(text)
    name, uid, role, secret, nt_hash, *more = [*text.split(":"), *[""] * max(0, 4 - text.count(":"))]
    if not (text.isprintable() and _ROLE.fullmatch(role) and secret):
        raise ValueError("it has not the form name:uid:role:password:NT hash")
    if not (_UID.fullmatch(uid) and _NT_HASH.fullmatch(nt_hash)):
        raise ValueError("its uid is no number, or its NT hash not 32 hexadecimal digits")
    _check_name(name)
    if role not in _ADMINISTRATOR or more or not _HASH.fullmatch(secret):
        return Line(text, key_of(name))
    user = User(name, int(uid) if uid else None, _ADMINISTRATOR[role], secret, bytes.fromhex(nt_hash) or None)
    check(user)
    return Line(text, key_of(name), user)


def _check_name(name: str) -> None:
    if not (_NAME.fullmatch(name) and name.isprintable()):
        raise ValueError(
            f'a name has 1 to {LONGEST_NAME} characters, none of : / \\ @ ", and no # before or space around it'
        )


def check(user: User) -> None:
    """Refuse a user whom the file cannot hold, who could see nothing, or more than it seems.

    Raises:
        ValueError: why.
    """
    _check_name(user.name)
    if user.uid is not None and not 0 <= user.uid <= MOST_UID:
        raise ValueError("there is no such uid")
    if user.uid is None and not user.administrator:
        raise ValueError("a user without a uid who is no administrator would see nothing")
    if user.uid == 0 and not user.administrator:
        raise ValueError("uid 0 is root's, who is an administrator")


def line_of(user: User) -> Line:
    """Return the line of a user."""
    uid = "" if user.uid is None else str(user.uid)
    role = "administrator" if user.administrator else "user"
    text = ":".join((user.name, uid, role, user.password_hash, (user.nt_hash or b"").hex()))
    return Line(text, key_of(user.name), user)
