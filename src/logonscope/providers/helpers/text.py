"""Cleaning of text for output: a process can set its name and arguments to any bytes."""

import re
from typing import Any

from logonscope.answers.logon_session import LogonSession

MAX_COMMAND_LINE_LENGTH = 32_767
"""The documented limit of a command line on Windows, in characters."""

_UNFIT = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"  # compiled at first use: most text needs no cleaning
"""Characters that XML 1.0 (2.2, Char) forbids: control characters, lone surrogates (invalid UTF-8), U+FFFE, U+FFFF."""


def clean(text: str | None) -> str | None:
    """Return the text with U+FFFD in place of every character that XML cannot carry."""
    return text if text is None or text.isprintable() else re.sub(_UNFIT, "\ufffd", text)


def clean_session(session: LogonSession) -> LogonSession:
    """Return a logon session with its text cleaned: a login program can pass on any text as the remote host."""
    cleaned: dict[str, Any] = {
        name: clean(value)
        for name, value in zip(session._fields, session, strict=True)
        if isinstance(value, str) and not value.isprintable()
    }
    # copied only if a text changes, because nearly every session has clean texts
    return session._replace(**cleaned) if cleaned else session


def command_line(cmdline: bytes | None) -> str | None:
    """Return the arguments joined by single spaces, cut at MAX_COMMAND_LINE_LENGTH.

    None: the arguments were not read, or there are none, as for kernel threads and zombies.
    """
    if not cmdline:
        return None
    # cut before decoding, to at least as many characters as are returned: a character has at most 4 bytes in UTF-8
    joined = cmdline[: 4 * MAX_COMMAND_LINE_LENGTH].rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    return clean(joined[:MAX_COMMAND_LINE_LENGTH])
