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


def test_an_older_database_becomes_one_with_the_same_tables() -> None:
    """The tables of version 2 are those of today without what the migrations from it add."""
    later = {name for statements in list(schema.MIGRATIONS.values())[1:] for name in statements}
    database = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.TABLES:
        if statement not in later:
            statement = statement.replace(", epoch INT, first INT, last INT, codes BLOB", "")  # noqa: PLW2901 -- as it was
            database.execute(statement.replace("listed TEXT", "sudo TEXT"))
    schema.migrate(database, 2)
    new = sqlite3.connect(":memory:", isolation_level=None)
    schema.create_tables(new)
    query = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    assert database.execute(query).fetchall() == new.execute(query).fetchall()
    database.close()
    new.close()
