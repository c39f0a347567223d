"""Rows for tests: numbers as a result of one class, and an enumeration of them."""

from collections.abc import Iterable, Iterator

from logonscope.broker import Caller
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.dispatch.enumerations import Enumeration, Enumerations, Rows
from logonscope.machine import Deadline
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

PROCESS = schema().get("Win32_Process")


def numbered(numbers: Iterable[int]) -> Iterator[ClassRows]:
    """Return a result whose rows are these numbers."""
    yield ClassRows(PROCESS, ("Handle",), ((str(number),) for number in numbers))


def enumeration(
    numbers: Iterable[int],
    caller: Caller = ROOT,
    enumerations: Enumerations | None = None,
    deadline: Deadline | None = None,
) -> Enumeration:
    """Return an enumeration of numbers."""
    kept = Enumerations(100, 100, 60.0) if enumerations is None else enumerations
    return Enumeration(kept, Memory(SNAPSHOT).request(caller), deadline or Deadline(), Rows(numbered(numbers)))


def taken(rows: Enumeration, most: int) -> list[int]:
    """Take rows, and return their numbers."""
    return [int(str(row[0])) for _, row in rows.take(most)]
