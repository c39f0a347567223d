"""Numbers of runs of each program in logon sessions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from logonscope.facts.history import ProgramCount
from logonscope.journal.listed_states import LISTED_AS_CHANGED, LISTED_AS_ROW
from logonscope.journal.moments import Moments, wall_without_clock
from logonscope.journal.reader import Reader

_SELECT = "SELECT place, program, count(*), count(nullif(status, 0)), min(ticks), max(ticks)"
_COUNT_BY_PLACE = f"""
 {_SELECT} FROM process WHERE place IN ({{0}}) AND {LISTED_AS_ROW["process"]} GROUP BY 1, 2 UNION ALL
 {_SELECT} FROM recent WHERE place IN ({{0}}) AND {LISTED_AS_ROW["recent"]} GROUP BY 1, 2 UNION ALL
 {_SELECT} FROM {LISTED_AS_CHANGED} WHERE place IN ({{0}}) GROUP BY 1, 2"""
"""The three parts together have each process once, in the state that lists show (see listed_states.py).

Grouped by place first, because the index has the rows in this order. One statement, because the writer moves rows from
``recent`` to ``process`` meanwhile.
"""

Counts = dict[int | None, list[int]]
"""Program -> number of its runs, number of its failed runs, ticks of its first start, ticks of its last start."""


class ProgramCounter:
    """Counts the programs of logon sessions on one connection."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __repr__(self) -> str:
        return f"<ProgramCounter of {self._reader!r}>"

    def count(self, logons: Sequence[int]) -> Mapping[int, Sequence[ProgramCount]]:
        """Return the programs of each logon session, by the number of its record; the most frequent program first."""
        reader = self._reader
        places = dict(reader.by_numbers("SELECT id, logon FROM place WHERE logon IN ({})", sorted(logons)))
        counts: dict[int, Counts] = defaultdict(dict)
        for place, program, *new in reader.by_numbers(_COUNT_BY_PLACE, sorted(places)):
            _add(counts[places[place]], program, new)
        reader.load_programs({program for by_program in counts.values() for program in by_program})
        boots = dict(reader.by_numbers("SELECT id, boot FROM logon WHERE id IN ({})", sorted(counts)))
        moments = reader.moments()
        return {logon: self._describe(by_program, boots[logon], moments) for logon, by_program in counts.items()}

    def _describe(self, by_program: Counts, boot: int, moments: Moments) -> list[ProgramCount]:
        merged: dict[Any, list[int]] = {}
        kernel_names: dict[Any, str | None] = {}
        for number, counts in by_program.items():
            program = self._reader.program(number)
            key = program.name or program.comm, program.exe
            kernel_names.setdefault(key, program.comm)
            _add(merged, key, counts)
        tick_ms = 1000 // self._reader.boot(boot).ticks
        programs = []
        for key, (count, failed, first_ticks, last_ticks) in sorted(merged.items(), key=_most_first):
            # a query for each start: the starts are too far apart to read all rows of the clock map between them
            first = _wall(moments, boot, first_ticks * tick_ms)
            last = first if last_ticks == first_ticks else _wall(moments, boot, last_ticks * tick_ms)
            programs.append(ProgramCount(key[0], key[1], count, failed, first, last, kernel_names[key]))
        return programs


def _wall(moments: Moments, boot: int, ms: int) -> int:
    wall = moments.wall(boot, ms)
    return wall_without_clock(ms) if wall is None else wall


def _add(counts: dict[Any, list[int]], key: Any, new: Sequence[int]) -> None:
    old = counts.get(key)
    if old is None:
        counts[key] = list(new)
    else:
        counts[key] = [old[0] + new[0], old[1] + new[1], min(old[2], new[2]), max(old[3], new[3])]


def _most_first(item: tuple[Any, Sequence[int]]) -> tuple[int, str]:
    return -item[1][0], str(item[0])
