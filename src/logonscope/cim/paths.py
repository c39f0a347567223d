r"""Object paths of WMI, as text and parsed: ``\\server\namespace:Class.Key="value",Other="value"``.

Before the class, the server may be left out, or both server and namespace. ``Class="value"`` is the path of an instance
of a class with one key, ``Class=@`` of a singleton, ``Class`` alone of the class itself. Slashes and backslashes are
equal. Strings are in double or single quotes, with a backslash before backslashes and quotes; ``%20`` in a string is a
space, and ``%25`` a percent sign; control characters have such escapes, too. A number needs no quotes, even if the key
is a string, and may be in hex. A boolean is TRUE or FALSE. White space is not allowed between the parts.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from logonscope.errors import InvalidObjectPathError

MAX_PATH_LENGTH = 16_384
"""Maximum characters of an object path."""

MAX_KEYS = 64
MAX_KEPT, MAX_KEPT_LENGTH = 256, 256
"""Maximum number of parsed paths that are cached, and maximum characters of a path that is cached.

Without the cache, parsing would take a tenth of the time of a short answer.
"""

Key = str | int | bool
"""The value of a key, as a path has it: a reference is the text of its path."""

# Letters, digits and _, but no digit at first. Every character beyond ASCII counts as a letter, so that the expression
# can list the excluded ASCII characters: this compiles fast.
_NAME = r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*"
_SERVER = r"[\\/]{2}([^\\/:\"'=\s]+)[\\/]([^:\"'=\s]+):"
_NAMESPACE = r"([A-Za-z_][A-Za-z0-9_\\/]*):"
_NUMBER = r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})(?![0-9A-Za-z_])"
_BOOLEAN = r"(?i:(true|false))(?![0-9A-Za-z_])"
# Percent escapes exist only for control characters, the space, the percent sign and DEL.
_ESCAPED = r"%([01][0-9a-fA-F]|2[05]|7[fF])"
_FORM = 'write it as Win32_Process.Handle="4312", without spaces; in a shell, put it in single quotes'


class ObjectPath(NamedTuple):
    """A parsed object path; str() returns its text.

    Attributes:
        class_name: the class.
        keys: pairs of name and value. None: the path names the class itself; (): a singleton; ((None, value),): the
            path has its only key without a name.
        namespace: None if the path has none.
        server: None if the path has none.
    """

    class_name: str
    keys: tuple[tuple[str | None, Key], ...] | None = None
    namespace: str | None = None
    server: str | None = None

    def __str__(self) -> str:
        prefix = f"{self.namespace}:" if self.namespace else ""
        if self.server:
            prefix = f"\\\\{self.server}\\{prefix}"
        return prefix + self.relative

    @property
    def relative(self) -> str:
        """Return the path without server and namespace (__RELPATH)."""
        if self.keys is None:
            return self.class_name
        if not self.keys:
            return f"{self.class_name}=@"
        pairs = [f"{name or ''}={write_key(value)}" for name, value in self.keys]
        dot = "" if self.keys[0][0] is None else "."
        return f"{self.class_name}{dot}{','.join(pairs)}"


def write_key(value: object) -> str:
    """Return a key's value as the text that it has in a path."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if "%" in text:
        text = re.sub(_ESCAPED, r"%25\1", text)  # escapes a percent sign that would be read as the start of an escape
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_path(text: str) -> ObjectPath:
    """Parse an object path.

    Raises:
        InvalidObjectPathError: the text is not an object path (the message says where), or it exceeds a limit.
    """
    if len(text) > MAX_PATH_LENGTH:
        raise InvalidObjectPathError(
            f"object path too long: {len(text):,} characters, the limit is {MAX_PATH_LENGTH:,}", "shorten it"
        )
    return _parse_kept(text) if len(text) <= MAX_KEPT_LENGTH else _Scanner(text).read_path()


@lru_cache(MAX_KEPT)
def _parse_kept(text: str) -> ObjectPath:
    return _Scanner(text).read_path()


class _Scanner:
    """Reads one object path from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def read_path(self) -> ObjectPath:
        server = namespace = None
        # most paths have neither server nor namespace: the tests before "and" save compiling the expressions
        if self._text[:1] in {"\\", "/"} and (match := self._match(_SERVER)):
            server, namespace = match.groups()
        elif ":" in self._text and (match := self._match(_NAMESPACE)):
            namespace = match[1]
        name = self._match(_NAME)
        if name is None:
            raise self._error("a class name")
        keys = self._read_keys()
        if self._position < len(self._text):
            raise self._error("the end of the path")
        return ObjectPath(name[0], keys, namespace, server)

    def _read_keys(self) -> tuple[tuple[str | None, Key], ...] | None:
        if self._position == len(self._text):
            return None
        if self._take("=@"):
            return ()
        if self._take("="):
            return ((None, self._read_value()),)
        if not self._take("."):
            raise self._error('"." or "="')
        keys = [self._read_key()]
        while self._take(","):
            if len(keys) == MAX_KEYS:
                raise InvalidObjectPathError(f"too many keys in the object path: the limit is {MAX_KEYS}", _FORM)
            keys.append(self._read_key())
        return tuple(keys)

    def _read_key(self) -> tuple[str | None, Key]:
        name = self._match(_NAME)
        if name is None:
            raise self._error("the name of a key")
        if not self._take("="):
            raise self._error('"="')
        return name[0], self._read_value()

    def _read_value(self) -> Key:
        for quote in "\"'":
            if self._take(quote):
                return self._read_string(quote)
        if number := self._match(_NUMBER):
            digits = number[0]
            return int(digits, 16) if "x" in digits.lower() else int(digits)
        if boolean := self._match(_BOOLEAN):
            return boolean[1].lower() == "true"
        raise self._error("a quoted string or a number")

    def _read_string(self, quote: str) -> str:
        """Read a string whose opening quote is read already."""
        text, position = self._text, self._position
        characters: list[str] = []
        while position < len(text):
            # A backslash escapes only backslashes and quotes; before any other character it is itself.
            if text[position] == "\\" and text[position + 1 : position + 2] in {"\\", '"', "'"}:
                position += 1
            elif text[position] == quote:
                self._position = position + 1
                value = "".join(characters)
                return re.sub(_ESCAPED, _unescape, value) if "%" in value else value
            characters.append(text[position])
            position += 1
        raise self._error(f"a closing {quote}", position)

    def _match(self, expression: str) -> re.Match[str] | None:
        # re.match() cannot match from a position on; re.compile() costs little, because re caches the compiled patterns
        match = re.compile(expression).match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def _take(self, word: str) -> bool:
        """Skip a word if the rest of the path begins with it; return whether the word was skipped."""
        if not self._text.startswith(word, self._position):
            return False
        self._position += len(word)
        return True

    def _error(self, expected: str, position: int | None = None) -> InvalidObjectPathError:
        position = self._position if position is None else position
        actual = f"'{self._text[position]}'" if position < len(self._text) else "the end"
        abridged = self._text if len(self._text) <= 80 else f"{self._text[:77]}..."
        return InvalidObjectPathError(
            f"invalid object path '{abridged}': expected {expected} at column {position + 1}, found {actual}", _FORM
        )


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
