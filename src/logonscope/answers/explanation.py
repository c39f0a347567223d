"""Explanation of a query, in words."""

from collections.abc import Mapping
from typing import NamedTuple


class PartExplained(NamedTuple):
    """The part of a query that reads one class."""

    class_name: str
    properties: tuple[str, ...]
    fixed: Mapping[str, tuple[str, ...]]  # properties that narrow the reading, with their possible values
    reads: tuple[str, ...]  # in this order
    predicate: str | None  # the part of the condition that is tested on each row

    def __hash__(self) -> int:
        return hash((self.class_name, self.properties, self.reads, self.predicate))  # a mapping has no hash


class Explanation(NamedTuple):
    """The explanation of a query. ``asks_for``: instances, classes, associators, references or events."""

    asks_for: str
    of: str  # the class, or the path of the instance
    parts: tuple[PartExplained, ...]
