"""Provider: the table that makes the rows of one class from items that the broker reads and filters.

The table names the subject of the items (processes, logon sessions, ...), which items are instances of the class, and
for each property how its value is made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, Literal, NamedTuple, Protocol

from logonscope.cim.types import Value
from logonscope.facts import Container, Machine, Process
from logonscope.machine import EVERYTHING, AccountLookup, Owner, Ownership, Selection
from logonscope.providers.helpers.text import clean
from logonscope.wql.ranges import ColumnRange

Subject = Literal[
    "process",
    "logon session",
    "desktop",
    "user",
    "group",
    "membership",
    "socket",
    "service",
    "profile",
    "unit request",
    "mapped file",
    "sub session",
    "logon record",
    "process record",
    "change record",
    "change of process",
    "failed logon record",
    "user change record",
    "present logon record",
    "present process record",
    "processor",
    "machine",
    "namespace",
]
"""Kinds of items. Each item is a tuple, whose elements are passed to the functions of a table as separate arguments:

process: (Process, Owner); logon session: (LogonSession, members as (Process, Owner)); desktop: (LogonSession of the
user manager, its members, LogonSession of the login, its members); user: (Account,); group: (Group,); membership:
(Group, Account); socket: (Socket, Process, Owner); service: (Service,); profile: (Profile,); unit request:
(UnitRequest, Owner); mapped file: (path, address, Process, Owner); sub session: (outer Owner, inner Owner, first
Process, its parent); logon record: (PastLogin,); process record: (PastProcess, PastLogin); change record:
(PastChange,); change of process: (PastChange, PastProcess, PastLogin); failed logon record: (PastFailedLogon,); user
change record: (PastUserChange,); present logon record: (PastLogin,); present process record: (Process, Owner,
PastProcess, PastLogin); machine: (HostSummary,); processor: (HostSummary, number of the package); namespace: (name,).
"""

MAX_LAYOUTS = 256
"""Maximum number of cached row layouts, over all classes: one for each class and list of columns."""

ALWAYS_NULL_PREFIX = "always null: "
"""Start of the source text of a property that is always null."""


COUNTS = "counts"
"""Pseudo-fact: the processes of the logon session are counted, so all of them are read."""

PASSWORDS = "passwords"
"""Pseudo-fact: the states of the accounts' passwords are read. Only an administrator gets them."""

ADDRESS = "address"
"""Pseudo-fact: the address that the login came from is read: from the leader's sockets if the login record lacks it."""

ORIGIN = "origin"
"""Pseudo-fact: the sockets of the leader are read, for the address and port that the login came from."""

AUTHENTICATION = "authentication"
"""Pseudo-fact: the log of sshd is read, for how the user authenticated."""


NAMED_SERVICES = "named services"
"""Pseudo-fact: the items include the services of users' managers, and services that the system's manager does not list.
Their names come from the control groups of the processes, which are read for this purpose."""


COMMAND_LINES = "command lines"
"""Pseudo-fact: the command lines in records of the history are read."""


class LogonLookup(Protocol):
    """Lookup of values that are not in the item, about the logon session, user, container and parent of a process.

    A column that calls a method must name the facts that the method needs: without them, the result can be wrong.
    OWNER_FACT is that of ``logonscope.machine``.
    """

    def is_leftover(self, owner: Owner) -> bool | None:
        """Return whether the processes of a logon session are leftovers; None if unknown. Needs OWNER_FACT."""
        ...

    def logon_guid(self, owner: Owner) -> str | None:
        """Return the GUID of a logon session; None if it has none. Needs OWNER_FACT."""
        ...

    def parent_command_line(self, process: Process) -> str | None:
        """Return the command line of the parent of a process; None if there is none that the caller may see.

        Needs the facts ``ppid`` and ``start``.
        """
        ...

    def user_name(self, process: Process, owner: Owner) -> str | None:
        """Return the account name of a process's effective uid; None if the uid has no account on this host.

        Needs the facts in ``USER_FACTS`` of providers/ls_process.py.
        """
        ...

    def container(self, process: Process) -> Container | None:
        """Return the container of a process; None if it is in no container. Needs ``location_fact`` of Ownership."""
        ...


class Context(NamedTuple):
    """The values that a column function may need besides its item."""

    machine: Machine
    accounts: AccountLookup
    ownership: Ownership
    logons: LogonLookup


class Column(NamedTuple):
    """How a property is made: a function of the item and the context, its source in words, and the facts it needs."""

    make_value: Callable[..., Value]
    source: str
    facts: frozenset[str] = frozenset()
    limits: tuple[int, int] | None = None  # least and greatest number of the property's type; outside: null

    def checked_value(self, *item: Any) -> Value:
        """Return the value for an item and the context, which is the last argument; null if it is out of the limits."""
        value: Any = self.make_value(*item)
        if value is None or self.limits is None or self.limits[0] <= value <= self.limits[1]:
            return value  # type: ignore[no-any-return]  # the function of a column has no types
        return None


class _Constant:
    """A column function that returns the same value for every item."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def __call__(self, *_: object) -> Value:
        return self._value


class _HostValue:
    """A column function that reads the context only, so that all rows of an answer have the same value."""

    def __init__(self, make_value: Callable[[Context], Value]) -> None:
        self._make_value = make_value

    def __call__(self, *item_and_context: Any) -> Value:
        return self._make_value(item_and_context[-1])


class _FactValue:
    """A column function that returns a fact of the process in an item (Process, Owner); a text is cleaned."""

    def __init__(self, name: str) -> None:
        self.index = Process._fields.index(name)

    def __call__(self, process: Process, *_: object) -> Any:
        value = process[self.index]
        return clean(value) if isinstance(value, str) else value


def column(make_value: Callable[..., Value], source: str, *facts: str) -> Column:
    """Return the column whose values a function makes."""
    return Column(make_value, source, frozenset(facts))


def fact_column(name: str, source: str) -> Column:
    """Return the column of a fact of the process; a text is cleaned, any other value is returned as it is.

    The column costs one call for each row, unless the property is an integer.
    """
    return Column(_FactValue(name), source, frozenset({name}))


def host_column(make_value: Callable[[Context], Value], source: str) -> Column:
    """Return the column of a property that has the same value in all instances of one answer."""
    return Column(_HostValue(make_value), source)


def constant(value: Value, source: str = "a constant") -> Column:
    """Return the column of a property that has the same value in all instances."""
    return Column(_Constant(value), source)


def always_null(reason: str) -> Column:
    """Return the column of a property that is always null, with the reason for the reference page."""
    return Column(_Constant(None), f"{ALWAYS_NULL_PREFIX}{reason}")


class _RowLayout:
    """The columns of a row, grouped by the way in which their values are made.

    Values that are the same in all rows are made once. A fact costs no call if its property is an integer.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.facts = frozenset[str]().union(*(column.facts for column in columns))
        """The facts that the values of the columns need."""
        self._constant_values: list[Any] = [None] * len(columns)  # a row with the values of constants
        self._host_columns: list[tuple[int, Column]] = []  # index in the row, column with one value in an answer
        self._fact_columns: list[tuple[int, int, int, int]] = []  # index in the row, index in the process, limits
        self._number_columns: list[tuple[int, Callable[..., Any], int, int]] = []  # index in the row, function, limits
        self._function_columns: list[tuple[int, Callable[..., Value]]] = []
        # columns with the function of an earlier column: index in the row, index of the earlier column
        self._repeated_columns: list[tuple[int, int]] = []
        for index, column in enumerate(columns):
            self._add(index, column)

    def _add(self, index: int, column: Column) -> None:
        if isinstance(column.make_value, _Constant):
            self._constant_values[index] = column.checked_value()
        elif isinstance(column.make_value, _HostValue):
            self._host_columns.append((index, column))
        elif column.limits is not None and isinstance(column.make_value, _FactValue):
            self._fact_columns.append((index, column.make_value.index, *column.limits))
        elif column.limits is not None:
            self._number_columns.append((index, column.make_value, *column.limits))
        else:
            earlier_indexes = (i for i, make_value in self._function_columns if make_value is column.make_value)
            earlier_index = next(earlier_indexes, None)
            if earlier_index is None:
                self._function_columns.append((index, column.make_value))
            else:
                self._repeated_columns.append((index, earlier_index))

    def template(self, context: Context) -> list[Any]:
        """Return a row with the values that are the same in all rows of an answer."""
        row = self._constant_values.copy()
        for index, column in self._host_columns:
            row[index] = column.checked_value(context)
        return row

    def row(self, template: list[Any], item: tuple[Any, ...], context: Context) -> tuple[Value, ...]:
        row, process = template.copy(), item[0]
        for index, fact, low, high in self._fact_columns:
            number = process[fact]
            if number is not None and low <= number <= high:
                row[index] = number
        for index, make_number, low, high in self._number_columns:
            number = make_number(*item, context)
            if number is not None and low <= number <= high:
                row[index] = number
        for index, make_value in self._function_columns:
            row[index] = make_value(*item, context)
        for index, earlier_index in self._repeated_columns:
            row[index] = row[earlier_index]
        return tuple(row)


NULL_COLUMN = constant(None)
"""The column for a name that is not in the table: its value is always null."""

NULL_COLUMN_NAME = ""
"""A name that no table has, used in place of the name of a column that cannot be computed: the value is null."""


def _is_always_instance(*_: object) -> bool:
    return True


ToSelection = Callable[[Any, Mapping[str, Value]], Selection]
"""A function that converts a value of a property to a selection, which limits what is read.

The function is called with each value that the condition allows for this property, and with a mapping that has
the value of every property with exactly one allowed value.
"""


class End(NamedTuple):
    """An end of an association.

    Attributes:
        subject: the subject of the instances at this end.
        item_slice: the elements of the association's item that are the item of the instance at this end. None: the
            association's item does not contain them, so the instance is read by the key in the reference. There is one
            exception: from a process, its logon session is not read by the key, but described from the process.
    """

    subject: Subject
    item_slice: slice | None = None


class Provider(NamedTuple):
    """The table of one class.

    A test requires a column for every property of the class: ``always_null`` where Linux has no value. For every key,
    the test requires a selection, or the reason why the value of the key cannot limit the reading.
    """

    subject: Subject
    columns: Mapping[str, Column]
    is_instance: Callable[..., bool] = _is_always_instance  # whether an item is an instance of the class
    instance_facts: frozenset[str] = frozenset()  # the facts that is_instance needs
    selections: Mapping[str, ToSelection] = {}  # by property: how a value that a condition fixes limits the reading
    # By property: the name (STARTED and others of broker/records.py) under which the reader of the history gets the
    # range of values that a condition allows. It reads only these records.
    ranges: Mapping[str, str] = {}
    # columns END.__CLASS: the class of the instance at an end. The class of a path is compared with this class, because
    # the reference in the row may name a superclass.
    compared_columns: Mapping[str, Column] = {}
    ends: Mapping[str, End] = {}  # of an association, by the name of the reference
    include_hidden: bool = False  # processes that the caller may not see are included, with identity columns only
    distinct_key: Callable[..., object] | None = None  # only the first item with each key makes a row
    # Makes rows of all columns, in the order of the table, from groups, each a LogonId with pids. It is faster than the
    # functions of the columns, and is used if all columns are requested and only logon sessions are selected.
    rows_of_groups: Callable[[Iterable[tuple[str, Sequence[int]]]], Iterator[tuple[Value, ...]]] | None = None

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same object: row layouts are cached by provider, and mappings have no hash."""
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def facts_of_rows(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that rows of these columns need."""
        return self.instance_facts | self._layout(tuple(columns)).facts

    def facts_of_columns(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that the values of these columns need, without the facts that ``is_instance`` needs."""
        return self._layout(tuple(columns)).facts

    def columns_without(self, fact: str, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the columns, with NULL_COLUMN_NAME in place of each column that needs this fact."""
        return tuple(NULL_COLUMN_NAME if fact in self._column(name).facts else name for name in columns)

    def selection(self, fixed: Mapping[str, frozenset[Value]]) -> Selection:
        """Return the selection for fixed properties, given as a mapping from property to allowed values."""
        single_values = {name: value for name, values in fixed.items() if len(values) == 1 for value in values}
        selections = []
        for name, values in fixed.items():
            if to_selection := self.selections.get(name):
                # the values of one property are alternatives; several properties must all match
                alternatives = (to_selection(value, single_values) for value in values)
                selections.append(reduce(Selection.union, alternatives))
        return reduce(Selection.intersection, selections) if selections else EVERYTHING

    def limits(self, ranges: Mapping[str, ColumnRange]) -> Mapping[str, ColumnRange]:
        """Return the ranges for the reader of the history, by the names in the field ``ranges``; leave out others."""
        return {self.ranges[name]: value_range for name, value_range in ranges.items() if name in self.ranges}

    def value_functions(self, columns: Iterable[str]) -> list[Callable[..., Value]]:
        """Return the functions that make the values of these columns from an item and its context."""
        return [self._column(name).checked_value for name in columns]

    @lru_cache(MAX_LAYOUTS)  # noqa: B019 -- a provider is kept as long as the program runs anyway
    def _layout(self, columns: tuple[str, ...]) -> _RowLayout:
        return _RowLayout([self._column(name) for name in columns])

    def _column(self, name: str) -> Column:
        return self.columns.get(name) or self.compared_columns.get(name) or NULL_COLUMN

    def rows(
        self, items: Iterable[tuple[Any, ...]], context: Context, columns: Sequence[str]
    ) -> Iterator[tuple[Value, ...]]:
        """Yield the rows of the items that are instances of the class."""
        layout = self._layout(tuple(columns))
        make_row, seen_keys = layout.row, set[object]()
        template: list[Any] | None = None  # made with the first row: many classes have no instance
        has_instance_test = self.is_instance is not _is_always_instance
        for item in items:
            if has_instance_test and not self.is_instance(*item, context):
                continue
            if self.distinct_key is not None:
                key = self.distinct_key(*item, context)
                if key in seen_keys:
                    continue
                seen_keys.add(key)
            if template is None:
                template = layout.template(context)
            yield make_row(template, item, context)
