"""Queries for the items that the rows of a class are made of."""

from collections.abc import Mapping
from typing import NamedTuple

from logonscope.broker.request import ProcessOwnerFilter
from logonscope.machine import EVERYTHING, Facts, Selection
from logonscope.wql.ranges import ColumnRange


class ItemQuery(NamedTuple):
    """A query for items: the facts, pseudo-facts or parts of the machine to read, and what narrows the reading."""

    facts: Facts
    selection: Selection = EVERYTHING
    include_hidden: bool = False  # include processes that the caller may not see, with identity facts only
    namespace: str = ""
    # applied before the other facts of a process are read; a reader may ignore it
    process_filter: ProcessOwnerFilter | None = None
    limits: Mapping[str, ColumnRange] = {}  # ranges of values of records, see ``broker.records``
