"""A history for ``explain``: it records in words what a query would read of the history, and by which indexes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from logonscope.broker.record_keys import RecordKeys
from logonscope.facts.history import (
    ChangeRecord,
    FailedLogonRecord,
    LogonRecord,
    ProcessRecord,
    ProgramCount,
    UserChangeRecord,
)
from logonscope.machine.history import (
    Activity,
    ActivityQuery,
    ChangeRecordQuery,
    FailedLogonQuery,
    Forgotten,
    History,
    HistoryState,
    LogonRecordQuery,
    ProcessRecordQuery,
    RecordKind,
    RecordQuery,
    UserChangeQuery,
    Verification,
)
from logonscope.machine.look import Look

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.machine.source import Source

MAX_LISTED_VALUES = 10
"""Maximum number of values that the text of a reading lists for one condition."""

_NOUNS = {
    "ids": "record", "logon_ids": "LogonId", "users": "user", "login_uids": "login uid", "keys": "ssh key",
    "logon_records": "logon record", "pids": "pid", "names": "name",
    "process_records": "process record",
}  # fmt: skip

_KINDS: Mapping[type[RecordQuery], RecordKind] = {
    LogonRecordQuery: "logon", ProcessRecordQuery: "process", ChangeRecordQuery: "change",
    FailedLogonQuery: "failed logon", UserChangeQuery: "user change",
}  # fmt: skip
"""The kind of the records that a query returns, by the type of the query."""


class ExplainedHistory(History):
    """A history that records each query for records as a text.

    Queries for logon sessions, which are few, are answered by the real history. Queries for other records return none.
    ``close`` does nothing; all other methods call the real history.
    """

    def __init__(self, history: History, readings: list[str], *, shows_numbers: bool) -> None:
        """Create the history of one explanation.

        Args:
            history: the real history.
            readings: the list that the texts are appended to.
            shows_numbers: the texts have the numbers of records, and not opaque keys.
        """
        self._history, self._readings = history, readings
        self._keys = RecordKeys(history, shows_numbers=shows_numbers)

    def __repr__(self) -> str:
        return f"<ExplainedHistory of {self._history!r}>"

    def logons(self, look: Look, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        self._note_query("past logon sessions", query)
        return self._history.logons(look, query)

    def processes(self, look: Look, query: ProcessRecordQuery) -> Iterator[ProcessRecord]:
        look.check()
        self._note_query("past processes", query)
        return iter(())

    def changes(self, look: Look, query: ChangeRecordQuery) -> Iterator[ChangeRecord]:
        look.check()
        self._note_query("changes of past processes", query)
        return iter(())

    def failed_logons(self, look: Look, query: FailedLogonQuery) -> Iterator[FailedLogonRecord]:
        look.check()
        self._note_query("failed logons", query)
        return iter(())

    def user_changes(self, look: Look, query: UserChangeQuery) -> Iterator[UserChangeRecord]:
        look.check()
        self._note_query("changes of user", query)
        return iter(())

    def _note_query(self, noun: str, query: RecordQuery) -> None:
        indexes = self._history.indexes(query)
        by = f"by index {', '.join(indexes)}" if indexes else "all of them"
        values = query._asdict()
        # the fields of queries that hold numbers of records
        kinds: Mapping[str, RecordKind] = {
            "ids": _KINDS[type(query)], "logon_records": "logon", "process_records": "process",
        }  # fmt: skip
        for name in kinds.keys() & values.keys():
            numbers: frozenset[int] | None = values[name]
            values[name] = numbers and frozenset(self._keys.key(kinds[name], number) for number in numbers)
        times = _EXTENT_TIMES if isinstance(query, LogonRecordQuery | ProcessRecordQuery) else _EVENT_TIMES
        conditions = ", ".join(_describe(values, times))
        self._readings.append(f"the history: {noun}{f' with {conditions}' if conditions else ''}: {by}")

    def at(self, moment: datetime, present: "Source") -> "Source":
        return self._history.at(moment, present)

    def hide_number(self, kind: RecordKind, number: int) -> str:
        return self._history.hide_number(kind, number)

    def reveal_number(self, kind: RecordKind, key: str) -> int | None:
        return self._history.reveal_number(kind, key)

    def programs(self, look: Look, logons: Sequence[int]) -> Mapping[int, Sequence[ProgramCount]]:
        return self._history.programs(look, logons)

    def activity(self, look: Look, query: ActivityQuery) -> Iterator[Activity]:
        return self._history.activity(look, query)

    def indexes(self, query: RecordQuery) -> Sequence[str]:
        return self._history.indexes(query)

    def state(self) -> HistoryState:
        return self._history.state()

    def checks(self) -> "Iterator[Check]":
        return self._history.checks()

    def verify(self) -> Verification:
        return self._history.verify()

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        return self._history.forget(user, caller_uid)

    def close(self) -> None:
        pass


def _describe(query: Mapping[str, object], times: Mapping[str, str]) -> Iterator[str]:
    for name, value in query.items():
        if isinstance(value, frozenset) and name in _NOUNS:
            yield list_values(_NOUNS[name], value)
        elif isinstance(value, datetime):
            yield times[name].format(value.isoformat(sep=" ", timespec="seconds"))
    if prefix := query.get("name_prefix"):
        yield f"a name that begins with {prefix}"
    if query.get("is_running"):
        yield "no end"


_EXTENT_TIMES = {"since": "an end after {}", "until": "a start before {}", "started_since": "a start after {}"}
"""Texts for the times in queries for logon sessions and processes, which have a start and an end."""

_EVENT_TIMES = {"since": "a time from {} on", "until": "a time until {}"}
"""Texts for the times in queries for failed logons and changes, which have one time."""


def list_values(noun: str, values: Collection[object]) -> str:
    """Return a noun with values: "uid 0, 1000", "no uid"."""
    return f"{noun} {join_values(values)}" if values else f"no {noun}"


def join_values(values: Collection[object]) -> str:
    """Return the first MAX_LISTED_VALUES values in the order of their texts, and how many more there are."""
    words = sorted(map(str, values))
    suffix = f" and {len(words) - MAX_LISTED_VALUES} more" if len(words) > MAX_LISTED_VALUES else ""
    return f"{', '.join(words[:MAX_LISTED_VALUES])}{suffix}"
