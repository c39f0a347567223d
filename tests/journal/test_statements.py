"""Statements for many rows."""

import sqlite3

from logonscope.journal.statements import insert_rows, update_rows


def test_any_number_of_rows_is_written() -> None:
    for count in (0, 1, 7, 8, 511, 512, 1400):
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
        insert_rows(database, "t", [(number, number) for number in range(count)])
        statement = "UPDATE t SET value = e.column2 FROM (VALUES {}) AS e WHERE t.id = e.column1"
        update_rows(database, statement, [(number, -number) for number in range(0, count, 2)])
        expected = [(number, number if number % 2 else -number) for number in range(count)]
        assert database.execute("SELECT * FROM t ORDER BY id").fetchall() == expected
        database.close()
