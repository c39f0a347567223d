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

_INTERPRETERS = frozenset({
    "ash", "awk", "bash", "busybox", "csh", "dash", "emacs", "env", "ex", "expect", "find", "fish", "flock", "gawk",
    "gdb", "ksh", "lua", "make", "mariadb", "mawk", "mysql", "nawk", "node", "nodejs", "parallel", "perl", "php",
    "psql", "python", "rscript", "ruby", "runuser", "script", "sed", "sg", "sh", "sqlite", "su", "tclsh", "tcsh", "vi",
    "vim", "watch", "zsh",
})  # fmt: skip
"""Programs that run a part of their arguments as a script or command, in lower case and without a version."""

_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})

_VERSION = re.compile(r"[-.0-9]*$")

_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*[cCeEpPrRxX]|--?(command|eval|exec|execute|expr|print|run|session-command)")
"""The options of these programs whose value is a script."""

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:=@%+,-]*")
"""The text beside the placeholders of a word that is no script."""

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
        InvalidParameterError: a placeholder is in the program, in a script or in an argument of ssh, or is unknown.
    """
    if _VALUE.search(words[0]):
        raise InvalidParameterError(f"cannot run {words[0]!r}: a value cannot be the program", "give a program")
    for position, word in enumerate(words):
        program = os.path.basename(word).lower()
        if _is_own_name(words[:position]):
            continue
        if program == _REMOTE_SHELL:
            _check_remote_words(words[position + 1 :])
        elif _VERSION.sub("", program) in _INTERPRETERS:
            _check_script_words(words[position + 1 :])
    for word in words:
        for name in _VALUE.findall(word):
            if names is not None and name not in names:
                raise InvalidParameterError(f"unknown value '{{{name}}}'", f"the values are {', '.join(names)}")


def _is_own_name(previous_words: Sequence[str]) -> bool:
    """Return whether the next word is $0 of a shell's script: sh -c SCRIPT $0."""
    *programs, option, _ = ("", "", *previous_words)
    return re.fullmatch("-[a-z]*c", option) is not None and not _SHELLS.isdisjoint(map(os.path.basename, programs))


def _check_remote_words(words: Sequence[str]) -> None:
    for word in words:
        if match := _VALUE.search(word):
            reason = f"cannot pass the value {match[0]} to ssh: the shell of the other machine could run it"
            raise InvalidParameterError(reason, "write a script that sends it as input")


def _check_script_words(words: Sequence[str]) -> None:
    """Check that no word after the name of an interpreter is a script, or the name of one, with a placeholder in it.

    A script is an option, the first word that is no option, a word after an option that takes a script, or a word with
    spaces, quotes or other characters of programming languages. Some words that are no scripts are rejected, too: which
    word an option takes depends on the program.
    """
    is_before_script = True
    for previous, word in pairwise(("", *words)):
        match = _VALUE.search(word)
        is_script = is_before_script or _SCRIPT_OPTION.fullmatch(previous) or _SCRIPT_OPTION.match(word)
        if match and (is_script or not _PLAIN_WORD.fullmatch(_VALUE.sub("", word))):
            hint = f'use "${variable_name(match[1])}" in it, or give the value as a word of its own after the script'
            raise InvalidParameterError(f"cannot put the value {match[0]} into a script: it could be run", hint)
        is_before_script = is_before_script and word.startswith("-")
