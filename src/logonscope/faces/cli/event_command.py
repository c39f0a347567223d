"""The command of ``watch --exec``: its words, with the values of an event in them, and its environment.

It is run without a shell. A value never becomes more than one word, is never the program, and never the start of an
option; it has no control characters, and at most 4 KiB.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.text import for_terminal

MAX_VALUE_BYTES = 4_096
"""Maximum bytes of a value."""

PREFIX = "LOGONSCOPE_EVENT"
"""The name of the variable for the kind of event; the names of the others begin with it and an underscore."""

_VALUE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_INTERPRETERS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "su", "runuser", "script", "perl", "python", "python3",
     "ruby", "node", "php"}
)  # fmt: skip
"""Programs that take a script as the value of an option."""

_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*[cer]|--(command|eval|session-command)")
"""The options of these programs whose value is a script."""

_REMOTE_SHELL = "ssh"
"""The program that passes all its words to a shell."""

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
        _check_placeholders(self._words, names)
        program = shutil.which(self._words[0])
        if program is None:
            raise InvalidParameterError(f"cannot run {self._words[0]!r}: no such program", "give its path")
        self._program = os.path.abspath(program)

    def __repr__(self) -> str:
        return f"<EventCommand {self._words[0]}>"

    def unknown_names(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names of placeholders for which there is no value."""
        return sorted({name for word in self._words for name in _VALUE.findall(word)} - set(values))

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
            filled = _VALUE.sub(lambda match: texts.get(match[1], ""), word)
            # a user could choose a name that is an option of the command
            if filled.startswith("-") and not word.startswith("-") and not after_options:
                filled = _REPLACEMENT + filled[1:]
            after_options = after_options or word == "--"
            yield filled


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


def _check_placeholders(words: Sequence[str], names: Sequence[str] | None) -> None:
    """Check the placeholders of a command.

    Raises:
        InvalidParameterError: a placeholder is in the program, a script or an argument of ssh, or is unknown.
    """
    if _VALUE.search(words[0]):
        raise InvalidParameterError(f"cannot run {words[0]!r}: a value cannot be the program", "give a program")
    programs = set[str]()
    for previous, word in pairwise(words):
        programs.add(os.path.basename(previous))
        match = _VALUE.search(word)
        if match is None:
            continue
        if programs & _INTERPRETERS and _SCRIPT_OPTION.fullmatch(previous):
            hint = f'use "${variable_name(match[1])}" in it'
            raise InvalidParameterError(f"cannot put the value {match[0]} into a script: it could be run", hint)
        if _REMOTE_SHELL in programs:
            reason = f"cannot pass the value {match[0]} to ssh: the shell of the other machine could run it"
            raise InvalidParameterError(reason, "write a script that sends it as input")
    for word in words:
        for name in _VALUE.findall(word):
            if names is not None and name not in names:
                raise InvalidParameterError(f"unknown value '{{{name}}}'", f"the values are {', '.join(names)}")
