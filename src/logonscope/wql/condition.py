"""Bound conditions: conditions whose names are properties and whose constants are values of the properties' types.

They contain no NOT: a negated term becomes the term with the opposite operator. For a property that is null, neither a
comparison nor its opposite holds, as in SQL.
"""

from collections.abc import Callable, Iterator, Mapping

from logonscope.cim.types import Value
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, ISA, LESS, LIKE, UNEQUAL, Node

NOT_LIKE, NOT_ISA = "NOT LIKE", "NOT ISA"

NEGATED = {
    EQUAL: UNEQUAL, UNEQUAL: EQUAL, LESS: AT_LEAST, AT_LEAST: LESS, GREATER: AT_MOST, AT_MOST: GREATER,
    LIKE: NOT_LIKE, NOT_LIKE: LIKE, ISA: NOT_ISA, NOT_ISA: ISA,
}  # fmt: skip


class Term(Node):
    """A comparison of a property with a value; ``kind`` says how both are compared (see bind.py)."""

    column: str
    operator: str
    value: Value
    kind: str

    @property
    def negated(self) -> "Term":
        """Return the opposite comparison; for null neither holds."""
        return Term(self.column, NEGATED[self.operator], self.value, self.kind)


class NullTest(Node):
    """A test whether a property is null, or is not null."""

    column: str
    is_null: bool


class Truth(Node):
    """A condition that holds for all rows, or for none."""

    holds: bool


class Every(Node):
    """Conditions that must all hold (AND)."""

    terms: tuple["Condition", ...]


class Some(Node):
    """Conditions of which at least one must hold (OR)."""

    terms: tuple["Condition", ...]


Condition = Term | NullTest | Truth | Every | Some

TRUE, FALSE = Truth(True), Truth(False)


def condition_columns(condition: Condition) -> tuple[str, ...]:
    """Return the names of the properties that a condition tests, each once, in the condition's order."""
    return tuple(dict.fromkeys(_walk_columns(condition)))


def _walk_columns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, (Every, Some)):
        for term in condition.terms:
            yield from _walk_columns(term)
    elif not isinstance(condition, Truth):
        yield condition.column


def simplify(condition: Condition, decide: Callable[[Term | NullTest], Condition]) -> Condition:
    """Simplify a condition before any row is read.

    Args:
        condition: the condition.
        decide: returns what replaces a term: a Truth if its result is known already, another condition that has the
            same result, or the term itself.
    """
    if isinstance(condition, Truth):
        return condition
    if isinstance(condition, (Term, NullTest)):
        return decide(condition)
    # TRUE decides an OR and FALSE an AND; the opposite constant changes nothing and is left out.
    decisive = Truth(isinstance(condition, Some))
    terms = [term for term in (simplify(term, decide) for term in condition.terms) if term != Truth(not decisive.holds)]
    if decisive in terms:
        return decisive
    if not terms:
        return Truth(not decisive.holds)
    return terms[0] if len(terms) == 1 else type(condition)(tuple(terms))


def fixed_values(condition: Condition) -> Mapping[str, frozenset[Value]]:
    """Return, by property, the only values with which a row can match. Texts are compared without regard to case.

    Properties without such a limit are left out.
    """
    if isinstance(condition, Term):
        return {condition.column: frozenset({condition.value})} if condition.operator == EQUAL else {}
    values_of_column: dict[str, frozenset[Value]] = {}
    if isinstance(condition, Every):
        # All terms must hold, so the limit of any term is valid for the whole; the smallest set is the best limit.
        for term_values in map(fixed_values, condition.terms):
            for column, values in term_values.items():
                if column not in values_of_column or len(values) < len(values_of_column[column]):
                    values_of_column[column] = values
    elif isinstance(condition, Some):
        # A property is limited only if every alternative limits it.
        first_values, *other_values = map(fixed_values, condition.terms)
        for column, values in first_values.items():
            if all(column in term_values for term_values in other_values):
                values_of_column[column] = values.union(*(term_values[column] for term_values in other_values))
    return values_of_column


def residual_condition(condition: Condition, read_values: Mapping[str, frozenset[Value]]) -> Condition:
    """Return the part of a simplified condition that the limits of the reading do not guarantee.

    This part only explains a query: when the query runs, its whole condition is tested on every row that was read.

    Args:
        condition: a condition that ``simplify`` returned.
        read_values: by property, the values to which the reading is limited; rows with other values are not read.
    """
    if isinstance(condition, Every):
        return simplify(Every(tuple(residual_condition(term, read_values) for term in condition.terms)), _keep_term)
    terms = condition.terms if isinstance(condition, Some) else (condition,)
    equal_terms = [term for term in terms if isinstance(term, Term) and term.operator == EQUAL]
    values_tested = {(term.column, term.value) for term in equal_terms}
    # "a = 1 OR a = 2" is satisfied by the reading itself if exactly the values 1 and 2 of "a" are read.
    is_satisfied = len(equal_terms) == len(terms) and any(
        values_tested == {(column, value) for value in values} for column, values in read_values.items()
    )
    return TRUE if is_satisfied else condition


def _keep_term(term: Term | NullTest) -> Condition:
    return term
