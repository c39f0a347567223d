"""Parquet: rows as a table with typed columns, for DuckDB, Spark and lakes."""

import types
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import IO, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from logonscope.errors import NotSupportedError
from logonscope.extras import install_command

BATCH_ROWS = 10_000


class Column(NamedTuple):
    """A column: its name, and the path of fields to its values (a field, or a field of a row in a field)."""

    name: str
    path: tuple[str, ...]
    type: Any  # str, int, float, bool, datetime, or Mapping for texts by name


def columns_of(row_type: Any, path: tuple[str, ...] = ()) -> list[Column]:
    """Return the columns of a row type: its fields, and those of rows in it as "outer_inner"; without lists."""
    columns = list[Column]()
    hints = get_type_hints(row_type)
    for name in row_type._fields:
        hint = _without_none(hints[name])
        field_path = (*path, name)
        if hasattr(hint, "_fields"):
            columns += columns_of(hint, field_path)
        # A list would be a column of rows: readers want one row for each process.
        elif get_origin(hint) is None:
            columns.append(Column("_".join(field_path), field_path, hint))
        elif issubclass(get_origin(hint), Mapping):
            columns.append(Column("_".join(field_path), field_path, Mapping))
    return columns


def write_parquet(rows: Iterable[Any], row_type: Any, file: IO[bytes]) -> int:
    """Write rows of one type as a Parquet file; return their number.

    Raises:
        NotSupportedError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 -- an extra
        from pyarrow import parquet  # noqa: PLC0415 -- an extra
    except ImportError as error:
        reason = f"cannot write Parquet: module {error.name} is not installed"
        raise NotSupportedError(reason, f"run {install_command('parquet')}") from None
    arrow_types = {
        str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), datetime: pa.timestamp("us", "UTC"),
        Mapping: pa.map_(pa.string(), pa.string()),
    }  # fmt: skip
    columns = columns_of(row_type)
    schema = pa.schema([(column.name, arrow_types[column.type]) for column in columns])
    count, unread = 0, iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while batch := list(islice(unread, BATCH_ROWS)):
            arrays = [[_value(row, column.path) for row in batch] for column in columns]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _value(row: Any, path: tuple[str, ...]) -> Any:
    # Of a row in a row that is None, every field is None.
    for name in path:
        row = None if row is None else getattr(row, name)
    return list(row.items()) if isinstance(row, Mapping) else row
