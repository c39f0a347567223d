"""Does a row fit? A condition, compiled once to a function of a row.

Null fits no comparison. Text is compared without regard to case; a reference by what it names; a pattern is held
against the text that a reference, or a time in DMTF's form, has.
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
from logonscope.wql.like import like
from logonscope.wql.tree import AT_LEAST, AT_MOST, EQUAL, GREATER, LESS, LIKE, UNEQUAL

Row = tuple[Value, ...]
Get = Callable[[Row], Value]
Fits = Callable[[Row], bool]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    EQUAL: operator.eq, UNEQUAL: operator.ne, LESS: operator.lt, GREATER: operator.gt, AT_MOST: operator.le,
    AT_LEAST: operator.ge,
}  # fmt: skip


def compiled(condition: Condition, get: Callable[[str], Get], cls: Class) -> Fits:
    """Return the function.

    Args:
        condition: what must hold.
        get: gives what takes a property out of a row.
        cls: the class of the rows; those of references are in its schema and namespace.
    """
    if isinstance(condition, Truth):
        holds = condition.holds
        return lambda _: holds
    if isinstance(condition, Null):
        return _null(get(condition.column), is_null=condition.is_null)
    if isinstance(condition, Term):
        return _test(condition, get(condition.column), cls)
    terms = [compiled(term, get, cls) for term in condition.terms]
    return _every(terms) if isinstance(condition, Every) else _some(terms)


def _every(terms: list[Fits]) -> Fits:
    if len(terms) == 2:  # the commonest; a call less
        one, other = terms
        return lambda row: one(row) and other(row)
    return lambda row: all(fits(row) for fits in terms)


def _some(terms: list[Fits]) -> Fits:
    if len(terms) == 2:
        one, other = terms
        return lambda row: one(row) or other(row)
    return lambda row: any(fits(row) for fits in terms)


def _null(get: Get, *, is_null: bool) -> Fits:
    return lambda row: (get(row) is None) is is_null


def _test(test: Term, get: Get, cls: Class) -> Fits:
    if test.operator in {LIKE, NOT_LIKE}:
        return _like(test, get, cls)
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


def _like(test: Term, get: Get, cls: Class) -> Fits:
    fits, wanted = like(str(test.value)), test.operator == LIKE

    def text(value: Value) -> str:
        if isinstance(value, tuple):
            return write_reference(value, cls.schema, cls.namespace)
        return format_datetime(value) if isinstance(value, (datetime, timedelta)) else str(value)

    return lambda row: (value := get(row)) is not None and fits(text(value)) is wanted
