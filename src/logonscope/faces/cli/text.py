"""How is text made fit for a terminal? No control character of any process ever reaches it."""

import os
import re
import sys

_COLUMNS, _LINES = 80, 24
"""The size of a terminal that does not say."""

_UNSAFE = (  # compiled when it is first needed: most text is safe
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters, lone surrogates, and marks that hide or reorder what is printed."""

LEAST_ROOM = 12
"""Columns that a wrapped text has at least."""

STYLES = {"bold": "1", "dim": "2", "reverse": "7", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def for_terminal(text: str) -> str:
    """Return the text with U+FFFD in place of what a terminal would act on."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, "\ufffd", text)


def width() -> int | None:
    """Return the columns of the terminal; None where the output is no terminal and is not to be cut."""
    return columns() if sys.stdout.isatty() else None


def columns() -> int:
    """Return what shutil.get_terminal_size says; importing shutil takes as long as answering a question."""
    return _terminal_size("COLUMNS", 0) or _COLUMNS


def lines() -> int:
    """Return how many lines the terminal shows at once."""
    return _terminal_size("LINES", 1) or _LINES


def _terminal_size(variable: str, index: int) -> int:
    """Return one of columns and lines, as the environment else the terminal says; 0 where neither does."""
    text = os.environ.get(variable, "")
    if text.isascii() and text.isdecimal() and 0 < len(text) < 6 and int(text):
        return int(text)
    try:
        return os.get_terminal_size(1)[index]
    except OSError:  # no terminal
        return 0


def cells(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def crop(text: str, columns: int | None) -> str:
    """Return the text, cut to so many columns where it is longer."""
    if columns is None or cells(text) <= columns:
        return text
    kept, left = [], columns - 1
    for character in text:
        left -= _cell(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrapped(text: str, room: int | None) -> list[str]:
    """Return the text as lines that fit, broken between words; as one line where there is no terminal."""
    safe = for_terminal(text)
    if room is None or len(safe) <= room:
        return [safe]
    import textwrap  # noqa: PLC0415 -- only a terminal needs it

    return textwrap.wrap(safe, max(room, LEAST_ROOM), break_on_hyphens=False)


def styled(text: str, style: str, *, color: bool) -> str:
    """Return the text in a style, where colours are wanted."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if color else text


def _cell(character: str) -> int:
    import unicodedata  # noqa: PLC0415 -- most text is ASCII

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
