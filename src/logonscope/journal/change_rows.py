"""Records of changes of processes for a query, read in pages."""

from collections.abc import Iterator, Sequence
from typing import Any

from logonscope.facts.history import ChangeRecord
from logonscope.journal.process_rows import PAGE, Lend, boot_position, number_span
from logonscope.journal.reader import Reader, make_process
from logonscope.journal.rows import COMMAND, CREDENTIAL, ID, PLACE, PROGRAM
from logonscope.machine import Look
from logonscope.machine.history import ChangeRecordQuery

SAME_MS = 500
"""If a row of ``user_change`` and a row of ``change`` differ by less than so many ms, they are of the same change."""


class ChangeRows:
    """The changes of one query."""

    def __init__(self, lend: Lend, look: Look, query: ChangeRecordQuery) -> None:
        self._lend, self._look, self._query = lend, look, query

    def __repr__(self) -> str:
        return f"<ChangeRows {self._query}>"

    def records(self) -> Iterator[ChangeRecord]:
        """Yield the changes in the order of their numbers."""
        with self._lend() as reader:
            low, high = number_span(reader, self._query.since, self._query.until)
        where = change_conditions(self._query)
        while True:
            self._look.check()
            with self._lend() as reader:
                query = f"SELECT * FROM change WHERE {where} AND id > ? AND id < ? ORDER BY id LIMIT ?"
                page = reader.rows(query, (low, high, PAGE))
                records = self._make_records(reader, page)
            if not page:
                return
            low = page[-1][0]
            yield from records

    def _make_records(self, reader: Reader, changes: Sequence[Any]) -> list[ChangeRecord]:
        numbers = sorted({change[1] for change in changes})
        processes = {row[ID]: row for row in reader.by_numbers("SELECT * FROM every WHERE id IN ({})", numbers)}
        changed = []
        # a row of ``change``: id, process, ms, place, program, credential, command, listed
        for change in changes:
            row = processes.get(change[1])
            if row is not None:
                after = list(row)
                after[PLACE], after[PROGRAM], after[CREDENTIAL], after[COMMAND] = change[3:7]
                changed.append((change, after))
        reader.load_dictionaries(row for _, row in changed)
        if self._query.command_lines:
            reader.load_commands(row[COMMAND] for _, row in changed)
        commands = SudoCommands(reader, numbers)
        moments, boots = reader.moments(), reader.boots()
        return [
            ChangeRecord(
                change[0], change[1], reader.place(row[PLACE]).logon,
                moments.wall(boots[boot_position(boots, change[0])].id, change[2]), make_process(reader, row, None),
                reader.credential(row[CREDENTIAL]).user, commands.find(change[1], change[2]),
            )
            for change, row in changed
        ]  # fmt: skip


class SudoCommands:
    """The commands that sudo logged for processes, by the row numbers of the processes."""

    def __init__(self, reader: Reader, process_numbers: Sequence[int]) -> None:
        query = "SELECT process, ms, command FROM user_change WHERE command IS NOT NULL AND process IN ({})"
        self._commands: dict[int, list[tuple[int, str]]] = {}
        for process, ms, command in reader.by_numbers(query, process_numbers):
            self._commands.setdefault(process, []).append((ms, command))

    def find(self, process: int, ms: int) -> str | None:
        """Return the command of the change of user that is nearest to a time, within ``SAME_MS``; None: there is none.

        A process can change its user more than once.
        """
        distances = ((abs(ms - logged_ms), command) for logged_ms, command in self._commands.get(process, ()))
        return min((pair for pair in distances if pair[0] < SAME_MS), default=(0, None))[1]


def change_conditions(query: ChangeRecordQuery) -> str:
    """Return the WHERE clause of a query for changes."""
    parts = ["1"]
    for column, values in (("id", query.ids), ("process", query.process_records)):
        if values is not None:
            parts.append(f"{column} IN ({','.join(map(str, sorted(values)))})")
    return " AND ".join(parts)
