"""How is text from a process made fit for an answer? Any process may name itself anything, and pass any bytes."""

import re

LONGEST_COMMAND_LINE = 32_767
"""Characters: the documented limit of a command line on Windows."""

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2, Char) forbids: control characters and lone surrogates, which stand for invalid UTF-8."""


def clean(text: str | None) -> str | None:
    """Return the text with U+FFFD for every character that no answer can carry."""
    return text if text is None or text.isprintable() else _UNFIT.sub("\ufffd", text)


def command_line(cmdline: bytes | None) -> str | None:
    """Return the arguments joined by single spaces; None for a kernel thread and for a zombie, which have none."""
    if not cmdline:
        return None
    joined = cmdline[: 4 * LONGEST_COMMAND_LINE].rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    return clean(joined[:LONGEST_COMMAND_LINE])
