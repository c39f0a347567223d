"""Processes that entered a login after their start: what SQL reads of them.

PAM sets the kernel id of a running process: of sshd's session process, of what systemd starts with ``PAMName=`` (run0,
a user manager), of cron's child. Such a process started in the System session. It is listed in the login, in its state
after it had entered the login, or after the first program that it executed there. These changes are marked in the
column ``entered``, and the index ``change_entered`` has them.
"""

from collections.abc import Sequence
from typing import Any

_LAST_MARKED = """(SELECT max(last.id) FROM change AS last INDEXED BY change_entered
 WHERE last.process = change.process AND last.entered IS NOT NULL)"""

ENTERED_ROWS = f"""SELECT row.id, change.place, row.pid, row.ticks, row.parent, change.program, change.credential,
 change.command, row.changes, row.class, row.lasted, row.status, row.source, row.ended
 FROM change JOIN {{table}} AS row ON row.id = change.process
 WHERE change.entered IS NOT NULL AND change.id = {_LAST_MARKED}"""
"""The rows of these processes in a table, ``process`` or ``recent``, in the state in which they are listed."""


def not_entered(table: str) -> str:
    """Return the condition of a row that is listed as it started."""
    return (
        f"({table}.changes IS NULL OR NOT EXISTS (SELECT 1 FROM change INDEXED BY change_entered"
        f" WHERE change.process = {table}.id AND change.entered IS NOT NULL))"
    )


def listed_place(table: str) -> str:
    """Return the expression of the place in which a process is listed."""
    entered = (
        f"SELECT change.place FROM change INDEXED BY change_entered WHERE change.process = {table}.id"
        " AND change.entered IS NOT NULL ORDER BY change.id DESC LIMIT 1"
    )
    return f"CASE WHEN {table}.changes IS NULL THEN {table}.place ELSE coalesce(({entered}), {table}.place) END"


def sort_distinct(rows: Sequence[Any]) -> list[Any]:
    """Return rows in the order of their numbers, each once: a row that was moved between two queries comes twice."""
    return [row for _, row in sorted({row[0]: row for row in rows}.items())]
