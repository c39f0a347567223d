"""The command of ``watch --exec``: its words, with the values of an event in them, and its environment.

The command is run without a shell. Users of the host, and clients that try to log in, choose the text of values. So a
value in a word has only characters that shells, scripts and query languages do not take for code, and never begins an
option. Values in the environment keep all characters but control characters.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.text import for_terminal

MAX_VALUE_BYTES = 4_096
"""Maximum bytes of a value."""

PREFIX = "LOGONSCOPE_EVENT"
"""The variable for the kind of event. The variable for another value, such as user, is LOGONSCOPE_EVENT_USER."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_CODE = re.compile(r"[^\w.:@+,/ -]")
"""Characters that a shell, a script or a query could take for code: all but letters, digits and those listed."""

_PATH_END = re.compile(r"/([^\s'\"/]*)$")
"""A path at the end of a text, with the beginning of the name of its last file."""

_FIRST_CHARACTERS = ("-", "+", "@")
"""Characters that no value begins with: programs could take the value for an option, and curl for a file."""

_SPACE, _NO_BREAK_SPACE = " ", "\u00a0"
"""No shell splits a text into words at a no-break space."""

_REPLACEMENT = "\ufffd"


class Invocation(NamedTuple):
    """What is run for one event."""

    program: str
    words: tuple[bytes, ...]
    environment: Mapping[bytes, bytes]


class EventCommand:
    """A command with placeholders for values, such as ``{user}``."""

    def __init__(self, text: str, names: Sequence[str] | None) -> None:
        """Split a command into words, once.

        Args:
            text: the command, with quotes as in a shell.
            names: the names of values; None: they are not known yet.

        Raises:
            InvalidParameterError: the command is empty or has an open quote, there is no such program, or a placeholder
                is unknown or in the name of the program.
        """
        try:
            self._words = tuple(shlex.split(text))
        except ValueError as error:
            raise InvalidParameterError(f"invalid command {text!r}: {error}", "close the quotes") from None
        if not self._words or not self._words[0]:
            raise InvalidParameterError(f"invalid command {text!r}: expected a program", "give a command")
        _check_placeholders(self._words, names)
        program = shutil.which(self._words[0])
        if program is None:
            raise InvalidParameterError(f"cannot run {self._words[0]!r}: no such program", "give its path")
        self._program = os.path.abspath(program)

    def __repr__(self) -> str:
        return f"<EventCommand {self._words[0]}>"

    def unknown_names(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names of placeholders for which there is no value."""
        return sorted({name for word in self._words for name in _PLACEHOLDER.findall(word)} - set(values))

    def invocation(self, values: Mapping[str, Any]) -> Invocation:
        """Return what to run for the event with these values."""
        # bytes, because the encoding of the locale may lack characters of a value
        texts = {name: value_text(value) for name, value in values.items()}
        variables = {variable_name(name).encode(): text.encode() for name, text in texts.items()}
        words = (_filled_word(word, texts).encode("utf-8", "surrogateescape") for word in self._words)
        return Invocation(self._program, tuple(words), {**os.environb, **variables})


def value_text(value: Any) -> str:
    """Return a value as text: without control characters, and cut to its maximum length."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else for_terminal(str(value))
    # a character is not cut in two
    return text.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")


def variable_name(name: str) -> str:
    """Return the environment variable of a value."""
    return PREFIX if name.lower() == "event" else f"{PREFIX}_{name.upper()}"


def _filled_word(word: str, texts: Mapping[str, str]) -> str:
    """Replace the placeholders of a word by harmless forms of their values."""
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(word):
        value = _harmless_text(texts.get(match[1], ""), _file_name_before(word[: match.start()]))
        parts += word[end : match.start()], value
        end = match.end()
    filled = "".join((*parts, word[end:]))
    # in a word such as "{user}-x", an empty value would leave an option
    return filled if word.startswith(_FIRST_CHARACTERS) else _without_first_character(filled)


def _file_name_before(text: str) -> str | None:
    """Return the beginning of a file's name with which a text ends, or None if it does not end with a path."""
    path = _PATH_END.search(text)
    return None if path is None else path[1]


def _harmless_text(value: str, file_name: str | None) -> str:
    """Replace the characters of a value with which it could be code, an option, or a path to another directory.

    Args:
        value: the value.
        file_name: the beginning of a file's name, which the value continues; None: the value is not part of a path.
    """
    if file_name is not None:
        # the name of one file in that directory, and not the directory itself or the one above
        value = _REPLACEMENT if file_name + value in {"", ".", ".."} else value.replace("/", _REPLACEMENT)
    return _CODE.sub(_REPLACEMENT, _without_first_character(value)).replace(_SPACE, _NO_BREAK_SPACE)


def _without_first_character(text: str) -> str:
    return _REPLACEMENT + text[1:] if text.startswith(_FIRST_CHARACTERS) else text


def _check_placeholders(words: Sequence[str], names: Sequence[str] | None) -> None:
    """Check the placeholders of a command.

    Raises:
        InvalidParameterError: a placeholder is in the name of the program, or is unknown.
    """
    if _PLACEHOLDER.search(words[0]):
        raise InvalidParameterError(f"cannot run {words[0]!r}: a value cannot be the program", "give a program")
    for word in words:
        for name in _PLACEHOLDER.findall(word):
            if names is not None and name not in names:
                raise InvalidParameterError(f"unknown value '{{{name}}}'", f"the values are {', '.join(names)}")
