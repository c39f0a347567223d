"""The schema: tables, version and migrations."""

import sqlite3

from logonscope.journal import schema


def test_a_new_database_has_every_table_and_its_version() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    schema.create_tables(database)
    assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert database.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
    columns = [row[1] for row in database.execute("PRAGMA table_info(process)")]
    assert columns == [row[1] for row in database.execute("PRAGMA table_info(recent)")]
    assert len(columns) == 14
    schema.migrate(database, schema.VERSION)
    assert set(schema.MIGRATIONS) == set(range(1, schema.VERSION))
    database.close()
