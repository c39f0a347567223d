"""Records of processes, made from rows: many at once, because one login can have ten thousand rows."""

from collections.abc import Sequence
from typing import Any

from logonscope.facts import Process
from logonscope.facts.history import ProcessRecord
from logonscope.journal.process_rows import boot_position
from logonscope.journal.reader import Boot, Reader, make_process
from logonscope.journal.rows import COMMAND, ID
from logonscope.journal.schema import BOOT_ENDED, FOUND, SWEPT
from logonscope.journal.wall_clock import WallClock

_PID, _PPID, _START, _TGID, _CMDLINE = (
    Process._fields.index(name) for name in ("pid", "ppid", "start", "tgid", "cmdline")
)
_END_NOT_SEEN = SWEPT | BOOT_ENDED

TemplateKey = tuple[int | None, int | None, int | None]
"""Place, program and credential of a row."""


class RecordMaker:
    """Makes records from the rows of one page."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._boots = reader.boots()
        self._clock = WallClock(reader.moments())
        # rows with the same key share all facts but those of the process itself, such as pid and start
        self._templates: dict[TemplateKey, tuple[list[Any], int | None, str | None]] = {}

    def __repr__(self) -> str:
        return f"<RecordMaker of {self._reader!r}>"

    def make(self, rows: Sequence[Sequence[Any]], *, command_lines: bool) -> list[ProcessRecord]:
        """Return the records of rows, which are in the order of their numbers."""
        reader = self._reader
        reader.load_dictionaries(rows)
        if command_lines:
            reader.load_commands(row[COMMAND] for row in rows)
        # a row names the row of its parent; the fact ppid is the pid of the parent
        parents = reader.parents(rows)
        records: list[ProcessRecord] = []
        start = 0
        while start < len(rows):
            boot = boot_position(self._boots, rows[start][ID])
            next_boot_seq = self._boots[boot + 1].first_seq if boot + 1 < len(self._boots) else 1 << 62
            end = next((index for index in range(start, len(rows)) if rows[index][ID] >= next_boot_seq), len(rows))
            records += self._make_of_boot(self._boots[boot], rows[start:end], parents)
            start = end
        return records

    def _make_of_boot(self, boot: Boot, rows: Sequence[Sequence[Any]], parents: Any) -> list[ProcessRecord]:
        tick_ms, boot_id, uuid = 1000 // boot.ticks, boot.id, boot.uuid
        templates, clock, command = self._templates, self._clock, self._reader.command
        first_ms = end_ms = offset = 0
        # calling the class of a NamedTuple costs more than tuple.__new__
        make = tuple.__new__
        records = []
        for row in rows:
            number, place, pid, ticks, parent, program, credential, argv, _, _, lasted, status, source, _ = row
            template = templates.get((place, program, credential))
            if template is None:
                template = self._add_template(row, (place, program, credential))
            facts, logon, user = template
            facts = facts.copy()
            facts[_PID] = facts[_TGID] = pid
            facts[_START] = ticks
            known_parent = parents.get(parent)
            if known_parent is not None:
                facts[_PPID] = known_parent[0]
            if argv is not None:
                facts[_CMDLINE] = command(argv)
            start = ticks * tick_ms
            # rows are nearly in the order of their starts: the clock segment of one row is mostly that of the next row
            if not first_ms <= start < end_ms:
                first_ms, end_ms, offset = clock.segment(boot_id, start)
            end = None
            if lasted is not None:
                # the clock can have been set between the start and the end
                end = start + lasted
                end = end * 1000 + offset if end < end_ms else clock.wall(boot_id, end)
            source = source or 0
            records.append(make(ProcessRecord, (
                number, logon, parent, uuid, make(Process, facts), user, start * 1000 + offset, bool(source & FOUND),
                end, bool(source & _END_NOT_SEEN), lasted, status,
            )))  # fmt: skip
        return records

    def _add_template(self, row: Sequence[Any], key: TemplateKey) -> tuple[list[Any], int | None, str | None]:
        place, _, credential = key
        facts = list(make_process(self._reader, row, None)._replace(cmdline=None))
        template = facts, self._reader.place(place).logon, self._reader.credential(credential).user
        self._templates[key] = template
        return template
