"""Rows of the table ``credential``: uids and gids of processes, with the account name of the effective uid."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from logonscope.facts import Machine, Process
from logonscope.journal.dictionaries import Dictionary
from logonscope.machine import Owner, Ownership

NAME_CHECK_MS = 600_000
"""The account names of uids are looked up again after so many ms."""

MAX_CREDENTIALS = 10_000
"""Maximum number of combinations of uids and gids whose rows are remembered."""

_Ids = tuple[int | None, ...] | None


class Credentials:
    """Finds or adds the rows for processes."""

    def __init__(
        self,
        dictionary: Dictionary,
        machine: Machine,
        ownership: Ownership,
        account_name: Callable[[int], str | None],
    ) -> None:
        """Create it.

        Args:
            dictionary: the numbers of the rows, by their values.
            machine: the host.
            ownership: decides whether a uid belongs to the host.
            account_name: returns the account name of a uid of the host; None: there is no such account.
        """
        self._dictionary = dictionary
        self._machine, self._ownership, self._account_name = machine, ownership, account_name
        self._numbers: dict[tuple[_Ids, _Ids, bool], int] = {}
        self._names_until = 0

    def __repr__(self) -> str:
        return f"<Credentials of {self._dictionary!r}>"

    def number_of(self, process: Process, owner: Owner, seq: int, ms: int) -> int | None:
        """Return the number of the row for a process; add the row if there is none. None: the uids were not read.

        Args:
            process: the process.
            owner: its owner.
            seq: the next number of the journal, which a new row stores.
            ms: the present time, in ms since the boot.
        """
        uids = process.uids
        if uids is None:
            return None
        if ms > self._names_until or len(self._numbers) > MAX_CREDENTIALS:
            self._numbers.clear()
            self._names_until = ms + NAME_CHECK_MS
        uid, is_foreign = uids[1], self._is_foreign(process, owner)
        number = self._numbers.get((uids, process.gids, is_foreign))
        if number is None:
            # a uid of a container belongs to an account of the container, not to one of this host
            name = None if uid is None or is_foreign else self._account_name(uid)
            number = self._numbers[uids, process.gids, is_foreign] = self._row_number(uids, process.gids, name, seq)
        return number

    def take_new_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows that are not written yet, and forget that they are new."""
        return self._dictionary.take_new_rows()

    def drop(self, numbers: AbstractSet[int]) -> None:
        """Forget the numbers of deleted rows, so that no process gets one of these numbers."""
        self._dictionary.drop(numbers)
        self._numbers.clear()

    def _is_foreign(self, process: Process, owner: Owner) -> bool:
        """Return whether the effective uid belongs to a container, or may belong to one."""
        uid = process.uids[1] if process.uids else None
        return self._ownership.is_foreign_uid(process, uid, self._machine) or self._ownership.may_be_foreign(
            process, owner, self._machine
        )

    def _row_number(self, uids: _Ids, gids: _Ids, name: str | None, seq: int) -> int:
        key = (_join_ids(uids), _join_ids(gids), name)
        number = self._dictionary.numbers.get(key)
        return self._dictionary.add(key, seq, key) if number is None else number


def _join_ids(ids: _Ids) -> str | None:
    return None if ids is None else ",".join("" if number is None else str(number) for number in ids)
