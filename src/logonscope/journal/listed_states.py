"""The state in which a process is listed: mostly that of its row, else that of its last change with ``listed``.

``listed`` marks three kinds of changes. A process entered a login after its start: PAM sets the kernel id of a running
process, of sshd's session process, of what systemd starts with ``PAMName=`` (run0, a user manager), of cron's child.
It executed its first program after that. Or its program could be read only after its row was written. So a process
is listed in the login that it entered, with the first program that it executed there. The index ``change_listed`` has
these changes.
"""

from collections.abc import Sequence
from typing import Any

_LAST_LISTED = """(SELECT max(last.id) FROM change AS last INDEXED BY change_listed
 WHERE last.process = change.process AND last.listed IS NOT NULL)"""

LATER_ROWS = f"""SELECT row.id, change.place, row.pid, row.ticks, row.parent, change.program, change.credential,
 change.command, row.changes, row.class, row.lasted, row.status, row.source, row.ended
 FROM change JOIN {{table}} AS row ON row.id = change.process
 WHERE change.listed IS NOT NULL AND change.id = {_LAST_LISTED}"""
"""The rows of a table, ``process`` or ``recent``, whose processes are listed in a later state, in this state."""

LATER_COLUMNS = {
    "pid": "row.pid", "place": "change.place", "program": "change.program", "credential": "change.credential",
}  # fmt: skip
"""The columns of a row in LATER_ROWS."""


def listed_as_started(table: str) -> str:
    """Return the condition of a row that is listed in its own state."""
    return (
        f"({table}.changes IS NULL OR NOT EXISTS (SELECT 1 FROM change INDEXED BY change_listed"
        f" WHERE change.process = {table}.id AND change.listed IS NOT NULL))"
    )


def listed_place(table: str) -> str:
    """Return the expression of the place in which a process is listed."""
    later_place = (
        f"SELECT change.place FROM change INDEXED BY change_listed WHERE change.process = {table}.id"
        " AND change.listed IS NOT NULL ORDER BY change.id DESC LIMIT 1"
    )
    return f"CASE WHEN {table}.changes IS NULL THEN {table}.place ELSE coalesce(({later_place}), {table}.place) END"


def sort_distinct(rows: Sequence[Any]) -> list[Any]:
    """Return rows in the order of their numbers, each once: a row that was moved between two queries comes twice."""
    return [row for _, row in sorted({row[0]: row for row in rows}.items())]
