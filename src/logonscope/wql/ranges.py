"""Ranges of columns: the least and the greatest value, or the prefix, with which a row can match a condition.

``=`` makes a range only for numbers and times; ``condition.fixed_values`` has the texts that a column must equal.
"""

import re
from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

from logonscope.wql.bind import MOMENT, NUMBER, TEXT
from logonscope.wql.condition import Condition, Every, Some, Term
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, LESS, LIKE

_PREFIX = r"[^%_\[\x80-\U0010ffff]*"


class ColumnRange(NamedTuple):
    """The values that a column can have in a matching row. ``low`` and ``high`` are included, even if < or > is tested.

    None, or a prefix "", is no limit.
    """

    low: Any = None
    high: Any = None
    prefix: str = ""
    """Beginning of the text, ASCII in lower case, to be compared without regard to case.

    LIKE treats some characters outside ASCII as equal to ASCII letters, such as U+017F to "s". So a text can match also
    if it begins with such characters in place of the letters of the prefix.
    """


def column_ranges(condition: Condition) -> Mapping[str, ColumnRange]:
    """Return the ranges to which a condition limits columns, by column; columns without a limit are left out."""
    if isinstance(condition, Term):
        term_range = _range_of_term(condition)
        return {} if term_range is None else {condition.column: term_range}
    ranges: dict[str, ColumnRange] = {}
    if isinstance(condition, Every):
        for term_ranges in map(column_ranges, condition.terms):
            for column, term_range in term_ranges.items():
                ranges[column] = _intersection(ranges[column], term_range) if column in ranges else term_range
    elif isinstance(condition, Some):
        # a column is limited only if every alternative limits it
        first_ranges, *other_ranges = map(column_ranges, condition.terms)
        for column, first_range in first_ranges.items():
            if all(column in term_ranges for term_ranges in other_ranges):
                covering_range = reduce(_cover, (term_ranges[column] for term_ranges in other_ranges), first_range)
                if covering_range != ColumnRange():
                    ranges[column] = covering_range
    return ranges


def _range_of_term(term: Term) -> ColumnRange | None:
    if term.kind == TEXT and term.operator == LIKE:
        match = re.match(_PREFIX, str(term.value))
        return ColumnRange(prefix=match[0].lower()) if match and match[0] else None
    if term.kind not in {MOMENT, NUMBER}:
        return None
    if term.operator == EQUAL:
        return ColumnRange(term.value, term.value)
    if term.operator in {GREATER, AT_LEAST}:
        return ColumnRange(low=term.value)
    return ColumnRange(high=term.value) if term.operator in {LESS, AT_MOST} else None


def _intersection(first: ColumnRange, second: ColumnRange) -> ColumnRange:
    lows = [limits.low for limits in (first, second) if limits.low is not None]
    highs = [limits.high for limits in (first, second) if limits.high is not None]
    prefix = max(first.prefix, second.prefix, key=len)
    return ColumnRange(max(lows, default=None), min(highs, default=None), prefix)


def _cover(first: ColumnRange, second: ColumnRange) -> ColumnRange:
    low = None if first.low is None or second.low is None else min(first.low, second.low)
    high = None if first.high is None or second.high is None else max(first.high, second.high)
    return ColumnRange(low, high, _common_prefix(first.prefix, second.prefix))


def _common_prefix(first: str, second: str) -> str:
    length = next((index for index, pair in enumerate(zip(first, second, strict=False)) if len(set(pair)) > 1), None)
    return first[: min(len(first), len(second)) if length is None else length]
