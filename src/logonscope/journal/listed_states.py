"""Listed states: the state (place, program, credential, command line) in which lists show a process.

If a process has changes with ``listed``, lists show its state after the last of these changes. Otherwise they show the
state in the row of the process.

The column ``listed`` marks four kinds of changes. (1) A process executed its first program after its row was written.
(2) It entered a login after its start: PAM sets the kernel id of a running process, such as sshd's session process,
cron's child, and processes that systemd starts with ``PAMName=`` (run0, a user manager). (3) It executed its first
program after it had entered the login. (4) Its program could be read only after its row was written. So lists show a
process with the first program that it executed, in the login that it entered, if any. The index ``change_listed`` has
these changes.
"""

from collections.abc import Iterable
from typing import Any


def _last_listed(number: str) -> str:
    """Return the SQL expression of the number of a process's last change with ``listed``; NULL: it has none."""
    return (
        "(SELECT max(last.id) FROM change AS last INDEXED BY change_listed"
        f" WHERE last.process = {number} AND last.listed IS NOT NULL)"
    )


def _later_rows(table: str) -> str:
    return f"""SELECT change.process AS id, change.place, row.pid, row.ticks, row.parent, change.program,
 change.credential, change.command, row.changes, row.class, row.lasted, row.status, row.source, row.ended
 FROM change JOIN {table} AS row ON row.id = change.process
 WHERE change.listed IS NOT NULL AND change.id = {_last_listed("change.process")}"""


LISTED_AS_CHANGED = f"({_later_rows('process')} UNION ALL {_later_rows('recent')})"
"""The rows of the processes that have a change with ``listed``, with the state after the last of these changes. The
changes are not joined with the view ``every``: SQLite would make a table of it first, and so read all rows."""


LISTED_AS_ROW = {
    table: f"({table}.changes IS NULL OR {_last_listed(f'{table}.id')} IS NULL)"
    for table in ("process", "recent", "every")
}
"""Table -> the SQL condition of a row whose state lists show, because no change of the process has ``listed``."""


def listed_place(table: str) -> str:
    """Return the SQL expression of the place in the listed state of a process."""
    later_place = f"(SELECT change.place FROM change WHERE change.id = {_last_listed(f'{table}.id')})"
    return f"CASE WHEN {table}.changes IS NULL THEN {table}.place ELSE coalesce({later_place}, {table}.place) END"


def sort_distinct(rows: Iterable[Any]) -> list[Any]:
    """Return each row once, in the order of numbers.

    A row that was moved from ``recent`` to ``process`` between two queries is in ``rows`` twice.
    """
    return [row for _, row in sorted({row[0]: row for row in rows}.items())]
