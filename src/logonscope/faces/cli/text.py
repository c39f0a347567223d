"""Text for a terminal: the size of the terminal, colours, local times, and the replacement of control characters.

The first of these that is set decides about colours: --color, NO_COLOR, FORCE_COLOR, ``color`` in the settings file.
With "auto", or if none is set, colours are on if the output is a terminal and TERM is not "dumb". See
https://no-color.org and https://force-color.org.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

_COLUMNS, _LINES = 80, 24
"""The size of a terminal that does not report its size."""

_UNSAFE = (  # compiled when it is first used: most text is safe
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters, lone surrogates, and marks that hide or reorder what is printed."""

MIN_WRAP_COLUMNS = 12
"""The smallest width that text is wrapped to, even on a narrower terminal."""

ColorChoice = Literal["auto", "always", "never"]

COLOR_CHOICES: tuple[ColorChoice, ...] = ("auto", "always", "never")
"""The values of --color."""

MINUTE_FORMAT = "%Y-%m-%d %H:%M"

STYLES = {
    "alarm": "1;33",
    "bold": "1",
    "dim": "2",
    "reverse": "7",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


def for_terminal(text: str) -> str:
    """Return the text with U+FFFD in place of characters that could control a terminal."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, "\ufffd", text)


def terminal_width() -> int | None:
    """Return the columns of the terminal; None: the output is not a terminal, and must not be cut."""
    return terminal_columns() if sys.stdout.isatty() else None


def terminal_columns() -> int:
    """Return the columns of the terminal, as shutil.get_terminal_size does; to import shutil would take too long."""
    return _terminal_size("COLUMNS", 0) or _COLUMNS


def terminal_lines() -> int:
    """Return how many lines the terminal shows at once."""
    return _terminal_size("LINES", 1) or _LINES


def _terminal_size(variable: str, index: int) -> int:
    """Return columns (index 0) or lines (index 1) of the environment, else of the terminal; 0: neither has them."""
    text = os.environ.get(variable, "")
    # isdecimal() alone accepts digits of other scripts; the length limits the number
    if text.isascii() and text.isdecimal() and 0 < len(text) < 6 and int(text):
        return int(text)
    try:
        return os.get_terminal_size(1)[index]
    except OSError:  # no terminal
        return 0


def cell_width(text: str) -> int:
    """Return the number of cells that a text occupies on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def crop(text: str, columns: int | None) -> str:
    """Return the text, cut to a number of cells if it is longer; not cut if the number is None."""
    if columns is None or cell_width(text) <= columns:
        return text
    # one cell is for the ellipsis
    characters, free_cells = [], columns - 1
    for character in text:
        free_cells -= _character_width(character)
        if free_cells < 0:
            break
        characters.append(character)
    return "".join(characters) + "…"


def wrapped(text: str, room: int | None) -> list[str]:
    """Return the text as lines that fit the room, broken between words where possible; as one line if room is None."""
    safe_text = for_terminal(text)
    if room is None or cell_width(safe_text) <= room:
        return [safe_text]
    import textwrap  # noqa: PLC0415 -- only a terminal needs it

    # textwrap counts characters, not cells: a null character is added after each character of two cells, and removed
    # from the lines
    padded = safe_text
    if not safe_text.isascii():
        padded = "".join(character + "\0" * (_character_width(character) - 1) for character in safe_text)
    lines = textwrap.wrap(padded, max(room, MIN_WRAP_COLUMNS), break_on_hyphens=False)
    return [line.replace("\0", "") for line in lines]


def styled(text: str, style: str, *, color: bool) -> str:
    """Return the text in a style of STYLES; without colours unchanged."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if color else text


def resolve_color(
    option: ColorChoice | None, environment: Mapping[str, str], setting: ColorChoice | None
) -> ColorChoice:
    """Return the colour choice with the highest precedence."""
    if option is not None:
        return option
    # an empty NO_COLOR or FORCE_COLOR, and FORCE_COLOR=0, count as not set
    if environment.get("NO_COLOR"):
        return "never"
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return "always"
    return setting or "auto"


def wants_color(args: argparse.Namespace) -> bool:
    """Return whether to print colours on standard output."""
    choice = getattr(args, "color", None) or "auto"
    if choice == "auto":
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return bool(choice == "always")


def to_local_time(moment: datetime) -> datetime:
    """Return a time in the local zone; a time without a zone is taken as local.

    The result is in UTC where Python cannot represent the local zone, as with TZ=UTC-24.
    """
    try:
        return moment.astimezone()
    except (ValueError, OverflowError, OSError):
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_time(moment: datetime | None, form: str = MINUTE_FORMAT) -> str:
    """Return a time as text in the local zone; "" for None."""
    return "" if moment is None else to_local_time(moment).strftime(form)


def _character_width(character: str) -> int:
    import unicodedata  # noqa: PLC0415 -- most text is ASCII

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
