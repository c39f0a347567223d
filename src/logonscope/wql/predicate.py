"""Predicates: a condition, compiled once to a function of a row.

No comparison holds for null. Text is compared without regard to case, a reference by the instance that it names. LIKE
compares a reference as the text of its object path, and a time as text in the DMTF format.

A condition can have a thousand terms, and a text value tens of thousands of characters. So a checkpoint, which checks
the deadline, is called every few terms of a long AND or OR, and while LIKE searches a long text.
"""

import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from logonscope.cim.binding import is_same_key, write_held_reference
from logonscope.cim.classes import Class
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.types import Value
from logonscope.wql.bind import REFERENCE, TEXT
from logonscope.wql.condition import NOT_LIKE, Condition, Every, NullTest, Term, Truth
from logonscope.wql.like import Checkpoint, compile_like
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, LESS, LIKE, UNEQUAL

Row = tuple[Value, ...]
ColumnReader = Callable[[Row], Value]
Predicate = Callable[[Row], bool]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    EQUAL: operator.eq, UNEQUAL: operator.ne, LESS: operator.lt, GREATER: operator.gt, AT_MOST: operator.le,
    AT_LEAST: operator.ge,
}  # fmt: skip


TERMS_PER_CHECK = 8
"""Maximum number of terms evaluated between two checkpoints, in an AND or OR of more than two terms."""


def _no_deadline() -> None:
    """Do nothing: the evaluation has no deadline."""


def compile_predicate(
    condition: Condition,
    getter_of: Callable[[str], ColumnReader],
    cls: Class,
    checkpoint: Checkpoint = _no_deadline,
    server: str = ".",
) -> Predicate:
    """Compile a condition to a function that returns whether a row fits.

    Args:
        condition: a condition without ISA tests, which ``simplify`` (condition.py) replaces.
        getter_of: returns, for the name of a property, the function that reads the property from a row.
        cls: the class of the rows; the classes that references name are in its schema and namespace.
        checkpoint: called within long evaluations; raises an error when the deadline has passed.
        server: the name of the host; the text of some references contains it.
    """
    if isinstance(condition, Truth):
        return _constant_predicate(holds=condition.holds)
    if isinstance(condition, NullTest):
        return _null_predicate(getter_of(condition.column), is_null=condition.is_null)
    if isinstance(condition, Term):
        return _term_predicate(condition, getter_of(condition.column), cls, checkpoint, server)
    terms = [compile_predicate(term, getter_of, cls, checkpoint, server) for term in condition.terms]
    # most junctions have two terms, and need no loop
    if len(terms) == 2:
        return _and_predicate(*terms) if isinstance(condition, Every) else _or_predicate(*terms)
    return _Junction(terms, checkpoint, decisive=not isinstance(condition, Every)).fits


# The predicates below, except `_Junction`, are closures, not objects: they run once for every row, and a closure saves
# a call each time.
def _constant_predicate(*, holds: bool) -> Predicate:
    def fits(_: Row) -> bool:
        return holds

    return fits


def _and_predicate(first: Predicate, second: Predicate) -> Predicate:
    def fits(row: Row) -> bool:
        return first(row) and second(row)

    return fits


def _or_predicate(first: Predicate, second: Predicate) -> Predicate:
    def fits(row: Row) -> bool:
        return first(row) or second(row)

    return fits


class _Junction:
    """Many terms joined by AND or OR: the first term whose result equals ``decisive`` decides."""

    def __init__(self, terms: list[Predicate], checkpoint: Checkpoint, *, decisive: bool) -> None:
        self._blocks = [terms[begin : begin + TERMS_PER_CHECK] for begin in range(0, len(terms), TERMS_PER_CHECK)]
        self._checkpoint, self._decisive = checkpoint, decisive

    def fits(self, row: Row) -> bool:
        # A false term decides an AND, a true term an OR; the terms after it are not evaluated.
        decisive = self._decisive
        for block in self._blocks:
            self._checkpoint()
            for fits in block:
                if fits(row) is decisive:
                    return decisive
        return not decisive


def _null_predicate(get: ColumnReader, *, is_null: bool) -> Predicate:
    def fits(row: Row) -> bool:
        return (get(row) is None) is is_null

    return fits


def _term_predicate(term: Term, get: ColumnReader, cls: Class, checkpoint: Checkpoint, server: str) -> Predicate:
    if term.operator in {LIKE, NOT_LIKE}:
        return _like_predicate(term, get, cls, checkpoint, server)
    if term.kind == REFERENCE:
        return _reference_predicate(term, get, cls)
    if term.kind == TEXT:
        return _text_predicate(term, get)
    compare, constant = _OPERATORS[term.operator], term.value

    def fits(row: Row) -> bool:
        return (value := get(row)) is not None and compare(value, constant)

    return fits


def _text_predicate(term: Term, get: ColumnReader) -> Predicate:
    compare, constant = _OPERATORS[term.operator], str(term.value).lower()

    def fits(row: Row) -> bool:
        return (value := get(row)) is not None and compare(str(value).lower(), constant)

    return fits


def _reference_predicate(term: Term, get: ColumnReader, cls: Class) -> Predicate:
    reference, equal = term.value, term.operator == EQUAL
    schema, namespace = cls.schema, cls.namespace

    def fits(row: Row) -> bool:
        return (value := get(row)) is not None and is_same_key(value, reference, schema, namespace) is equal

    return fits


def _like_predicate(term: Term, get: ColumnReader, cls: Class, checkpoint: Checkpoint, server: str) -> Predicate:
    matches, expected = compile_like(str(term.value), checkpoint), term.operator == LIKE

    def fits(row: Row) -> bool:
        return (value := get(row)) is not None and matches(_pattern_text(value, cls, server)) is expected

    return fits


def _pattern_text(value: Value, cls: Class, server: str) -> str:
    """Return the text by which LIKE compares a value."""
    if isinstance(value, tuple):
        return write_held_reference(value, cls, server)
    return format_datetime(value) if isinstance(value, (datetime, timedelta)) else str(value)
