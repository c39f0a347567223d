"""Predicates: a condition, compiled once to a function of a row.

Null fits no comparison. Text is compared without regard to case; a reference by what it names; a pattern is held
against the text that a reference, or a time in DMTF's form, has.

A condition may have a thousand terms, and a text 32,767 characters. So a checkpoint, which looks at the deadline, is
passed every few terms and within every long pattern.
"""

import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from logonscope.cim.binding import same, write_reference
from logonscope.cim.classes import Class
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.types import Value
from logonscope.wql.bind import REFERENCE, TEXT
from logonscope.wql.condition import NOT_LIKE, Condition, Every, Null, Term, Truth
from logonscope.wql.like import Checkpoint, like
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, LESS, LIKE, UNEQUAL

Row = tuple[Value, ...]
Get = Callable[[Row], Value]
Fits = Callable[[Row], bool]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    EQUAL: operator.eq, UNEQUAL: operator.ne, LESS: operator.lt, GREATER: operator.gt, AT_MOST: operator.le,
    AT_LEAST: operator.ge,
}  # fmt: skip


TERMS = 8
"""Terms of a condition that are looked at between two checkpoints."""


def _unlimited() -> None:
    """Let the evaluation go on."""


def compiled(condition: Condition, get: Callable[[str], Get], cls: Class, checkpoint: Checkpoint = _unlimited) -> Fits:
    """Return the function.

    Args:
        condition: what must hold.
        get: gives what takes a property out of a row.
        cls: the class of the rows; those of references are in its schema and namespace.
        checkpoint: called within long evaluations; raises an error where there is no time left.
    """
    if isinstance(condition, Truth):
        holds = condition.holds
        return lambda _: holds
    if isinstance(condition, Null):
        return _null(get(condition.column), is_null=condition.is_null)
    if isinstance(condition, Term):
        return _test(condition, get(condition.column), cls, checkpoint)
    terms = [compiled(term, get, cls, checkpoint) for term in condition.terms]
    if len(terms) != 2:
        return _Junction(terms, checkpoint, decisive=not isinstance(condition, Every)).fits
    one, other = terms  # the commonest; a call less
    if isinstance(condition, Every):
        return lambda row: one(row) and other(row)
    return lambda row: one(row) or other(row)


class _Junction:
    """Many terms, joined by AND or by OR: the first whose truth is the decisive one decides."""

    def __init__(self, terms: list[Fits], checkpoint: Checkpoint, *, decisive: bool) -> None:
        self._blocks = [terms[begin : begin + TERMS] for begin in range(0, len(terms), TERMS)]
        self._checkpoint, self._decisive = checkpoint, decisive

    def fits(self, row: Row) -> bool:
        decisive = self._decisive
        for block in self._blocks:
            self._checkpoint()
            for fits in block:
                if fits(row) is decisive:
                    return decisive
        return not decisive


def _null(get: Get, *, is_null: bool) -> Fits:
    return lambda row: (get(row) is None) is is_null


def _test(test: Term, get: Get, cls: Class, checkpoint: Checkpoint) -> Fits:
    if test.operator in {LIKE, NOT_LIKE}:
        return _like(test, get, cls, checkpoint)
    if test.kind == REFERENCE:
        return _reference(test, get, cls)
    if test.kind == TEXT:
        return _text(test, get)
    compare, wanted = _OPERATORS[test.operator], test.value
    return lambda row: (value := get(row)) is not None and compare(value, wanted)


def _text(test: Term, get: Get) -> Fits:
    compare, wanted = _OPERATORS[test.operator], str(test.value).lower()
    return lambda row: (value := get(row)) is not None and compare(str(value).lower(), wanted)


def _reference(test: Term, get: Get, cls: Class) -> Fits:
    wanted, equal = test.value, test.operator == EQUAL
    schema, namespace = cls.schema, cls.namespace
    return lambda row: (value := get(row)) is not None and same(value, wanted, schema, namespace) is equal


def _like(test: Term, get: Get, cls: Class, checkpoint: Checkpoint) -> Fits:
    fits, wanted = like(str(test.value), checkpoint), test.operator == LIKE

    def text(value: Value) -> str:
        if isinstance(value, tuple):
            return write_reference(value, cls.schema, cls.namespace)
        return format_datetime(value) if isinstance(value, (datetime, timedelta)) else str(value)

    return lambda row: (value := get(row)) is not None and fits(text(value)) is wanted
