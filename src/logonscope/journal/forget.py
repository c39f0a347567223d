"""Deletion of the history of a user.

These rows are deleted: past logins, their processes, other processes that ran as the user, failed logons, and changes
of user.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from logonscope.journal.removal import STEP, Remover
from logonscope.journal.writer import Writer
from logonscope.machine.history import Forgotten

PAGE = 100_000

VALUE_TABLES = ("program", "credential", "command")
"""Tables of values that processes share."""

_COLUMNS = ", ".join(VALUE_TABLES)


class Forgetter:
    """Deletes the rows of a user, on the connection of the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._remover = Remover(writer)
        self.deleted_values: dict[str, set[int]] = {}
        """Numbers of the deleted places and shared values, by table."""

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        """Delete the ended logins of a user, ended processes, failed logons and changes of user.

        The processes are those of the user's logins, and all others that ever ran as the user. A login that still
        exists is kept, without its ended processes. An audit line records the deletion.

        Args:
            user: the account name that logged in; or a uid, for rows without an account name.
            caller_uid: the uid of the administrator; None: not known.
        """
        writer, database = self._writer, self._writer.database
        # rows must be in the hash chain before their hashes can be subtracted from it
        writer.move_all()
        logons = [
            row[0]
            for row in database.execute(f"SELECT id FROM logon WHERE {_user_condition('user', 'login_uid')}", (user,))
        ]
        id_list = ",".join(map(str, logons)) or "NULL"
        credentials = [
            number
            for number, uids, name in database.execute("SELECT id, uids, user FROM credential")
            if name == user or (name is None and uids is not None and uids.split(",")[1] == user)
        ]
        places = f"SELECT id FROM place WHERE logon IN ({id_list})"
        numbers = sorted(self._processes_of(places, set(credentials)))
        # read before the rows are deleted: only these rows name their programs and command lines
        values = self._values_of(numbers)
        values["credential"].update(credentials)
        count = 0
        for first in range(0, len(numbers), STEP):
            count += self._remover.remove_processes(numbers[first : first + STEP])
        self._remove_unused(values)
        failed_logons, user_changes = self._remove_failed_logons_and_changes(user, places)
        ended = database.execute(f"SELECT * FROM logon WHERE id IN ({id_list}) AND ended IS NOT NULL").fetchall()
        ended_ids = ",".join(str(row[0]) for row in ended) or "NULL"
        old_places = database.execute(f"SELECT * FROM place WHERE logon IN ({ended_ids})").fetchall()
        self.deleted_values["place"] = {row[0] for row in old_places}
        self._remover.remove_rows("place", old_places)
        self._remover.remove_rows("logon", ended)
        user_changes += self._remover.removed_user_changes
        result = Forgotten(len(ended), count, len(logons) - len(ended), failed_logons, user_changes)
        self._write_audit_line(user, caller_uid, result)
        self._free_space()
        return result

    def _remove_failed_logons_and_changes(self, user: str, places: str) -> tuple[int, int]:
        """Delete failed logons and changes of user; return how many of each.

        Failed logons: those in which the user's name was tried, and those that the user caused with su or sudo. Changes
        of user: those from the user, to the user, and in the user's logins.
        """
        database = self._writer.database
        from_user, to_user = _user_condition("from_user", "from_uid"), _user_condition("to_user", "to_uid")
        queries = (
            ("failed_logon", "user = ?1 OR by_user = ?1"),
            ("user_change", f"{from_user} OR {to_user} OR place IN ({places})"),
        )
        failed_logons, user_changes = (
            self._remover.remove_rows(
                table, database.execute(f"SELECT * FROM {table} WHERE {condition}", (user,)).fetchall()
            )
            for table, condition in queries
        )
        return failed_logons, user_changes

    def _write_audit_line(self, user: str, caller_uid: int | None, result: Forgotten) -> None:
        database = self._writer.database
        database.execute("BEGIN IMMEDIATE")
        self._writer.record_audit(
            f"forgot user {user!r}: {result.logins} logins, {result.processes} processes,"
            f" {result.failed_logons} failed logons and {result.user_changes} changes of user deleted",
            caller_uid,
        )
        database.execute("COMMIT")

    def _free_space(self) -> None:
        """Free the pages of the deleted rows, and empty the write-ahead log."""
        while self._remover.free_pages():
            pass
        # the deleted rows are also in the write-ahead log
        self._writer.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _processes_of(self, places: str, credentials: set[int]) -> set[int]:
        """Return the ended processes that ever were in one of these places or had one of these credentials."""
        database = self._writer.database
        numbers = {row[0] for row in database.execute(f"SELECT id FROM process WHERE place IN ({places})")}
        # a process can also enter a place after its start: a process of sshd enters the login at the authentication
        numbers.update(row[0] for row in database.execute(f"SELECT process FROM change WHERE place IN ({places})"))
        for table, column in (("process", "id"), ("change", "process")):
            numbers.update(self._processes_with(table, column, credentials))
        ordered, ended = sorted(numbers), set[int]()
        for first in range(0, len(ordered), STEP):
            id_list = ",".join(map(str, ordered[first : first + STEP]))
            query = f"SELECT id FROM process WHERE id IN ({id_list}) AND lasted IS NOT NULL"
            ended.update(row[0] for row in database.execute(query))
        return ended

    def _processes_with(self, table: str, column: str, credentials: set[int]) -> Iterator[int]:
        """Yield ``column`` of the rows with one of these credentials. All rows are read: there is no index."""
        if not credentials:
            return
        first = -1
        query = f"SELECT id, {column}, credential FROM {table} WHERE id > ? ORDER BY id LIMIT {PAGE}"
        while page := self._writer.database.execute(query, (first,)).fetchall():
            yield from (row[1] for row in page if row[2] in credentials)
            first = page[-1][0]

    def _values_of(self, numbers: Sequence[int]) -> dict[str, set[int]]:
        """Return the numbers of the programs, credentials and command lines of processes, by table."""
        values: dict[str, set[Any]] = {table: set() for table in VALUE_TABLES}
        for first in range(0, len(numbers), STEP):
            id_list = ",".join(map(str, numbers[first : first + STEP]))
            for table, column in (("process", "id"), ("change", "process")):
                query = f"SELECT {_COLUMNS} FROM {table} WHERE {column} IN ({id_list})"
                for row in self._writer.database.execute(query):
                    for used, number in zip(values.values(), row, strict=True):
                        used.add(number)
        for used in values.values():
            used.discard(None)
        return values

    def _remove_unused(self, values: dict[str, set[int]]) -> None:
        """Of the rows with these numbers (by table), delete those that no process and no change uses."""
        database = self._writer.database
        for table in ("process", "change"):
            first = -1
            query = f"SELECT id, {_COLUMNS} FROM {table} WHERE id > ? ORDER BY id LIMIT {PAGE}"
            while page := database.execute(query, (first,)).fetchall():
                for position, numbers in enumerate(values.values(), 1):
                    numbers.difference_update(row[position] for row in page)
                first = page[-1][0]
        self.deleted_values.update(values)
        for table, numbers in values.items():
            unused = sorted(numbers)
            for first in range(0, len(unused), STEP):
                id_list = ",".join(map(str, unused[first : first + STEP]))
                rows = database.execute(f"SELECT * FROM {table} WHERE id IN ({id_list})").fetchall()
                self._remover.remove_rows(table, rows)


def _user_condition(user_column: str, uid_column: str) -> str:
    """Return an SQL condition: the parameter is the user name of a row, or its uid if the row has no user name."""
    return f"({user_column} = ?1 OR ({user_column} IS NULL AND CAST({uid_column} AS TEXT) = ?1))"
