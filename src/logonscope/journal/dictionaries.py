"""Dictionaries: tables of values that many rows of the journal share, and the numbers of these values.

The tables are ``program``, ``credential``, ``place`` and ``command``.
"""

from collections import OrderedDict
from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import Any

COMMAND_SPAN = 1 << 20
"""Maximum distance from the number of a command line to a row with which a process begins to use the command line.

This row is that of the process, or of a change of the process. Its number can also be smaller than that of the command
line, by at most MAX_COMMAND_AHEAD (retention.py). So retention finds in a range of numbers, without an index, whether a
command line is in use. Later changes of the same process can be farther away: they are deleted together with it.
"""

MAX_COMMANDS = 20_000
MAX_KEYS = 50_000


class Dictionary:
    """The numbers of the values of one table; the rows of new values are collected for the next commit.

    A full dictionary is emptied: then a value that is used again gets another number.
    """

    def __init__(self, next_id: int, max_keys: int = MAX_KEYS) -> None:
        self._next_id, self._max_keys = next_id, max_keys
        self.numbers: dict[Hashable, int] = {}
        self.new_rows: list[tuple[Any, ...]] = []

    def __repr__(self) -> str:
        return f"<Dictionary of {len(self.numbers)} values>"

    def add(self, key: Hashable, seq: int, values: tuple[Any, ...]) -> int:
        """Give a value the next number of its table; return it. The row stores ``seq``, the next journal number."""
        if len(self.numbers) >= self._max_keys:
            self.numbers.clear()
        number = self.numbers[key] = self._next_id
        self._next_id += 1
        self.new_rows.append((number, seq, *values))
        return number

    def drop(self, numbers: AbstractSet[int]) -> None:
        """Forget the values with these numbers, whose rows are deleted; a value used again gets another number."""
        self.numbers = {key: number for key, number in self.numbers.items() if number not in numbers}

    def keep(self, numbers: AbstractSet[int]) -> None:
        """Forget all values but those with these numbers."""
        self.numbers = {key: number for key, number in self.numbers.items() if number in numbers}

    def take_new_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows that are not written yet, and forget that they are new."""
        rows, self.new_rows = self.new_rows, []
        return rows


class CommandLines:
    """The numbers of command lines. They come from the same sequence as row numbers (see COMMAND_SPAN)."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[bytes, int] = OrderedDict()
        self._new_rows: list[tuple[int, bytes]] = []

    def __repr__(self) -> str:
        return f"<CommandLines {len(self._numbers)}>"

    def find(self, argv: bytes, seq: int) -> int | None:
        """Return the number of a command line; None: for the row ``seq``, the command line needs a new number."""
        number = self._numbers.get(argv)
        if number is None or seq - number >= COMMAND_SPAN:
            return None
        self._numbers.move_to_end(argv)
        return number

    def add(self, argv: bytes, number: int) -> None:
        """Give a command line a number, which nothing else has."""
        if len(self._numbers) >= MAX_COMMANDS:
            self._numbers.popitem(last=False)
        self._numbers[argv] = number
        self._new_rows.append((number, argv))

    def drop_below(self, number: int) -> None:
        """Forget the command lines with smaller numbers, so that no new row uses them: they may be deleted."""
        kept = ((argv, argv_number) for argv, argv_number in self._numbers.items() if argv_number >= number)
        self._numbers = OrderedDict(kept)

    def take_new_rows(self) -> list[tuple[int, bytes]]:
        """Return the rows that are not written yet, and forget that they are new."""
        rows, self._new_rows = self._new_rows, []
        return rows
