"""LogonFilter as a WQL condition, so that another machine sends the logon sessions that fit and no others."""

from collections.abc import Iterable

from logonscope.answers.logon_filter import SYSTEM, LogonFilter
from logonscope.cim.datetimes import format_datetime
from logonscope.wql.tree import (
    AT_LEAST,
    EQUAL,
    LESS,
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


def filtered_select(class_name: str, where: LogonFilter | None, properties: frozenset[str]) -> Select:
    """Return the query for the instances that may fit.

    Args:
        class_name: a class of logon sessions.
        where: the filter; whoever asks looks at each answer once more: networks, and what the class lacks, are no part
            of the query.
        properties: those of the class that the condition may use.
    """
    terms = [] if where is None else [term for name, term in _terms(where) if name in properties]
    return Select(None, class_name, None if not terms else terms[0] if len(terms) == 1 else And(tuple(terms)))


def _terms(where: LogonFilter) -> Iterable[tuple[str, ConditionTree]]:
    if where.users is not None:
        uids = [int(user) for user in where.users if user.isascii() and user.isdecimal()]
        yield "User", _either([*_equal("User", sorted(where.users)), *_equal("Uid", sorted(uids))])
    if where.types is not None:
        yield "LogonType", _either(_equal("LogonType", sorted(where.types, key=str)))
    if where.states is not None:
        yield "State", _either(_equal("State", sorted(where.states, key=str)))
    if where.origins is not None and not any("/" in origin for origin in where.origins):
        yield "RemoteHost", _either(_equal("RemoteHost", sorted(where.origins)))
    if where.since is not None:
        yield "StartTime", Comparison(Name(("StartTime",)), AT_LEAST, format_datetime(where.since))
    if where.until is not None:
        yield "StartTime", Comparison(Name(("StartTime",)), LESS, format_datetime(where.until))
    if not where.system:
        system = Comparison(Name(("LogonType",)), EQUAL, SYSTEM)
        yield "LogonType", Or((Not(system), IsNull(Name(("LogonType",)))))


def _equal(name: str, values: Iterable[Constant]) -> list[ConditionTree]:
    path = Name((name,))
    return [IsNull(path) if value is None else Comparison(path, EQUAL, value) for value in values]


def _either(terms: list[ConditionTree]) -> ConditionTree:
    return terms[0] if len(terms) == 1 else Or(tuple(terms))
