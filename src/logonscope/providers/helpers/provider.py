"""What is a provider? A table: what its rows are of, which of them are instances of its class, what each property is.

The rows are of one subject (processes, logon sessions, ...), which the broker reads and filters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, Literal, NamedTuple, Protocol

from logonscope.cim.types import Value
from logonscope.facts import Machine
from logonscope.machine import EVERYTHING, AccountLookup, Owner, Ownership, Selection

Subject = Literal[
    "process", "logon session", "desktop", "user", "group", "membership", "socket", "machine", "namespace"
]
"""What rows are of. Each item is a tuple, and is passed to the functions of a table part by part:

process: (Process, Owner); logon session: (LogonSession, members as (Process, Owner)); desktop: the same of the user
manager and of the login, four parts; user: (Account,); group: (Group,); membership: (Group, Account); socket: (Socket,
Process, Owner); machine: (Census,); namespace: (name,).
"""

NOWHERE = "always null: "
"""How the source of a property begins that Linux has nothing for."""


COUNTS = "counts"
"""Beside facts of Process: the processes of the logon session are counted, so all of them are read."""


class LogonLookup(Protocol):
    """What is known of a logon session by the owner of one of its processes."""

    def is_left(self, owner: Owner) -> bool | None:
        """Return whether its processes are left over; None where that cannot be told."""
        ...

    def logon_guid(self, owner: Owner) -> str | None:
        """Return its GUID; None where it has none."""
        ...


class Context(NamedTuple):
    """What a value may need besides its item."""

    machine: Machine
    accounts: AccountLookup
    ownership: Ownership
    logons: LogonLookup


class Column(NamedTuple):
    """What a property is made of: a function of the item and the context, the facts it needs, where they come from."""

    value: Callable[..., Value]
    source: str
    facts: frozenset[str] = frozenset()


def column(value: Callable[..., Value], source: str, *facts: str) -> Column:
    """Return a column."""
    return Column(value, source, frozenset(facts))


def always(value: Value, source: str = "a constant") -> Column:
    """Return the column of a property that is the same for all."""
    return Column(lambda *_: value, source)


def nothing(reason: str) -> Column:
    """Return the column of a property that Linux has nothing for."""
    return Column(lambda *_: None, f"{NOWHERE}{reason}")


NOTHING = always(None)


def _every(*_: object) -> bool:
    return True


Fix = Callable[[Any, Mapping[str, Value]], Selection]
"""What the fixed value of a property means, beside all that is fixed."""


class End(NamedTuple):
    """What stands at an end of an association: of which subject, and which part of the association's item it is.

    ``part`` None: it is no part of the item, and is looked up by its key.
    """

    subject: Subject
    part: slice | None = None


class Provider(NamedTuple):
    """How a class gets its instances. A property without a column is null."""

    subject: Subject
    columns: Mapping[str, Column]
    of: Callable[..., bool] = _every  # which items are instances of the class
    of_facts: frozenset[str] = frozenset()  # what that takes
    fixes: Mapping[str, Fix] = {}  # what a fixed value of a property narrows the reading to
    hidden: Mapping[str, Column] = {}  # what is compared and no property: END.__CLASS, where an end names a class above
    ends: Mapping[str, End] = {}  # of an association: what its references are made of
    others: bool = False  # everybody has a row, of which somebody else sees what identifies it
    distinct: Callable[..., object] | None = None  # of items with the same value the first is the row
    whole: Callable[[Iterable[Any], Context], Iterator[tuple[Value, ...]]] | None = None  # all columns by a shorter way

    def facts(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that rows of these columns need."""
        return self.of_facts | self.facts_of(columns)

    def facts_of(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the facts that the values of these columns alone need."""
        return frozenset().union(*(self._column(name).facts for name in columns))

    def selection(self, fixed: Mapping[str, frozenset[Value]]) -> Selection:
        """Return what properties that have one of these values narrow the reading to."""
        single = {name: value for name, values in fixed.items() if len(values) == 1 for value in values}
        narrowed = EVERYTHING
        for name, values in fixed.items():
            if fix := self.fixes.get(name):
                means = (fix(value, single) for value in values)
                narrowed = narrowed.narrowed(reduce(Selection.widened, means))
        return narrowed

    def values(self, columns: Iterable[str]) -> list[Callable[..., Value]]:
        """Return what makes the value of each of these columns of an item and its context."""
        return [self._column(name).value for name in columns]

    def _column(self, name: str) -> Column:
        return self.columns.get(name) or self.hidden.get(name) or NOTHING

    def rows(
        self, items: Iterable[tuple[Any, ...]], context: Context, columns: Sequence[str]
    ) -> Iterator[tuple[Value, ...]]:
        """Return the rows of those items that are instances of the class."""
        if self.whole is not None and list(columns) == list(self.columns):
            return self.whole(items, context)
        return self._rows(items, context, columns)

    def _rows(
        self, items: Iterable[tuple[Any, ...]], context: Context, columns: Sequence[str]
    ) -> Iterator[tuple[Value, ...]]:
        values = self.values(columns)
        seen: set[object] = set()
        for item in items:
            if not self.of(*item, context):
                continue
            if self.distinct is not None:
                mark = self.distinct(*item, context)
                if mark in seen:
                    continue
                seen.add(mark)
            yield tuple([value(*item, context) for value in values])
