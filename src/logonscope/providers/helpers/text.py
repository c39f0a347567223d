"""How is text from a process made fit for an answer? Any process may name itself anything, and pass any bytes."""

import re
from typing import Any

from logonscope.answers.logon_session import LogonSession

LONGEST_COMMAND_LINE = 32_767
"""Characters: the documented limit of a command line on Windows."""

_UNFIT = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"  # compiled when first used: most text is fit
"""What XML 1.0 (2.2, Char) forbids: control characters and lone surrogates, which stand for invalid UTF-8."""


def clean(text: str | None) -> str | None:
    """Return the text with U+FFFD for every character that no answer can carry."""
    return text if text is None or text.isprintable() else re.sub(_UNFIT, "\ufffd", text)


def fit(session: LogonSession) -> LogonSession:
    """Return a logon session with its text cleaned: a remote host can be any name that a login program passed on."""
    texts = {name: clean(value) for name, value in session._asdict().items() if isinstance(value, str)}
    cleaned: dict[str, Any] = texts
    return session._replace(**cleaned)


def command_line(cmdline: bytes | None) -> str | None:
    """Return the arguments joined by single spaces; None for a kernel thread and for a zombie, which have none."""
    if not cmdline:
        return None
    joined = cmdline[: 4 * LONGEST_COMMAND_LINE].rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    return clean(joined[:LONGEST_COMMAND_LINE])
