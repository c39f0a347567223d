"""Hypothesis strategies for every tree that the parser can make."""

import re

from hypothesis import strategies as st

from logonscope.wql.tree import (
    AT_LEAST,
    AT_MOST,
    EQUAL,
    GREATER,
    ISA,
    LESS,
    LIKE,
    UNEQUAL,
    And,
    AssociationQuery,
    Comparison,
    ConditionTree,
    GroupClause,
    IsNull,
    Name,
    Not,
    Or,
    Select,
)

KEYWORDS = frozenset(
    ("select", "from", "within", "where", "group", "by", "having", "and", "or", "not", "is", "isa", "of", "null",
     "true", "false", "associators", "references", "like")
)  # fmt: skip
ORDERED = (EQUAL, UNEQUAL, LESS, GREATER, AT_MOST, AT_LEAST)

words = st.from_regex(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]{0,9}", fullmatch=True).filter(
    lambda word: word.lower() not in KEYWORDS and not re.search(r"\s", word)
)
single = words.map(lambda word: Name((word,)))
names = st.lists(words, min_size=1, max_size=3).map(lambda parts: Name(tuple(parts)))
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("\\\"'%_[]^a-\n", max_size=8)
numbers = st.integers(-(1 << 64), 1 << 64) | st.floats(allow_nan=False, allow_infinity=False)
comparisons = st.one_of(
    st.builds(Comparison, names, st.sampled_from(ORDERED), strings | numbers),
    st.builds(Comparison, names, st.sampled_from((EQUAL, UNEQUAL)), st.booleans()),
    st.builds(Comparison, names, st.sampled_from((LIKE, ISA)), strings),
    st.builds(IsNull, names),
)


def _larger(smaller: st.SearchStrategy[ConditionTree]) -> st.SearchStrategy[ConditionTree]:
    several = st.lists(smaller, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, smaller) | st.builds(And, several) | st.builds(Or, several)


conditions: st.SearchStrategy[ConditionTree] = st.recursive(comparisons, _larger, max_leaves=12)
groups = st.builds(
    GroupClause, st.integers(0, (1 << 32) - 1), st.lists(names, max_size=3).map(tuple), st.none() | conditions
)
selects = st.builds(
    Select,
    st.none() | st.lists(names, min_size=1, max_size=3).map(tuple),
    words,
    st.none() | conditions,
    st.none() | st.floats(0, 1e6),
    st.none() | groups,
)
paths = st.from_regex(r"""[A-Za-z_]{1,8}([.][a-z]{1,4})?="([^"\\{}]|\\\\|\\"){0,6}\"""", fullmatch=True)
references = st.builds(
    AssociationQuery,
    st.just(True),
    paths,
    result_class=st.none() | single,
    role=st.none() | single,
    required_qualifier=st.none() | single,
    keys_only=st.booleans(),
    class_defs_only=st.booleans(),
    schema_only=st.booleans(),
)
associators = st.builds(
    AssociationQuery,
    st.just(False),
    paths,
    *(st.none() | single for _ in range(6)),
    keys_only=st.booleans(),
    class_defs_only=st.booleans(),
    schema_only=st.booleans(),
)
statements = selects | references | associators
