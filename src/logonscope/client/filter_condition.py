"""LogonFilter as a WQL condition, so that a remote host sends only the logon sessions that may fit."""

from collections.abc import Iterable, Sequence

from logonscope.answers.logon_filter import SYSTEM_LOGON_TYPE, LogonFilter
from logonscope.broker.session_selector import numbers_among
from logonscope.cim.datetimes import format_datetime
from logonscope.wql.tree import (
    AT_LEAST,
    EQUAL,
    LESS,
    LIKE,
    And,
    Comparison,
    ConditionTree,
    Constant,
    IsNull,
    Name,
    Not,
    Or,
    Select,
)


def filtered_select(
    class_name: str, where: LogonFilter | None, properties: frozenset[str], selected: Sequence[str] | None = None
) -> Select:
    """Return the query for the instances that may fit a filter.

    Args:
        class_name: a class of logon sessions.
        where: the filter. It must be applied to the results again, because the query leaves out some conditions: all
            origins if one of them is a network, empty collections, and conditions on properties that the class lacks.
        properties: the names of the properties that the condition may use.
        selected: the properties to return; None: all.
    """
    terms = [] if where is None else [term for name, term in _filter_terms(where, properties) if name in properties]
    columns = None if selected is None else tuple(Name((name,)) for name in selected)
    return Select(columns, class_name, None if not terms else terms[0] if len(terms) == 1 else And(tuple(terms)))


def _filter_terms(where: LogonFilter, properties: frozenset[str]) -> Iterable[tuple[str, ConditionTree]]:
    """Yield the terms of a filter, each with the property without which the term is left out."""
    # an empty collection, which matches nothing, cannot be written in WQL: it has no term
    if where.users:
        uids = sorted(numbers_among(where.users))
        user_terms = [*_equal_terms("User", sorted(where.users)), *_equal_terms("Uid", uids)]
        yield "User", _any_of(user_terms)
    if where.types:
        yield "LogonType", _any_of(_equal_terms("LogonType", sorted(where.types, key=str)))
    if where.states:
        yield "State", _any_of(_equal_terms("State", sorted(where.states, key=str)))
    # WQL cannot match networks such as 203.0.113.0/24.
    if where.origins and not any("/" in origin for origin in where.origins):
        names = ["RemoteHost", *(["RemoteAddress"] if "RemoteAddress" in properties else ())]
        yield "RemoteHost", _any_of([term for name in names for term in _equal_terms(name, sorted(where.origins))])
    if where.keys:
        # a fingerprint has none of the characters that LIKE treats specially
        name = Name(("KeyFingerprint",))
        yield "KeyFingerprint", _any_of([Comparison(name, LIKE, f"{key}%") for key in sorted(where.keys)])
    if where.since is not None:
        yield "StartTime", Comparison(Name(("StartTime",)), AT_LEAST, format_datetime(where.since))
    if where.until is not None:
        yield "StartTime", Comparison(Name(("StartTime",)), LESS, format_datetime(where.until))
    # The term NOT LogonType = 0 would not be enough: it leaves out logon sessions whose type is not known, because a
    # comparison with null is never true.
    if not where.system:
        system = Comparison(Name(("LogonType",)), EQUAL, SYSTEM_LOGON_TYPE)
        yield "LogonType", Or((Not(system), IsNull(Name(("LogonType",)))))


def _equal_terms(property_name: str, values: Iterable[Constant]) -> list[ConditionTree]:
    name = Name((property_name,))
    return [IsNull(name) if value is None else Comparison(name, EQUAL, value) for value in values]


def _any_of(terms: list[ConditionTree]) -> ConditionTree:
    return terms[0] if len(terms) == 1 else Or(tuple(terms))
