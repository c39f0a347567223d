"""Numbers and positions in the text of a query, for the parser and for modules that do not import the parser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

from logonscope.errors import LogonscopeError

MAX_NAME_LENGTH = 255
"""Maximum characters of the name of a class or a property, and of a number."""

_NUMBER = r"[+-]?(0x[0-9a-f]+|([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)"


def parse_number(text: str) -> int | float:
    """Return the number that a text means: 5, -5, 0x1F, 0.5, 1e3.

    Raises:
        ValueError: the text is not a number, is too long, or is a decimal number too large for a double.
    """
    # The length is limited because int() takes quadratic time on decimal digits.
    if len(text) > MAX_NAME_LENGTH or not re.fullmatch(_NUMBER, text, re.IGNORECASE):
        raise ValueError(text)
    if "x" in text.lower():
        return int(text, 16)
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    # A whole number stays exact: a double has only 53 bits, and a uint64 64.
    return int(text) if text.lstrip("+-").isdecimal() else value


def describe_position(text: str, position: int) -> str:
    """Return "line L, column C" of an offset in a text, both counted from 1."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}"


@contextmanager
def positioned_errors(text: str, position: int) -> Iterator[None]:
    """Add line and column to the message of an error that is raised within."""
    try:
        yield
    except LogonscopeError as error:
        raise type(error)(f"{error.message}, at {describe_position(text, position)}", error.advice) from None
