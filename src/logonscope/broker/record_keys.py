"""Keys of records as a caller gets them: numbers for administrators, opaque texts for others."""

from collections.abc import Iterable
from typing import overload

from logonscope.machine.history import History, RecordKind

DIGITS = 12
"""Digits of a key for administrators, zeros in front included: sorted as texts, the keys have the order of numbers."""


def number_key(number: int) -> str:
    """Return the key of a record for administrators."""
    return f"{number:0{DIGITS}}"


class RecordKeys:
    """Keys of the records of a history, for one caller."""

    def __init__(self, history: History, *, shows_numbers: bool) -> None:
        self._history, self._shows_numbers = history, shows_numbers

    def __repr__(self) -> str:
        return f"<RecordKeys of {self._history!r}>"

    @overload
    def key(self, kind: RecordKind, number: int) -> str: ...
    @overload
    def key(self, kind: RecordKind, number: int | None) -> str | None: ...
    def key(self, kind: RecordKind, number: int | None) -> str | None:
        """Return the key of a record."""
        if number is None:
            return None
        # consecutive numbers would show a caller how many records other users have
        return number_key(number) if self._shows_numbers else self._history.hide_number(kind, number)

    def numbers(self, kind: RecordKind, keys: Iterable[str] | None) -> frozenset[int] | None:
        """Return the numbers of the records with these keys; invalid keys are left out. None for None."""
        if keys is None:
            return None
        numbers = (self._number(kind, key) for key in keys)
        return frozenset(number for number in numbers if number is not None)

    def _number(self, kind: RecordKind, key: str) -> int | None:
        if not self._shows_numbers:
            return self._history.reveal_number(kind, key)
        # SQLite's numbers have 64 bits; a number with more than 18 digits may not fit
        return int(key) if key.isascii() and key.isdecimal() and len(key) <= 18 else None
