r"""Which object is meant? Object paths as WMI has them: ``\\server\namespace:Class.Key="value",Other="value"``.

Every part before the class may be left out. ``Class="value"`` is the path of a class with one key, ``Class=@`` of a
singleton, ``Class`` alone of the class itself. Slashes lean either way; strings stand in double or single quotes, with
backslashes before backslashes and quotes; a number may stand without quotes even where the key is a string, and in hex.
No white space stands between the parts.
"""

import re
from typing import NamedTuple

from logonscope.errors import InvalidObjectPathError

LONGEST = 16_384
"""Characters of an object path."""

MOST_KEYS = 64

Key = str | int | bool

_CLASS = re.compile(
    r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*"
)  # letters, digits, _; by exclusion, as that compiles fast
_SERVER = re.compile(r"[\\/]{2}([^\\/:\"'=\s]+)[\\/]([^:\"'=\s]+):")
_NAMESPACE = re.compile(r"([A-Za-z_][A-Za-z0-9_\\/]*):")
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})(?![0-9A-Za-z_])")
_BOOLEAN = re.compile(r"(true|false)(?![0-9A-Za-z_])", re.IGNORECASE)
_ESCAPED = re.compile(r"%([01][0-9a-fA-F]|2[05]|7[fF])")
_FORM = 'write it as Win32_Process.Handle="4312", without blanks; in a shell, between single quotes'


class ObjectPath(NamedTuple):
    """An object path, taken apart; str() puts it together."""

    class_name: str
    keys: tuple[tuple[str | None, Key], ...] | None = (
        None  # None: the class itself; (): a singleton; name None: the only key
    )
    namespace: str | None = None
    server: str | None = None

    def __str__(self) -> str:
        head = f"{self.namespace}:" if self.namespace else ""
        if self.server:
            head = f"\\\\{self.server}\\{head}"
        return head + self.relative

    @property
    def relative(self) -> str:
        """Return the path from the class on (__RELPATH)."""
        if self.keys is None:
            return self.class_name
        if not self.keys:
            return f"{self.class_name}=@"
        pairs = [f"{name or ''}={constant(value)}" for name, value in self.keys]
        dot = "" if self.keys[0][0] is None else "."
        return f"{self.class_name}{dot}{','.join(pairs)}"


def constant(value: object) -> str:
    """Return a key's value as a path has it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    text = _ESCAPED.sub(r"%25\1", str(value))  # a percent sign that would read as an escape
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_path(text: str) -> ObjectPath:
    """Take an object path apart.

    Raises:
        InvalidObjectPathError: it is none; says where.
    """
    if len(text) > LONGEST:
        raise InvalidObjectPathError(f"an object path of {len(text):,} characters", f"give at most {LONGEST:,}")
    return _Scanner(text).path()


class _Scanner:
    """Reads one object path from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def path(self) -> ObjectPath:
        server = namespace = None
        if match := self._match(_SERVER):
            server, namespace = match.groups()
        elif match := self._match(_NAMESPACE):
            namespace = match[1]
        name = self._match(_CLASS)
        if name is None:
            raise self._error("a class name")
        keys = self._keys()
        if self._at < len(self._text):
            raise self._error("the end")
        return ObjectPath(name[0], keys, namespace, server)

    def _keys(self) -> tuple[tuple[str | None, Key], ...] | None:
        if self._at == len(self._text):
            return None
        if self._take("=@"):
            return ()
        if self._take("="):
            return ((None, self._value()),)
        if not self._take("."):
            raise self._error('"." or "="')
        keys = [self._pair()]
        while self._take(","):
            if len(keys) == MOST_KEYS:
                raise InvalidObjectPathError(f"an object path of more than {MOST_KEYS} keys", _FORM)
            keys.append(self._pair())
        return tuple(keys)

    def _pair(self) -> tuple[str | None, Key]:
        name = self._match(_CLASS)
        if name is None:
            raise self._error("the name of a key")
        if not self._take("="):
            raise self._error('"="')
        return name[0], self._value()

    def _value(self) -> Key:
        for quote in "\"'":
            if self._take(quote):
                return self._string(quote)
        if number := self._match(_NUMBER):
            digits = number[0]
            return int(digits, 16) if "x" in digits.lower() else int(digits)
        if boolean := self._match(_BOOLEAN):
            return boolean[1].lower() == "true"
        raise self._error("a quoted string or a number")

    def _string(self, quote: str) -> str:
        text, at = self._text, self._at
        parts: list[str] = []
        while at < len(text):
            if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", '"', "'"}:
                at += 1
            elif text[at] == quote:
                self._at = at + 1
                return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), "".join(parts))
            parts.append(text[at])
            at += 1
        raise self._error(f"a closing {quote}", at)

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def _take(self, word: str) -> bool:
        if not self._text.startswith(word, self._at):
            return False
        self._at += len(word)
        return True

    def _error(self, expected: str, at: int | None = None) -> InvalidObjectPathError:
        at = self._at if at is None else at
        found = f"'{self._text[at]}'" if at < len(self._text) else "the end"
        shown = self._text if len(self._text) <= 80 else f"{self._text[:77]}..."
        return InvalidObjectPathError(
            f"'{shown}' is no object path: {expected} is missing at column {at + 1}, where {found} stands", _FORM
        )
