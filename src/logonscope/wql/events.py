"""Event queries: validation, and binding to the event class and to the classes that TargetInstance can have.

The errors are those that WMI documents (wmi-error-constants).
"""

from collections.abc import Callable
from functools import partial
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
from logonscope.wql.bind import (
    NUMBER,
    OBJECT,
    SYSTEM_KINDS,
    TEXT,
    ComparedColumn,
    NameScope,
    bind,
    find_property,
    property_column,
)
from logonscope.wql.condition import Condition
from logonscope.wql.text import describe_position, positioned_errors
from logonscope.wql.tree import ISA, And, Comparison, ConditionTree, Name, Or, Select

INSTANCE_OPERATION, TARGET = "__InstanceOperationEvent", "TargetInstance"
NUMBER_OF_EVENTS = "NumberOfEvents"


class Grouping(NamedTuple):
    """How events are aggregated: one __AggregateEvent replaces all events with the same values of ``by``.

    The aggregate event is delivered ``within`` seconds after the first of these events, if ``having`` holds.
    """

    within: int
    by: tuple[str, ...]
    having: Condition | None  # a condition on NumberOfEvents


class EventQuery(NamedTuple):
    """An event query bound to its classes."""

    cls: Class
    columns: tuple[str, ...] | None  # None: all
    target_classes: tuple[Class, ...]  # the classes to which the condition limits TargetInstance; empty: no limit
    polling_seconds: float | None  # polling interval: WITHIN
    condition: Condition | None
    grouping: Grouping | None


def bind_events(select: Select, cls: Class, text: str, is_here: Callable[[str], bool]) -> EventQuery:
    """Bind an event query to its event class.

    Raises:
        NotEventClassError: the class is not an event class.
        RegistrationTooPreciseError: a query for events about instances has no WITHIN.
        RegistrationTooBroadError: a query for events about instances has no condition on the class of TargetInstance.
        InvalidQueryError, PropertyNotAnObjectError and others: as ``bind``.
        AggregatingByObjectError: BY names an object.
        InvalidParameterError: WITHIN is not greater than 0, or is infinite.
    """
    if not cls.is_event:
        raise NotEventClassError(
            f"{cls.name} is not an event class, at {describe_position(text, select.position)}",
            "query an event class such as __InstanceCreationEvent, with TargetInstance ISA "
            f"'{cls.name}'; without WITHIN and GROUP this is a data query",
        )
    if select.within is not None and not 0 < select.within < float("inf"):
        raise InvalidParameterError(
            f"invalid WITHIN {select.within:g}: must be greater than 0", "give the polling interval in seconds"
        )
    targets = _target_classes(select.where, cls, text)
    column = partial(_find_column, cls, targets, text)
    scope = NameScope(text, column, cls.schema, cls.namespace, is_here)
    condition = None if select.where is None else bind(select.where, scope)
    columns = None if select.columns is None else tuple(_selected_property(scope, name) for name in select.columns)
    if cls.is_a(INSTANCE_OPERATION):
        _check_instance_operation(cls, select, targets)
    return EventQuery(cls, columns, targets, select.within, condition, _grouping(select, scope))


def _check_instance_operation(cls: Class, select: Select, targets: tuple[Class, ...]) -> None:
    if not targets:
        raise RegistrationTooBroadError(
            f"{cls.name} needs a condition on the class of {TARGET}",
            f"add WHERE {TARGET} ISA 'Win32_LogonSession', or another class",
        )
    if select.within is None:
        raise RegistrationTooPreciseError(f"{cls.name} needs WITHIN", f"write FROM {cls.name} WITHIN 5 WHERE ...")


def _target_classes(where: ConditionTree | None, cls: Class, text: str) -> tuple[Class, ...]:
    """Return the classes to which the condition limits TargetInstance; empty: there is no such limit."""
    if isinstance(where, Comparison) and where.operator == ISA and str(where.name).lower() == TARGET.lower():
        with positioned_errors(text, where.position):
            return (cls.schema.get(str(where.constant), cls.namespace),)
    if isinstance(where, (And, Or)):
        limits = [_target_classes(term, cls, text) for term in where.terms]
        # A limit in one term of an AND limits the whole; an OR is limited only if each of its terms has a limit.
        if isinstance(where, And):
            return next(filter(None, limits), ())
        if all(limits):
            return tuple(dict.fromkeys(target for classes in limits for target in classes))
    return ()


def _find_column(cls: Class, targets: tuple[Class, ...], text: str, name: Name) -> ComparedColumn:
    """Return the column that a name in an event query means: a property of the event or of an object embedded in it."""
    word, *inner_parts = name.parts
    if word.upper() in SYSTEM_KINDS:
        column = ComparedColumn(word.upper(), SYSTEM_KINDS[word.upper()])
    else:
        column = property_column(find_property(cls, word, name, text))
    if not inner_parts:
        return column
    if column.kind != OBJECT:
        raise PropertyNotAnObjectError(
            f"{column.name} is not an object, at {describe_position(text, name.position)}",
            "only objects have properties",
        )
    # Without a limit on the class, the object may have any property: the property is compared as text.
    if not targets or inner_parts[0].upper() in SYSTEM_KINDS:
        return ComparedColumn(str(name), SYSTEM_KINDS.get(inner_parts[0].upper(), TEXT))
    inner_column, *other_columns = [
        property_column(find_property(target, inner_parts[0], name, text)) for target in targets
    ]
    if any(other_column.kind != inner_column.kind for other_column in other_columns):
        raise InvalidQueryError(
            f"{name} has different types in {', '.join(target.name for target in targets)}, "
            f"at {describe_position(text, name.position)}", "query the classes separately",
        )  # fmt: skip
    if len(inner_parts) > 1:
        raise PropertyNotAnObjectError(
            f"{column.name}.{inner_column.name} is not an object, at {describe_position(text, name.position)}",
            "only objects have properties",
        )
    return inner_column._replace(name=f"{column.name}.{inner_column.name}")


def _selected_property(scope: NameScope, name: Name) -> str:
    column = scope.column(name)
    assert column is not None  # noqa: S101 -- the scope of events raises for unknown names
    return column.name.partition(".")[0]  # an embedded object is selected as a whole


def _grouping(select: Select, scope: NameScope) -> Grouping | None:
    group = select.group
    if group is None:
        return None
    by = []
    for name in group.by:
        column = scope.column(name)
        assert column is not None  # noqa: S101 -- the scope of events raises for unknown names
        if column.kind == OBJECT:
            raise AggregatingByObjectError(
                f"cannot aggregate BY {column.name}: it is an object,"
                f" at {describe_position(scope.text, name.position)}",
                "name a property of it",
            )
        by.append(column.name)
    having_scope = scope._replace(column=partial(_find_having_column, scope.text))
    return Grouping(group.within, tuple(by), None if group.having is None else bind(group.having, having_scope))


def _find_having_column(text: str, name: Name) -> ComparedColumn:
    if str(name).lower() != NUMBER_OF_EVENTS.lower():
        raise InvalidQueryError(
            f"invalid property {name} in HAVING, at {describe_position(text, name.position)}",
            f"HAVING supports only {NUMBER_OF_EVENTS}",
        )
    return ComparedColumn(NUMBER_OF_EVENTS, NUMBER)
