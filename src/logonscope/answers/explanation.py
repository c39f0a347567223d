"""How a query is answered, in words."""

from collections.abc import Mapping
from typing import NamedTuple


class PartExplained(NamedTuple):
    """What a query asks of one class."""

    class_name: str
    properties: tuple[str, ...]
    fixed: Mapping[str, tuple[str, ...]]  # properties that narrow the reading, and the values that they may have
    reads: tuple[str, ...]  # in this order
    predicate: str | None  # what is left to be looked at, row by row

    def __hash__(self) -> int:
        return hash((self.class_name, self.properties, self.reads, self.predicate))  # a mapping has no hash


class Explanation(NamedTuple):
    """How a query is answered: ``asks_for`` instances, classes, associators, references or events."""

    asks_for: str
    of: str  # the class, or the path of the instance
    parts: tuple[PartExplained, ...]
