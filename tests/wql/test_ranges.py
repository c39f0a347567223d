"""wql/ranges.py: no row that matches a condition is outside the ranges of its columns."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logonscope.wql.bind import NUMBER, TEXT
from logonscope.wql.condition import Condition, Every, Some, Term
from logonscope.wql.ranges import ColumnRange, column_ranges
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, LESS, LIKE, UNEQUAL

COMPARISONS = {
    EQUAL: lambda a, b: a == b, UNEQUAL: lambda a, b: a != b, LESS: lambda a, b: a < b, GREATER: lambda a, b: a > b,
    AT_MOST: lambda a, b: a <= b, AT_LEAST: lambda a, b: a >= b,
}  # fmt: skip
NUMBERS = st.integers(0, 5)
TERMS = st.builds(Term, st.sampled_from("ab"), st.sampled_from(sorted(COMPARISONS)), NUMBERS, st.just(NUMBER))
LIKES = st.sampled_from(["x%", "XY%", "xy_", "%y", "xz%"])
PATTERNS = st.builds(Term, st.just("t"), st.just(LIKE), LIKES, st.just(TEXT))


def junctions(terms: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parts = st.lists(terms, min_size=2, max_size=3).map(tuple)
    return st.builds(Every, parts) | st.builds(Some, parts)


CONDITIONS = st.recursive(TERMS | PATTERNS, junctions, max_leaves=6)
TEXTS = ("", "x", "xy", "xya", "Xyb", "xz", "y")


def holds(condition: Condition, row: dict[str, Any]) -> bool:
    if isinstance(condition, Every):
        return all(holds(term, row) for term in condition.terms)
    if isinstance(condition, Some):
        return any(holds(term, row) for term in condition.terms)
    assert isinstance(condition, Term)
    value = row[condition.column]
    if condition.operator == LIKE:
        text, pattern = value.lower(), str(condition.value).lower()
        if pattern.startswith("%"):
            return bool(text.endswith(pattern[1:]))
        return bool(text.startswith(pattern[:-1])) and (pattern[-1] == "%" or len(text) == len(pattern))
    return bool(COMPARISONS[condition.operator](value, condition.value))


@given(CONDITIONS, NUMBERS, NUMBERS, st.sampled_from(TEXTS))
def test_no_matching_row_is_outside(condition: Condition, a: int, b: int, text: str) -> None:
    row = {"a": a, "b": b, "t": text}
    if not holds(condition, row):
        return
    for column, limits in column_ranges(condition).items():
        value = row[column]
        assert limits.low is None or value >= limits.low
        assert limits.high is None or value <= limits.high
        assert str(value).lower().startswith(limits.prefix)


def test_ranges_are_as_narrow_as_they_can_be() -> None:
    low, high = Term("a", GREATER, 2, NUMBER), Term("a", AT_MOST, 4, NUMBER)
    assert column_ranges(Every((low, high))) == {"a": ColumnRange(2, 4)}
    assert column_ranges(Some((low, high))) == {}
    either = Some((Term("t", LIKE, "Make%", TEXT), Term("t", LIKE, "mail_", TEXT)))
    assert column_ranges(either) == {"t": ColumnRange(prefix="ma")}
    assert column_ranges(Every((either, Term("t", LIKE, "mak%", TEXT)))) == {"t": ColumnRange(prefix="mak")}


def test_a_prefix_ends_before_letters_whose_lower_case_is_not_that_of_all_equal_letters() -> None:
    patterns = {"Ab\u017fh%": "ab", "\u0130x%": "", "\u03c2": "", "ssh%": "ssh"}
    for pattern, prefix in patterns.items():
        limits = column_ranges(Term("t", LIKE, pattern, TEXT))
        assert limits == ({"t": ColumnRange(prefix=prefix)} if prefix else {})
