"""Which rows are meant? A condition on the rows of a class, made of an instance's keys or of a query."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from logonscope.cim.binding import related
from logonscope.cim.schema import schema
from logonscope.cim.types import Value

Row = tuple[Value, ...]
Get = Callable[[Sequence[Value]], Value]
Fits = Callable[[Sequence[Value]], bool]


class Where(NamedTuple):
    """What must hold for a row: of which properties, what it fixes, and how it is looked at.

    ``compiled`` takes what takes a property out of a row, and returns what tells whether a row is meant.
    """

    columns: tuple[str, ...]
    fixed: Mapping[str, frozenset[Value]]
    compiled: Callable[[Callable[[str], Get]], Fits]

    def fits(self, columns: Sequence[str]) -> Fits:
        """Return what tells whether a row of these columns is meant."""
        at = {name: index for index, name in enumerate(columns)}
        return self.compiled(lambda name: itemgetter(at[name]))


def keyed_by(keys: Mapping[str, Value]) -> Where:
    """Return the condition that properties have these values."""

    def compiled(get: Callable[[str], Get]) -> Fits:
        tests = [(get(name), value) for name, value in keys.items()]
        return lambda row: all(same(of(row), value) for of, value in tests)

    return Where(tuple(keys), {name: frozenset({value}) for name, value in keys.items()}, compiled)


def same(one: Value, other: Value) -> bool:
    """Tell whether two keys are the same: text without regard to case, references by what they name, to the letter."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one[1:] == other[1:] and related(str(one[0]), str(other[0]), schema())
    return one == other
