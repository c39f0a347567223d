"""Provider: the table that makes the rows of one class from items that the broker reads and filters.

It names the subject of the items (processes, logon sessions, ...), which items are instances of the class, and for each
property how its value is made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple, Protocol

from logonscope.cim.types import Value
from logonscope.facts import Container, Machine, Process
from logonscope.machine import EVERYTHING, AccountLookup, Owner, Ownership, Selection

Subject = Literal[
    "process", "logon session", "desktop", "user", "group", "membership", "socket", "machine", "namespace"
]
"""Kinds of items. Each item is a tuple, whose parts are passed to the functions of a table as separate arguments:

process: (Process, Owner); logon session: (LogonSession, members as (Process, Owner)); desktop: these two parts for the
user manager, then for the login; user: (Account,); group: (Group,); membership: (Group, Account); socket: (Socket,
Process, Owner); machine: (HostSummary,); namespace: (name,).
"""

ALWAYS_NULL_PREFIX = "always null: "
"""Start of the source text of a property that is always null."""


COUNTS = "counts"
"""Pseudo-fact: the processes of the logon session are counted, so all of them are read."""

PASSWORDS = "passwords"
"""Pseudo-fact: the state of the accounts' passwords, which only an administrator gets."""

ADDRESS = "address"
"""Pseudo-fact: the same as ORIGIN, but only of logins whose record does not have the address."""

ORIGIN = "origin"
"""Pseudo-fact: the sockets of the leader are read, for the address and port that the login came from."""

AUTHENTICATION = "authentication"
"""Pseudo-fact: the log of sshd is read, for how the login authenticated."""


class LogonLookup(Protocol):
    """Lookup of values that are not in the item: of its logon session, its user and container, and its parent."""

    def is_leftover(self, owner: Owner) -> bool | None:
        """Return whether the processes of a logon session are leftovers; None if unknown."""
        ...

    def logon_guid(self, owner: Owner) -> str | None:
        """Return the GUID of a logon session; None if it has none."""
        ...

    def parent_command_line(self, process: Process) -> str | None:
        """Return the command line of the parent of a process; None if there is none that the caller may see."""
        ...

    def user_name(self, process: Process, owner: Owner) -> str | None:
        """Return the account name of a process's effective uid; None where it has none on this host."""
        ...

    def container(self, process: Process) -> Container | None:
        """Return the container that a process is in; None: in none."""
        ...


class Context(NamedTuple):
    """The values that a column function may need besides its item."""

    machine: Machine
    accounts: AccountLookup
    ownership: Ownership
    logons: LogonLookup


class Column(NamedTuple):
    """How a property is made: a function of the item and the context, its source in words, and the facts it needs."""

    value: Callable[..., Value]
    source: str
    facts: frozenset[str] = frozenset()


class _Constant:
    """A column function that returns the same value for every item."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def __call__(self, *_: object) -> Value:
        return self._value


def column(value: Callable[..., Value], source: str, *facts: str) -> Column:
    """Return a column that is made by a function."""
    return Column(value, source, frozenset(facts))


def constant(value: Value, source: str = "a constant") -> Column:
    """Return the column of a property that has the same value in all instances."""
    return Column(_Constant(value), source)


def always_null(reason: str) -> Column:
    """Return the column of a property that is always null, with the reason for the reference page."""
    return Column(_Constant(None), f"{ALWAYS_NULL_PREFIX}{reason}")


NO_COLUMN = constant(None)


def _is_any(*_: object) -> bool:
    return True


ToSelection = Callable[[Any, Mapping[str, Value]], Selection]
"""A function of a fixed value of its property, and of the properties that are fixed to one value only, by name."""


class End(NamedTuple):
    """An end of an association: the subject of its instances, and the part of the association's item that holds them.

    ``part`` counts the elements of the item. None: the item does not hold the instance; it is read by its key.
    """

    subject: Subject
    part: slice | None = None


class Provider(NamedTuple):
    """The table of one class. A property without a column is null."""

    subject: Subject
    columns: Mapping[str, Column]
    is_instance: Callable[..., bool] = _is_any  # whether an item is an instance of the class
    instance_facts: frozenset[str] = frozenset()  # the facts that is_instance needs
    selections: Mapping[str, ToSelection] = {}  # how the fixed value of a property narrows the reading
    # columns that are compared, but are no property: END.__CLASS (see row_filter)
    compared_columns: Mapping[str, Column] = {}
    ends: Mapping[str, End] = {}  # of an association, by reference
    include_hidden: bool = False  # processes of other users are included, with identity columns only
    distinct_key: Callable[..., object] | None = None  # only the first item with each key makes a row
    # a fast path, if exactly all columns are requested, in the order of the table; it does the checks of rows itself
    build_all_columns: Callable[[Iterable[Any], Context], Iterator[tuple[Value, ...]]] | None = None

    def facts_of_rows(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that rows of these columns need."""
        return self.instance_facts | self.facts_of_columns(columns)

    def facts_of_columns(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that the values of these columns need, without those of ``is_instance``."""
        return frozenset().union(*(self._column(name).facts for name in columns))

    def selection(self, fixed: Mapping[str, frozenset[Value]]) -> Selection:
        """Return the selection for properties that are fixed to one of these values each."""
        single = {name: value for name, values in fixed.items() if len(values) == 1 for value in values}
        narrowed = EVERYTHING
        for name, values in fixed.items():
            if to_selection := self.selections.get(name):
                # the values of one property are alternatives; several properties must all match
                alternatives = (to_selection(value, single) for value in values)
                narrowed = narrowed.intersection(reduce(Selection.union, alternatives))
        return narrowed

    def value_functions(self, columns: Iterable[str]) -> list[Callable[..., Value]]:
        """Return the functions that make the values of these columns from an item and its context."""
        return [self._column(name).value for name in columns]

    def _column(self, name: str) -> Column:
        return self.columns.get(name) or self.compared_columns.get(name) or NO_COLUMN

    def rows(
        self, items: Iterable[tuple[Any, ...]], context: Context, columns: Sequence[str]
    ) -> Iterator[tuple[Value, ...]]:
        """Return the rows of the items that are instances of the class; they are made while they are iterated."""
        if self.build_all_columns is not None and list(columns) == list(self.columns):
            return self.build_all_columns(items, context)
        return self._build_rows(items, context, columns)

    def _build_rows(
        self, items: Iterable[tuple[Any, ...]], context: Context, columns: Sequence[str]
    ) -> Iterator[tuple[Value, ...]]:
        values = self.value_functions(columns)
        seen_keys: set[object] = set()
        for item in items:
            if not self.is_instance(*item, context):
                continue
            if self.distinct_key is not None:
                key = self.distinct_key(*item, context)
                if key in seen_keys:
                    continue
                seen_keys.add(key)
            yield tuple([value(*item, context) for value in values])
