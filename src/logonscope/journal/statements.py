"""Statements for many rows at once: the interpreter's lock is taken once for each statement, not for each row."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

MAX_PARAMETERS = 7000
"""Maximum number of parameters of one statement: well below SQLite's limit of 32,766."""

INSERT_SIZES = (512, 128, 32, 8, 1)
"""Possible numbers of rows in one statement. There are few, so that SQLite compiles each statement only once."""


def insert_rows(database: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]], verb: str = "INSERT") -> None:
    """Insert rows into a table; each row has all columns of the table, in their order."""
    if not rows:
        return
    columns = len(rows[0])
    _run_in_sizes(database, f"{verb} INTO {table} VALUES {{}}", columns, rows)


def update_rows(database: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run an UPDATE ... FROM (VALUES {}): the rows replace ``{}``."""
    if rows:
        _run_in_sizes(database, statement, len(rows[0]), rows)


def _run_in_sizes(database: sqlite3.Connection, statement: str, columns: int, rows: Sequence[Sequence[Any]]) -> None:
    # the largest size first; the remaining rows are written with the smaller sizes
    first, row_marks = 0, f"({','.join('?' * columns)})"
    for size in INSERT_SIZES:
        if size * columns > MAX_PARAMETERS:
            continue
        text = statement.format(",".join([row_marks] * size))
        while len(rows) - first >= size:
            database.execute(text, tuple(chain.from_iterable(rows[first : first + size])))
            first += size
