"""Names of the indexes of the journal that a query uses."""

import re
from collections.abc import Sequence

from logonscope.journal.change_rows import change_conditions
from logonscope.journal.logon_conditions import planned_conditions
from logonscope.journal.process_rows import INDEXED
from logonscope.journal.reader import Reader
from logonscope.journal.report_rows import failed_logon_conditions, user_change_conditions
from logonscope.machine.history import (
    ChangeRecordQuery,
    FailedLogonQuery,
    LogonRecordQuery,
    RecordQuery,
    UserChangeQuery,
)

_USED = re.compile(r"USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY))")
PRIMARY_KEY = "record number"


def used_indexes(reader: Reader, query: RecordQuery) -> Sequence[str]:
    """Return the names of the indexes; an empty list: all rows are read.

    The result depends on the query alone, not on the rows, because the caller may not be allowed to see them.
    """
    if isinstance(query, LogonRecordQuery):
        conditions, parameters = planned_conditions(query, query.users, query.keys)
        return _plan(reader, f"SELECT * FROM logon WHERE {' AND '.join(conditions)}", parameters)
    has_times = query.since is not None or query.until is not None
    # the plan does not depend on the numbers in the conditions, such as these
    span = " AND id > 0 AND id < 9" if has_times else ""
    if isinstance(query, ChangeRecordQuery):
        return _plan(reader, f"SELECT * FROM change WHERE {change_conditions(query)}{span} ORDER BY id")
    if isinstance(query, FailedLogonQuery):
        where, names = failed_logon_conditions(query)
        return _plan(reader, f"SELECT * FROM failed_logon WHERE {where}{span} ORDER BY id", names)
    if isinstance(query, UserChangeQuery):
        where = user_change_conditions(query, None if query.logon_records is None else [1])
        return _plan(reader, f"SELECT * FROM user_change WHERE {where}{span} ORDER BY id")
    requested = {
        "place": query.logon_records, "pid": query.pids, "program": query.names or query.name_prefix or None,
    }  # fmt: skip
    if query.ids is not None:
        return [PRIMARY_KEY]
    column = next((name for name in INDEXED if requested[name] is not None), None)
    if column == "pid":
        return ["process_zone"]
    if column is not None:
        return _plan(reader, f"SELECT id FROM process WHERE {column} IN (1) AND id > 0 AND id < 9")
    if has_times or query.started_since is not None:
        return [PRIMARY_KEY]
    return _plan(reader, "SELECT * FROM process WHERE lasted IS NULL ORDER BY id") if query.is_running else []


def _plan(reader: Reader, query: str, parameters: Sequence[object] = ()) -> list[str]:
    details = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {query}", parameters)]
    names = [name or PRIMARY_KEY for detail in details for name, _ in _USED.findall(detail)]
    return list(dict.fromkeys(names))
