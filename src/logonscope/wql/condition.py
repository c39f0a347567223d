"""What must hold for a row? A condition whose names are properties and whose constants are values of their types.

There is no NOT in it: what was negated is turned around. A comparison with null holds neither way, as in SQL.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from logonscope.cim.types import Value
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, ISA, LESS, LIKE, UNEQUAL

NOT_LIKE, NOT_ISA = "NOT LIKE", "NOT ISA"

NEGATED = {
    EQUAL: UNEQUAL, UNEQUAL: EQUAL, LESS: AT_LEAST, AT_LEAST: LESS, GREATER: AT_MOST, AT_MOST: GREATER,
    LIKE: NOT_LIKE, NOT_LIKE: LIKE, ISA: NOT_ISA, NOT_ISA: ISA,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """A property, an operator and a value; ``kind`` is how both are compared (see bind.py)."""

    column: str
    operator: str
    value: Value
    kind: str

    @property
    def negated(self) -> "Term":
        """Return the test that holds where this one does not; neither holds for null."""
        return Term(self.column, NEGATED[self.operator], self.value, self.kind)


@dataclass(frozen=True, slots=True)
class Null:
    """A property is null, or it is not."""

    column: str
    is_null: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds for all rows, or for none."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Every:
    """Conditions that all hold."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Conditions of which one holds."""

    terms: tuple["Condition", ...]


Condition = Term | Null | Truth | Every | Some

TRUE, FALSE = Truth(True), Truth(False)


def columns(condition: Condition) -> tuple[str, ...]:
    """Return the properties that a condition looks at, each once, in its order."""
    return tuple(dict.fromkeys(_columns(condition)))


def _columns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, (Every, Some)):
        for term in condition.terms:
            yield from _columns(term)
    elif not isinstance(condition, Truth):
        yield condition.column


def folded(condition: Condition, decide: Callable[[Term | Null], Condition]) -> Condition:
    """Return the condition with each term as it is decided before there is a row, and without what that settles."""
    if isinstance(condition, Truth):
        return condition
    if isinstance(condition, (Term, Null)):
        return decide(condition)
    decisive = Truth(isinstance(condition, Some))
    terms = [term for term in (folded(term, decide) for term in condition.terms) if term != Truth(not decisive.holds)]
    if decisive in terms:
        return decisive
    if not terms:
        return Truth(not decisive.holds)
    return terms[0] if len(terms) == 1 else type(condition)(tuple(terms))


def fixed(condition: Condition) -> Mapping[str, frozenset[Value]]:
    """Return the values that a property must have one of, for each property of which that can be said."""
    if isinstance(condition, Term):
        return {condition.column: frozenset({condition.value})} if condition.operator == EQUAL else {}
    found: dict[str, frozenset[Value]] = {}
    if isinstance(condition, Every):
        for part in map(fixed, condition.terms):
            for column, values in part.items():
                if column not in found or len(values) < len(found[column]):
                    found[column] = values
    elif isinstance(condition, Some):
        first, *rest = map(fixed, condition.terms)
        for column, values in first.items():
            if all(column in part for part in rest):
                found[column] = values.union(*(part[column] for part in rest))
    return found


def rest(condition: Condition, narrowed: Mapping[str, frozenset[Value]]) -> Condition:
    """Return what is left of a folded condition where only rows are read that have these values."""
    if isinstance(condition, Every):
        return folded(Every(tuple(rest(term, narrowed) for term in condition.terms)), lambda term: term)
    terms = condition.terms if isinstance(condition, Some) else (condition,)
    equal = [term for term in terms if isinstance(term, Term) and term.operator == EQUAL]
    among = [(term.column, term.value) for term in equal]
    is_read = len(equal) == len(terms) and any(
        set(among) == {(column, value) for value in values} for column, values in narrowed.items()
    )
    return TRUE if is_read else condition
