"""Checks that a query selects instances, or that it selects classes, made on its rows while they are iterated."""

from typing import TYPE_CHECKING, cast

from logonscope.cim.classes import Class
from logonscope.errors import InvalidParameterError

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance
    from logonscope.client.host import RowIterator


def only_instances(rows: "RowIterator[Instance | Class]") -> "RowIterator[Instance]":
    """Yield the rows of a query that selects instances.

    Raises:
        InvalidParameterError: the query selects classes.
    """
    try:
        # A query selects either instances or classes: checking the first row is enough, and costs nothing per row.
        first_row = next(rows, None)
        if isinstance(first_row, Class):
            raise InvalidParameterError(f"the query selects classes: {first_row.name}, ...", "use query_classes()")
        if first_row is not None:
            yield first_row
        yield from cast("RowIterator[Instance]", rows)
    finally:
        rows.close()


def only_classes(rows: "RowIterator[Instance | Class]") -> "RowIterator[Class]":
    """Yield the rows of a query that selects classes.

    Raises:
        InvalidParameterError: the query selects instances.
    """
    try:
        for row in rows:
            if not isinstance(row, Class):
                raise InvalidParameterError(f"the query selects instances: {row!r}, ...", "use query()")
            yield row
    finally:
        rows.close()
