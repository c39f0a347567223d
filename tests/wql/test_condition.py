"""Tests of wql/condition.py: the laws by which a condition is narrowed, split and decided early."""

from collections.abc import Mapping
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.types import Value
from logonscope.wql.bind import NUMBER
from logonscope.wql.condition import (
    FALSE,
    TRUE,
    Condition,
    Every,
    NullTest,
    Some,
    Term,
    Truth,
    condition_columns,
    fixed_values,
    residual_condition,
    simplify,
)
from logonscope.wql.tree import EQUAL, LESS, UNEQUAL

COLUMNS = ("a", "b", "c")
ROWS = [dict(zip(COLUMNS, values, strict=True)) for values in product((None, 0, 1, 2), repeat=len(COLUMNS))]

leaves = st.one_of(
    st.builds(Term, st.sampled_from(COLUMNS), st.sampled_from((EQUAL, EQUAL, UNEQUAL, LESS)), st.integers(0, 2),
              st.just(NUMBER)),
    st.builds(NullTest, st.sampled_from(COLUMNS), st.booleans()),
    st.builds(Truth, st.booleans()),
)  # fmt: skip
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda smaller: (
        st.builds(Every, st.lists(smaller, min_size=1, max_size=3).map(tuple))
        | st.builds(Some, st.lists(smaller, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=10,
)


def holds(condition: Condition, row: Mapping[str, int | None]) -> bool:
    """Look at one row as plainly as can be."""
    if isinstance(condition, Truth):
        return condition.holds
    if isinstance(condition, Every):
        return all(holds(term, row) for term in condition.terms)
    if isinstance(condition, Some):
        return any(holds(term, row) for term in condition.terms)
    value = row[condition.column]
    if isinstance(condition, NullTest):
        return (value is None) is condition.is_null
    wanted = condition.value
    assert isinstance(wanted, int)
    if value is None:
        return False
    return {EQUAL: value == wanted, UNEQUAL: value != wanted, LESS: value < wanted}[condition.operator]


@given(conditions)
def test_what_is_fixed_has_one_of_its_values_in_every_row_that_fits(condition: Condition) -> None:
    values = fixed_values(condition)
    for row in filter(lambda row: holds(condition, row), ROWS):
        assert all(row[column] in among for column, among in values.items())


@given(conditions, st.frozensets(st.sampled_from(COLUMNS)))
def test_what_is_narrowed_and_what_is_left_are_together_the_condition(
    given_one: Condition, names: frozenset[str]
) -> None:
    condition = simplify(given_one, lambda term: term)
    narrowed = {column: values for column, values in fixed_values(condition).items() if column in names}
    left = residual_condition(condition, narrowed)
    for row in ROWS:
        is_read = all(row[column] in values for column, values in narrowed.items())
        assert (is_read and holds(left, row)) is holds(condition, row)


def test_nothing_is_left_of_what_narrows() -> None:
    one, two, other = (Term("a", EQUAL, 1, NUMBER), Term("a", EQUAL, 2, NUMBER), Term("b", LESS, 1, NUMBER))
    for condition, left in (
        (one, TRUE),
        (Every((one, other)), other),
        (Every((Some((one, two)), other)), other),
        (Every((one, two)), two),
        (Some((one, Every((two, other)))), Some((one, Every((two, other))))),
    ):
        assert residual_condition(condition, fixed_values(condition)) == left


@given(conditions, st.sampled_from(ROWS))
def test_what_is_decided_early_changes_nothing(condition: Condition, known: Mapping[str, int | None]) -> None:
    half = simplify(condition, lambda term: Truth(holds(term, known)) if term.column == "a" else term)
    whole = simplify(condition, lambda term: Truth(holds(term, known)))
    assert "a" not in condition_columns(half)
    assert whole == Truth(holds(condition, known))
    for row in ROWS:
        assert holds(half, {**row, "a": 7}) is holds(condition, {**row, "a": known["a"]})


@given(conditions)
def test_folding_leaves_no_truth_inside_and_no_group_of_one(condition: Condition) -> None:
    def groups(of: Condition) -> None:
        if isinstance(of, (Every, Some)):
            assert len(of.terms) > 1
            for term in of.terms:
                assert not isinstance(term, Truth)
                groups(term)

    groups(simplify(condition, lambda term: term))


def test_columns_come_once_in_the_order_of_the_condition() -> None:
    term, null = Term("b", EQUAL, 1, NUMBER), NullTest("a", is_null=True)
    assert condition_columns(Every((Some((term, null)), TRUE, term))) == ("b", "a")
    assert condition_columns(FALSE) == ()


def test_the_shortest_list_of_values_is_the_one_that_is_fixed() -> None:
    def one(value: Value) -> Term:
        return Term("a", EQUAL, value, NUMBER)

    assert fixed_values(Every((Some((one(1), one(2))), one(1)))) == {"a": frozenset({1})}
    assert fixed_values(Some((one(1), Every((one(2), Term("b", EQUAL, 3, NUMBER)))))) == {"a": frozenset({1, 2})}
    assert fixed_values(Some((one(1), NullTest("a", is_null=True)))) == {}


@given(st.sampled_from(("=", "<>", "<", ">", "<=", ">=", "LIKE", "ISA")))
def test_what_is_negated_twice_is_itself(operator: str) -> None:
    term = Term("a", operator, 1, NUMBER)
    assert term.negated.operator != operator
    assert term.negated.negated == term
