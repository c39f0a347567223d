"""Which indexes of the journal lead to the rows of a query, as SQLite plans it."""

import re
from collections.abc import Sequence

from logonscope.journal.change_rows import change_conditions
from logonscope.journal.logon_conditions import logon_conditions
from logonscope.journal.process_rows import INDEXED, make_conditions
from logonscope.journal.reader import Reader
from logonscope.machine.history import ChangeRecordQuery, LogonRecordQuery, ProcessRecordQuery

_USED = re.compile(r"USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY))")
PRIMARY_KEY = "record number"


def used_indexes(reader: Reader, query: LogonRecordQuery | ProcessRecordQuery | ChangeRecordQuery) -> Sequence[str]:
    """Return the names of the indexes; none: all rows are read."""
    if isinstance(query, LogonRecordQuery):
        where, parameters = logon_conditions(reader, reader.moments(), query)
        return _plan(reader, f"SELECT * FROM logon WHERE {where}", parameters)
    if isinstance(query, ChangeRecordQuery):
        has_times = query.since is not None or query.until is not None
        span = " AND id > 0 AND id < 9" if has_times else ""
        return _plan(reader, f"SELECT * FROM change WHERE {change_conditions(query)}{span} ORDER BY id")
    conditions = make_conditions(reader, query)
    if conditions.numbers is not None:
        return [PRIMARY_KEY]
    column = next((name for name in INDEXED if name in conditions.columns), None)
    has_times = (query.since, query.until, query.started_since) != (None, None, None)
    if column is not None:
        values = ",".join(map(str, conditions.columns[column])) or "0"
        return _plan(reader, f"SELECT id FROM process WHERE {column} IN ({values}) AND id > 0 AND id < 9")
    if has_times:
        return [PRIMARY_KEY]
    return _plan(reader, f"SELECT * FROM process WHERE {conditions.where} ORDER BY id") if query.is_running else []


def _plan(reader: Reader, query: str, parameters: Sequence[object] = ()) -> list[str]:
    details = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {query}", parameters)]
    names = [name or PRIMARY_KEY for detail in details for name, _ in _USED.findall(detail)]
    return list(dict.fromkeys(names))
