"""Parquet: rows as a table with typed columns, for DuckDB, Spark and lakes."""

import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import IO, Any, Literal, NamedTuple, Self, Union, get_args, get_origin, get_type_hints

from logonscope.errors import NotSupportedError
from logonscope.extras import install_command

BATCH_ROWS = 10_000


class Column(NamedTuple):
    """A column of the table. ``path``: the fields that lead to its values, because a field can be an inner row."""

    name: str
    path: tuple[str, ...]
    type: Any  # str, int, float, bool, datetime, or Mapping (with texts as keys and values)


def columns_of(row_type: Any, path: tuple[str, ...] = ()) -> list[Column]:
    """Return the columns of a row type: all fields but lists. A field of an inner row is named "outer_inner"."""
    columns = list[Column]()
    hints = get_type_hints(row_type)
    for name in row_type._fields:
        hint = _without_none(hints[name])
        field_path = (*path, name)
        if hasattr(hint, "_fields"):
            columns += columns_of(hint, field_path)
        # lists are left out: readers of Parquet expect one value in each row and column
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
    count, remaining = 0, iter(rows)
    with ParquetFile(row_type, file) as writer:
        while batch := list(islice(remaining, BATCH_ROWS)):
            writer.write(batch)
            count += len(batch)
    return count


class ParquetFile:
    """A Parquet file that is written in batches of rows of one type. It is complete only when it has been closed."""

    def __init__(self, row_type: Any, file: IO[bytes]) -> None:
        """Begin the file.

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
            str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(),
            datetime: pa.timestamp("us", "UTC"), Mapping: pa.map_(pa.string(), pa.string()),
        }  # fmt: skip
        self._columns = columns_of(row_type)
        self._schema = pa.schema([(column.name, arrow_types[column.type]) for column in self._columns])
        # an attribute, because pyarrow is imported only here
        self._make_batch = pa.record_batch
        self._writer = parquet.ParquetWriter(file, self._schema)

    def __repr__(self) -> str:
        return f"<ParquetFile of {len(self._columns)} columns>"

    def write(self, rows: Sequence[Any]) -> None:
        """Write a batch of rows."""
        arrays = [[_value(row, column.path) for row in rows] for column in self._columns]
        self._writer.write_batch(self._make_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Complete the file."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(part for part in get_args(hint) if part is not type(None))
    # the values of a Literal are texts here
    return str if get_origin(hint) is Literal else hint


def _value(row: Any, path: tuple[str, ...]) -> Any:
    # If an inner row is None, each of its fields is None.
    for name in path:
        row = None if row is None else getattr(row, name)
    return list(row.items()) if isinstance(row, Mapping) else row
