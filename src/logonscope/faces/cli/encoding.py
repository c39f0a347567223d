"""Output in two special cases: its encoding lacks characters, or the parent process closed the standard output.

``_ASCII_DRAWING`` has similar ASCII characters for some characters that an encoding can lack; all others become
question marks. Each character is replaced by exactly one, so that columns stay aligned.
"""

import errno
import io
import os

_ASCII_DRAWING = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "…": ">", "→": ">", "\ufffd": "?"})


class ClosedOutput(io.TextIOBase):
    """Standard output that the parent process closed. To write to it is an error: no output is lost silently."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.buffer = ClosedBytes()

    def write(self, text: str) -> int:
        """Raise the error of a closed file descriptor.

        Raises:
            OSError: always.
        """
        return self.buffer.write(text)


class ClosedBytes(io.RawIOBase):
    """The bytes of a standard output that the parent process closed, to which recordings and Parquet are written."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Raise the error of a closed file descriptor.

        Raises:
            OSError: always.
        """
        del data
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII in place of characters that an encoding lacks: an error handler of codecs.

    Raises:
        UnicodeError: the error came from decoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_ASCII_DRAWING)
    return "".join(character if character.isascii() else "?" for character in text), error.end


def is_plain_c_locale() -> bool:
    """Return whether the environment asks for the C locale, and sets no other encoding for Python.

    An environment without a locale does not ask for the C locale: most terminals show UTF-8 without one.
    """
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8") == "1":
        return False
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, names), "") in {"C", "POSIX"}
