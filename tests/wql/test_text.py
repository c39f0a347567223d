"""Tests of wql/text.py: numbers, and positions in a text."""

import pytest

from logonscope.errors import InvalidQueryError
from logonscope.wql.text import describe_position, parse_number, positioned_errors


@pytest.mark.parametrize(
    "text", ["", "x", "1_000", "\u0661", "0x", "1e", "nan", "inf", "--1", "1 ", "1e999", "9" * 400]
)
def test_numbers_are_those_of_the_language(text: str) -> None:
    with pytest.raises(ValueError, match=text[:5] or "^$"):
        parse_number(text)


def test_places_count_lines_and_columns_from_one() -> None:
    assert [describe_position("ab\ncd\n", at) for at in (0, 1, 3, 6)] == [
        "line 1, column 1", "line 1, column 2", "line 2, column 1", "line 3, column 1",
    ]  # fmt: skip


def test_an_error_gets_the_position() -> None:
    with pytest.raises(InvalidQueryError, match="compare, at line 2, column 1"), positioned_errors("a\nb", 2):
        raise InvalidQueryError("cannot compare", "give a number")
