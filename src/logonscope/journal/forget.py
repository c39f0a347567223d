"""Deletion of a user from the history: past logins, their processes, and other processes that ran as the user."""

from logonscope.journal.removal import STEP, Remover
from logonscope.journal.writer import Writer
from logonscope.machine.history import Forgotten

PAGE = 100_000


class Forgetter:
    """Deletes the rows of a user, on the connection of the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._remover = Remover(writer)

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        """Delete the ended logins of a user, their processes, and the processes that ran as the user.

        A login that exists is kept, without its ended processes. An audit line records the deletion.

        Args:
            user: the account name that logged in.
            caller_uid: the uid of the administrator.
        """
        writer, database = self._writer, self._writer.database
        # rows must be in the hash chain before their hashes can be subtracted from it
        writer.move_all()
        logons = [row[0] for row in database.execute("SELECT id FROM logon WHERE user = ?", (user,))]
        id_list = ",".join(map(str, logons)) or "NULL"
        credentials = [row[0] for row in database.execute("SELECT id FROM credential WHERE user = ?", (user,))]
        places = f"SELECT id FROM place WHERE logon IN ({id_list})"
        numbers = [
            row[0]
            for row in database.execute(f"SELECT id FROM process WHERE place IN ({places}) AND lasted IS NOT NULL")
        ]
        numbers += self._rows_with("process", "credential", set(credentials))
        # read before the rows are deleted: only they name their command lines
        commands = self._commands_of(numbers)
        count = 0
        for first in range(0, len(numbers), STEP):
            count += self._remover.remove_processes(numbers[first : first + STEP])
        self._remove_commands(commands)
        self._remove_reports(user, places)
        ended = database.execute(f"SELECT * FROM logon WHERE id IN ({id_list}) AND ended IS NOT NULL").fetchall()
        ended_ids = ",".join(str(row[0]) for row in ended) or "NULL"
        self._remover.remove_rows(
            "place",
            1,
            database.execute(f"SELECT * FROM place WHERE logon IN ({ended_ids})").fetchall(),
        )
        self._remover.remove_rows("logon", 9, ended)
        result = Forgotten(len(ended), count, len(logons) - len(ended))
        self._record(user, caller_uid, result)
        return result

    def _remove_reports(self, user: str, places: str) -> None:
        """Delete the failed logons that tried the user or that it tried, and the changes from, to, or by it."""
        database = self._writer.database
        queries = (
            ("failed_logon", "user = ?1 OR by_user = ?1"),
            ("user_change", f"from_user = ?1 OR to_user = ?1 OR place IN ({places})"),
        )
        for table, condition in queries:
            self._remover.remove_rows(
                table, 0, database.execute(f"SELECT * FROM {table} WHERE {condition}", (user,)).fetchall()
            )

    def _record(self, user: str, caller_uid: int | None, result: Forgotten) -> None:
        database = self._writer.database
        database.execute("BEGIN IMMEDIATE")
        self._writer.record_audit(
            f"forgot user {user!r}: {result.logins} logins and {result.processes} processes deleted", caller_uid
        )
        database.execute("COMMIT")
        while self._remover.free_pages():
            pass
        # the deleted rows are also in the write-ahead log
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows_with(self, table: str, column: str, values: set[int]) -> list[int]:
        """Return the ended rows with one of these values in a column that has no index."""
        if not values:
            return []
        numbers, first = [], -1
        query = f"SELECT id, {column}, lasted FROM {table} WHERE id > ? ORDER BY id LIMIT {PAGE}"
        while page := self._writer.database.execute(query, (first,)).fetchall():
            numbers += [row[0] for row in page if row[1] in values and row[2] is not None]
            first = page[-1][0]
        return numbers

    def _commands_of(self, numbers: list[int]) -> set[int]:
        commands: set[int] = set()
        for first in range(0, len(numbers), STEP):
            id_list = ",".join(map(str, numbers[first : first + STEP]))
            for table, column in (("process", "id"), ("change", "process")):
                query = f"SELECT command FROM {table} WHERE {column} IN ({id_list}) AND command IS NOT NULL"
                commands.update(row[0] for row in self._writer.database.execute(query))
        return commands

    def _remove_commands(self, commands: set[int]) -> None:
        """Delete those of the command lines that no other row uses."""
        database = self._writer.database
        for table in ("process", "change"):
            first = -1
            query = f"SELECT id, command FROM {table} WHERE id > ? ORDER BY id LIMIT {PAGE}"
            while commands and (page := database.execute(query, (first,)).fetchall()):
                commands -= {row[1] for row in page}
                first = page[-1][0]
        unused = sorted(commands)
        for first in range(0, len(unused), STEP):
            id_list = ",".join(map(str, unused[first : first + STEP]))
            rows = database.execute(f"SELECT * FROM command WHERE id IN ({id_list})").fetchall()
            self._remover.remove_rows("command", 0, rows)
