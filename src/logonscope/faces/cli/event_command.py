"""The command of ``watch --exec``: its words, with the values of an event in them, and its environment.

It is run without a shell. A value never becomes more than one word, is never the program, and never the start of an
option; it has no control characters, and at most 4 KiB.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.placeholder_check import PLACEHOLDER, check_placeholders, variable_name
from logonscope.faces.cli.text import for_terminal

MAX_VALUE_BYTES = 4_096
"""Maximum bytes of a value."""

_OPTION_STARTS = "-+"
"""First characters of a word that make it an option."""

_FILE_STARTS = "@<|!"
"""First characters of a value that make it a file or a command for many programs, at the places of ``_VALUE_BEGINS``.

Examples: curl -F NAME=@FILE, mail '|COMMAND'.
"""

_VALUE_BEGINS = re.compile(r"(-[A-Za-z]|.*[=:])?", re.DOTALL)
"""The text of a word after which its value begins."""

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
                is unknown or in an unsafe place.
        """
        try:
            self._words = tuple(shlex.split(text))
        except ValueError as error:
            raise InvalidParameterError(f"invalid command {text!r}: {error}", "close the quotes") from None
        if not self._words or not self._words[0]:
            raise InvalidParameterError(f"invalid command {text!r}: expected a program", "give a command")
        check_placeholders(self._words, names)
        program = shutil.which(self._words[0])
        if program is None:
            raise InvalidParameterError(f"cannot run {self._words[0]!r}: no such program", "give its path")
        self._program = os.path.abspath(program)

    def __repr__(self) -> str:
        return f"<EventCommand {self._words[0]}>"

    def unknown_names(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names of placeholders for which there is no value."""
        return sorted({name for word in self._words for name in PLACEHOLDER.findall(word)} - set(values))

    def invocation(self, values: Mapping[str, Any]) -> Invocation:
        """Return what to run for the event with these values."""
        # bytes, because the encoding of the locale may lack characters of a value
        texts = {name: value_text(value) for name, value in values.items()}
        variables = {variable_name(name).encode(): text.encode() for name, text in texts.items()}
        words = (word.encode("utf-8", "surrogateescape") for word in self._filled_words(texts))
        return Invocation(self._program, tuple(words), {**os.environb, **variables})

    def _filled_words(self, texts: Mapping[str, str]) -> Iterator[str]:
        after_options = False
        for word in self._words:
            yield _filled_word(word, texts, after_options=after_options)
            # in "sudo -- PROGRAM {user}", the options of PROGRAM follow
            after_options = word == "--" or (after_options and PLACEHOLDER.match(word) is not None)


def _filled_word(word: str, texts: Mapping[str, str], *, after_options: bool) -> str:
    """Replace the placeholders of a word."""
    filled = ""
    position = 0
    for match in PLACEHOLDER.finditer(word):
        filled += word[position : match.start()]
        position = match.end()
        filled += _harmless(texts.get(match[1], ""), filled, after_options=after_options)
    return filled + word[position:]


def _harmless(value: str, text_before: str, *, after_options: bool) -> str:
    """Replace what would make a value an option, a file, a command or another directory at this place."""
    if text_before.endswith("/"):
        # the name of one file: neither another directory, nor the whole directory
        return _REPLACEMENT if value in ("", ".", "..") else value.replace("/", _REPLACEMENT)
    is_option = value[:1] in tuple(_OPTION_STARTS) and not text_before and not after_options
    is_file = value[:1] in tuple(_FILE_STARTS) and _VALUE_BEGINS.fullmatch(text_before)
    return _REPLACEMENT + value[1:] if is_option or is_file else value


def value_text(value: Any) -> str:
    """Return a value as text: without control characters, and cut to its maximum length."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else for_terminal(str(value))
    # a character is not cut in two
    return text.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")
