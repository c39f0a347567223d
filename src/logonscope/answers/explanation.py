"""Explanation of a query, in words."""

from collections.abc import Mapping
from typing import NamedTuple


class PartExplained(NamedTuple):
    """The part of a query that is about one class.

    Attributes:
        class_name: the class.
        properties: the properties that are returned; empty: for events, all; for classes, associators and references,
            not determined.
        fixed: the properties for which the condition lists the possible values, if only rows with these values are
            read. The values are written as constants in WQL: texts have quotes.
        reads: what is read, from first to last; for events, the polling interval, if the query has one.
        predicate: for instances, the part of the condition that the reading alone does not guarantee (a query tests the
            whole condition on every row); for associators and references, the options of the query; for events, the
            whole condition; None: there is none.
    """

    class_name: str
    properties: tuple[str, ...]
    fixed: Mapping[str, tuple[str, ...]]
    reads: tuple[str, ...]
    predicate: str | None

    def __hash__(self) -> int:
        return hash((self.class_name, self.properties, self.reads, self.predicate))  # a mapping has no hash


class Explanation(NamedTuple):
    """The explanation of a query.

    Attributes:
        asks_for: instances, classes, associators, references or events.
        subject: for instances, the class of the FROM clause; for classes, the namespace; for associators and
            references, the path of the given instance; for events, the classes to which the condition limits
            TargetInstance, or if it has no such limit, the event class.
        parts: for instances, one part for each class that is read; for classes, one for each class that is returned;
            for associators, references and events, one part only.
    """

    asks_for: str
    subject: str
    parts: tuple[PartExplained, ...]
