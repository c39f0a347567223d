"""Terminals that cannot show every character: lines and ellipses are drawn in ASCII, other characters become "?".

One character stands for one, so that columns stay where they are.
"""

import errno
import io
import os

_ASCII_DRAWING = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "…": ">", "→": ">", "\ufffd": "?"})


class ClosedOutput(io.TextIOBase):
    """Standard output that was closed by whoever started this: what is written to it is an error, not lost."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OSError: always.
        """
        del text
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for the characters that a terminal cannot show: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_ASCII_DRAWING)
    return "".join(character if character.isascii() else "?" for character in text), error.end


def is_plain_c_locale() -> bool:
    """Return whether somebody asked for the C locale; where nothing is set, most terminals show UTF-8 all the same."""
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8") == "1":
        return False
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, names), "") in {"C", "POSIX"}
