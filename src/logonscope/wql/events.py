"""Is an event query sound? Its names held against the event's class and the class of the instances that it is about.

The errors are the documented ones of WMI (wmi-error-constants). Nothing is delivered here.
"""

from collections.abc import Callable
from typing import NamedTuple

from logonscope.cim.classes import Class
from logonscope.errors import (
    AggregatingByObjectError,
    InvalidParameterError,
    InvalidQueryError,
    NotEventClassError,
    PropertyNotAnObjectError,
    RegistrationTooBroadError,
    RegistrationTooPreciseError,
)
from logonscope.wql.bind import NUMBER, OBJECT, SYSTEM_KINDS, TEXT, Column, Scope, bind, property_column, property_named
from logonscope.wql.condition import Condition
from logonscope.wql.parse import located, place
from logonscope.wql.tree import ISA, And, Comparison, Name, Or, Select
from logonscope.wql.tree import Condition as Tree

POLLED, TARGET = "__InstanceOperationEvent", "TargetInstance"
NUMBER_OF_EVENTS = "NumberOfEvents"


class Grouping(NamedTuple):
    """How events are told together: as __AggregateEvent, after so many seconds, one for each value of ``by``."""

    within: int
    by: tuple[str, ...]
    having: Condition | None  # of NumberOfEvents


class EventQuery(NamedTuple):
    """An event query whose names mean something."""

    cls: Class
    columns: tuple[str, ...] | None  # None: all
    targets: tuple[Class, ...]  # of one of which the instances are that the events are about; none: of any
    within: float | None  # seconds between two looks
    condition: Condition | None
    grouping: Grouping | None


def bind_events(select: Select, cls: Class, text: str, is_here: Callable[[str], bool]) -> EventQuery:
    """Return what an event query means.

    Raises:
        NotEventClassError: the class is no event's.
        RegistrationTooPreciseError, RegistrationTooBroadError: WITHIN is missing, or the class that is meant.
        InvalidQueryError, TypeMismatchError, InvalidClassError: a name or a constant means nothing.
        PropertyNotAnObjectError, AggregatingByObjectError: a dot after, or BY, what cannot have it.
        InvalidParameterError: WITHIN gives no time.
    """
    if not cls.is_event:
        raise NotEventClassError(
            f"{cls.name} is no class of events, at {place(text, select.at)}",
            "ask for __InstanceCreationEvent and the like, with TargetInstance ISA "
            f"'{cls.name}'; without WITHIN and GROUP it is a question for what there is",
        )
    if select.within is not None and not 0 < select.within < float("inf"):
        raise InvalidParameterError(f"WITHIN {select.within:g} is no time to wait", "give seconds above 0")
    targets = _targets(select.where, cls, text)
    scope = Scope(text, lambda name: _column(cls, targets, name, text), cls.schema, cls.namespace, is_here)
    condition = None if select.where is None else bind(select.where, scope)
    columns = None if select.columns is None else tuple(_shown(scope, name) for name in select.columns)
    if cls.is_a(POLLED):
        _check_polled(cls, select, targets)
    return EventQuery(cls, columns, targets, select.within, condition, _grouping(select, scope))


def _check_polled(cls: Class, select: Select, targets: tuple[Class, ...]) -> None:
    if not targets:
        raise RegistrationTooBroadError(
            f"{cls.name} of which class?", f"add WHERE {TARGET} ISA 'Win32_LogonSession', or another class"
        )
    if select.within is None:
        raise RegistrationTooPreciseError(f"{cls.name} without WITHIN", f"write FROM {cls.name} WITHIN 5 WHERE ...")


def _targets(where: Tree | None, cls: Class, text: str) -> tuple[Class, ...]:
    """Return the classes of which every instance is of one, by what always has to hold; none where nothing says so."""
    if isinstance(where, Comparison) and where.operator == ISA and str(where.name).lower() == TARGET.lower():
        with located(text, where.at):
            return (cls.schema.get(str(where.constant), cls.namespace),)
    if isinstance(where, (And, Or)):
        each = [_targets(term, cls, text) for term in where.terms]
        if isinstance(where, And):
            return next(filter(None, each), ())
        if all(each):
            return tuple(dict.fromkeys(cls for classes in each for cls in classes))
    return ()


def _column(cls: Class, targets: tuple[Class, ...], name: Name, text: str) -> Column:
    first, *inner = name.parts
    if first.upper() in SYSTEM_KINDS:
        found = Column(first.upper(), SYSTEM_KINDS[first.upper()])
    else:
        found = property_column(property_named(cls, first, name, text))
    if not inner:
        return found
    if found.kind != OBJECT:
        raise PropertyNotAnObjectError(
            f"{found.name} is no object, at {place(text, name.at)}", "only an object has properties of its own"
        )
    if not targets or inner[0].upper() in SYSTEM_KINDS:
        return Column(str(name), SYSTEM_KINDS.get(inner[0].upper(), TEXT))
    within, *others = [property_column(property_named(target, inner[0], name, text)) for target in targets]
    if any(other.kind != within.kind for other in others):
        raise InvalidQueryError(
            f"{name} is of another type in each of {', '.join(target.name for target in targets)}, "
            f"at {place(text, name.at)}", "ask for them one by one",
        )  # fmt: skip
    if len(inner) > 1:
        raise PropertyNotAnObjectError(
            f"{found.name}.{within.name} is no object, at {place(text, name.at)}",
            "only an object has properties of its own",
        )
    return within._replace(name=f"{found.name}.{within.name}")


def _shown(scope: Scope, name: Name) -> str:
    column = scope.column(name)
    assert column is not None  # noqa: S101 -- the scope of events refuses what has no value
    return column.name.partition(".")[0]  # an embedded object is told whole


def _grouping(select: Select, scope: Scope) -> Grouping | None:
    group = select.group
    if group is None:
        return None
    by = []
    for name in group.by:
        column = scope.column(name)
        assert column is not None  # noqa: S101 -- as above
        if column.kind == OBJECT:
            raise AggregatingByObjectError(
                f"BY {column.name}, which is an object, at {place(scope.text, name.at)}", "name a property of it"
            )
        by.append(column.name)
    having = scope._replace(column=lambda name: _number_of_events(name, scope.text))
    return Grouping(group.within, tuple(by), None if group.having is None else bind(group.having, having))


def _number_of_events(name: Name, text: str) -> Column:
    if str(name).lower() != NUMBER_OF_EVENTS.lower():
        raise InvalidQueryError(f"HAVING {name}, at {place(text, name.at)}", f"it takes {NUMBER_OF_EVENTS} alone")
    return Column(NUMBER_OF_EVENTS, NUMBER)
