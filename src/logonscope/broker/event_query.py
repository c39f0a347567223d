"""Event queries: which events of the stream, and which differences between readings, are results of a WQL query."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.access import Visibility
from logonscope.broker.event_classes import EventClass, event_classes, event_row, filetime
from logonscope.broker.event_grouping import EventGroups
from logonscope.broker.event_instances import Difference, PolledClass, StreamedClass, is_streamed
from logonscope.broker.event_request import EventRequest
from logonscope.broker.event_rows import event_seconds
from logonscope.broker.plan import INSTANCE_GENUS, system_properties
from logonscope.broker.request import Request
from logonscope.cim.classes import Class
from logonscope.cim.instances import Instance, Shape, column_indexes
from logonscope.cim.types import Value
from logonscope.errors import NotSupportedError
from logonscope.machine.events import Event
from logonscope.providers.helpers.registry import provided_classes
from logonscope.wql.bind import CLASS, SYSTEM_KINDS
from logonscope.wql.condition import FALSE, TRUE, Condition, NullTest, Term, Truth, simplify
from logonscope.wql.events import INSTANCE_OPERATION, TARGET, EventQuery
from logonscope.wql.predicate import ColumnReader, Predicate, compile_predicate
from logonscope.wql.tree import ISA

CREATION, DELETION, MODIFICATION = (
    "__InstanceCreationEvent", "__InstanceDeletionEvent", "__InstanceModificationEvent",
)  # fmt: skip
PREVIOUS = "PreviousInstance"
AGGREGATE = "__AggregateEvent"

EventValues = tuple[Any, ...]
"""What a condition is tested on: the rows of TargetInstance and PreviousInstance (or None), and that of the event."""

_TARGET_ROW, _PREVIOUS_ROW, _EVENT_ROW = 0, 1, 2
"""Indexes of the rows in EventValues."""


class _Reader:
    """Reads a column of a condition from one of the rows of EventValues."""

    def __init__(self, row_index: int, column_index: int) -> None:
        self._row_index, self._column_index = row_index, column_index

    def __call__(self, values: EventValues) -> Any:
        row = values[self._row_index]
        return None if row is None else row[self._column_index]


class _PathReader:
    """Reads __PATH or __RELPATH of an embedded instance; they are built from its keys."""

    def __init__(self, row_index: int, shape: Shape, name: str) -> None:
        self._row_index, self._shape, self._name = row_index, shape, name

    def __call__(self, values: EventValues) -> Any:
        row = values[self._row_index]
        return None if row is None else Instance(self._shape, row)[self._name]


class Rule(NamedTuple):
    """How events of one event class about instances of one target class are tested and laid out.

    Attributes:
        columns: all properties of the event class.
        shape: the shape of the resulting event instances.
        target: the shape of the embedded instances; None: the events are about no instance.
        matches: the predicate; None: all events match.
        by: the readers of the BY properties.
    """

    columns: tuple[str, ...]
    shape: Shape
    target: Shape | None
    matches: Predicate | None
    by: Sequence[ColumnReader]


class EventQueryRun:
    """A running event query of one caller."""

    def __init__(self, request: Request, query: EventQuery, sessions: Callable[[], dict[str, LogonSession]]) -> None:
        """Prepare the query; read the classes that are compared with earlier readings.

        Args:
            request: the request of the caller.
            query: the query.
            sessions: reads the logon sessions that the caller sees, by LogonId.

        Raises:
            NotSupportedError: the class has no events, or no instance of the target classes can match.
            QuotaViolationError: a class that is compared has too many instances.
        """
        self._query, self._server = query, request.host_name
        self._check: Callable[[], None] = request.look.check
        self._streamed: list[StreamedClass] = []
        self._polled: list[PolledClass] = []
        self._extrinsic: list[tuple[Class, EventClass]] = []
        self._rules: dict[tuple[str, str], Rule | None] = {}
        self._operations: dict[str, Class] = {}  # the classes of events about instances, by name
        self._groups: EventGroups | None = None
        if query.grouping is not None:
            self._groups = EventGroups(query.grouping, query.cls, self._checkpoint)
        if query.cls.is_a(INSTANCE_OPERATION):
            self._prepare_instances(request, sessions)
        else:
            self._extrinsic = event_classes(query.cls)
            if not self._extrinsic:
                hint = "Win32_ProcessStartTrace, Win32_ProcessStopTrace, LS_LogonEvent, LS_UserChangeEvent"
                raise NotSupportedError(f"there are no events of {query.cls.name}", f"the classes are {hint}")

    def __repr__(self) -> str:
        return f"<EventQueryRun of {self._query.cls.name}>"

    def _prepare_instances(self, request: Request, sessions: Callable[[], dict[str, LogonSession]]) -> None:
        queried = self._query.cls
        members = queried.schema.class_with_subclasses(queried.name, queried.namespace)
        self._operations = {cls.name: cls for cls in members if cls.name in {CREATION, DELETION, MODIFICATION}}
        targets = {cls.name: cls for target in self._query.target_classes for cls in provided_classes(target)}
        classes = [
            cls
            for cls in targets.values()
            if any(self._rule(event_class, cls) is not None for event_class in self._operations.values())
        ]
        if not classes:
            names = ", ".join(target.name for target in self._query.target_classes)
            raise NotSupportedError(f"no instance of {names} can match", "watch a class that has instances here")
        sessions_by_id: dict[str, LogonSession] | None = None
        for cls in classes:
            if not is_streamed(cls):
                self._polled.append(PolledClass(request, cls, self._query.polling_seconds or 1.0))
                continue
            # the logon sessions are read once for all streamed classes
            if sessions_by_id is None:
                sessions_by_id = sessions()
            self._streamed.append(StreamedClass(cls, sessions_by_id))

    @property
    def due(self) -> float | None:
        """Return when ``poll`` has to be called next, in seconds of time.monotonic; None: not before another event."""
        moments = [polled.due for polled in self._polled]
        if self._groups is not None and (group_due := self._groups.due) is not None:
            moments.append(group_due)
        return min(moments, default=None)

    def results(self, request: EventRequest, visibility: Visibility, event: Event) -> Iterator[Instance]:
        """Yield the results for an event of the stream. The caller's access to the event is checked for each class."""
        self._check = request.look.check
        for streamed in self._streamed:
            visible_event = visibility.view_event(event, include_hidden=streamed.includes_hidden, of_instances=True)
            if visible_event is not None:
                for difference in streamed.differences(request, visible_event):
                    yield from self._deliver_difference(difference, filetime(event_seconds(event)))
        # a query of a superclass has several classes of events
        for cls, event_class in self._extrinsic:
            if isinstance(event, event_class.events):
                visible_event = visibility.view_event(event, include_hidden=event_class.is_for_hidden)
                if visible_event is not None:
                    row = event_row(request, cls, event_class, visible_event)
                    yield from self._deliver(self._rule(cls, None), (None, None, row))

    def poll(self, request: Request) -> Iterator[Instance]:
        """Yield the results that are due: differences between two readings, and complete groups."""
        self._check = request.look.check
        now = time.monotonic()
        for polled in self._polled:
            if polled.due <= now:
                moment = filetime(time.time())
                for difference in polled.poll(request):
                    yield from self._deliver_difference(difference, moment)
        if self._groups is not None:
            for representative, count in self._groups.complete():
                yield self._aggregate(representative, count)

    def _deliver_difference(self, difference: Difference, moment: int) -> Iterator[Instance]:
        cls, before, after = difference
        name = CREATION if before is None else DELETION if after is None else MODIFICATION
        event_class = self._operations.get(name)
        rule = None if event_class is None else self._rule(event_class, cls)
        if rule is None:
            return
        # a deletion event has the removed instance as TargetInstance, and no PreviousInstance
        target, previous = (before, None) if after is None else (after, before)
        values = {TARGET: target, PREVIOUS: previous, "TIME_CREATED": moment}
        row = tuple([values.get(column) for column in rule.columns])
        yield from self._deliver(rule, (target, previous, row))

    def _deliver(self, rule: Rule | None, values: EventValues) -> Iterator[Instance]:
        """If an event matches, yield its instance, or in a query with groups add the instance to its group."""
        if rule is None or (rule.matches is not None and not rule.matches(values)):
            return
        *embedded_rows, row = values
        event_values = list(row)
        if rule.target is not None:
            for name, embedded_row in zip((TARGET, PREVIOUS), embedded_rows, strict=True):
                if name in rule.columns and embedded_row is not None:
                    event_values[rule.columns.index(name)] = Instance(rule.target, embedded_row)
        instance = Instance(rule.shape, tuple(event_values))
        if self._groups is None:
            yield instance
        else:
            self._groups.add(tuple([read(values) for read in rule.by]), instance)

    def _aggregate(self, representative: Instance, count: int) -> Instance:
        cls = self._query.cls.schema.get(AGGREGATE, self._query.cls.namespace)
        values: dict[str, Any] = {"NumberOfEvents": count, "Representative": representative}
        return Instance(_whole_shape(cls, self._server), tuple([values.get(name) for name in cls.properties]))

    def _checkpoint(self) -> None:
        """Check the deadline of the present request. Predicates, which are compiled once, keep this method."""
        self._check()

    def _rule(self, event_class: Class, target: Class | None) -> Rule | None:
        """Return the rule for events of ``event_class`` about instances of ``target``; None: no such event matches."""
        key = event_class.name, "" if target is None else target.name
        if key not in self._rules:
            self._rules[key] = self._make_rule(event_class, target)
        return self._rules[key]

    def _make_rule(self, event_class: Class, target: Class | None) -> Rule | None:
        shape = _whole_shape(event_class, self._server)
        # SELECT TargetInstance.Name returns the whole embedded object, as WMI does
        if self._query.columns is not None:
            shape = shape._replace(shown=self._query.columns)
        condition = simplify(self._query.condition or TRUE, _ClassDecision(shape, target).decide)
        if condition == FALSE:
            return None
        readers = _ColumnReaders(event_class, target, self._server)
        matches = None
        if condition != TRUE:
            matches = compile_predicate(condition, readers.get, target or event_class, self._checkpoint, self._server)
        by = () if self._groups is None else tuple(map(readers.get, self._groups.by))
        target_shape = None if target is None else _whole_shape(target, self._server)
        return Rule(tuple(event_class.properties), shape, target_shape, matches, by)


def _whole_shape(cls: Class, server: str) -> Shape:
    """Return the shape of instances that show all properties of their class."""
    columns = tuple(cls.properties)
    return Shape(cls, column_indexes(columns), server, columns)


class _ClassDecision:
    """Replaces the terms of a condition that the event class and the target class alone decide."""

    def __init__(self, event_shape: Shape, target: Class | None) -> None:
        event_class, server = event_shape.cls, event_shape.server
        self._target = target
        property_count = sum(name not in SYSTEM_KINDS for name in event_shape.shown)
        self._constants: dict[str, Value] = system_properties(event_class, INSTANCE_GENUS, property_count, server)
        if target is not None:
            for embedded_name in (TARGET, PREVIOUS):
                constants = system_properties(target, INSTANCE_GENUS, len(target.properties), server)
                self._constants |= {f"{embedded_name}.{name}".upper(): value for name, value in constants.items()}
        self._event_class = event_class

    def decide(self, term: Term | NullTest) -> Condition:
        """Return what replaces a term; see ``wql.condition.simplify``."""
        if isinstance(term, Term) and term.kind == CLASS:
            is_a = self._target is not None and self._target.is_a(str(term.value))
            return Truth(is_a is (term.operator == ISA))
        if term.column in {TARGET, PREVIOUS}:
            return Truth(isinstance(term, NullTest) and not term.is_null)
        name = term.column.upper()
        if name in self._constants:
            constant = self._constants[name]
            return Truth(compile_predicate(term, _ConstantReader(constant).getter, self._event_class)(()))
        return term


class _ConstantReader:
    """A reader that returns a constant for every row."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def __call__(self, _: Any) -> Any:
        return self._value

    def getter(self, _: str) -> ColumnReader:
        """Return the reader of any column."""
        return self


class _ColumnReaders:
    """The readers of the columns of conditions and of BY."""

    def __init__(self, event_class: Class, target: Class | None, server: str) -> None:
        self._event_columns = column_indexes(tuple(event_class.properties))
        self._target, self._server = target, server

    def get(self, name: str) -> ColumnReader:
        """Return the reader of a column."""
        outer, _, inner = name.partition(".")
        if not inner:
            index = self._event_columns.get(name)
            return _ConstantReader(None) if index is None else _Reader(_EVENT_ROW, index)
        row_index, target = _TARGET_ROW if outer == TARGET else _PREVIOUS_ROW, self._target
        if target is None:
            return _ConstantReader(None)
        shape = _whole_shape(target, self._server)
        if inner.startswith("__"):
            return _PathReader(row_index, shape, inner.upper())
        declared = target.properties.get(inner)
        return _ConstantReader(None) if declared is None else _Reader(row_index, shape.columns[declared.name])
