"""History of a machine: the interface to what happened, and the queries for it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from logonscope.facts.history import (
    ChangeRecord,
    FailedLogonRecord,
    LogonRecord,
    ProcessRecord,
    ProgramCount,
    UserChangeRecord,
)
from logonscope.machine.look import Look

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.machine.events import EventLog
    from logonscope.machine.source import Source

RecordKind = Literal["logon", "process", "change", "user change", "failed logon"]
"""What a record is about."""


class LogonRecordQuery(NamedTuple):
    """A query for past logon sessions. Fields that are None match any. A history may return more records than match."""

    ids: frozenset[int] | None = None  # of records
    logon_ids: frozenset[str] | None = None
    users: frozenset[str] | None = None  # account names that logged in
    login_uids: frozenset[int] | None = None
    keys: frozenset[str] | None = None  # fingerprints, or their beginnings
    since: datetime | None = None  # ended at this time or later, or still exists
    until: datetime | None = None  # started before this time
    fold_case: bool = False  # users and keys are compared ignoring case


class ProcessRecordQuery(NamedTuple):
    """A query for past processes. Fields that are None match any. A history may return more records than match."""

    ids: frozenset[int] | None = None  # of records
    logon_records: frozenset[int] | None = None  # ids of the records of their logon sessions
    pids: frozenset[int] | None = None
    users: frozenset[str] | None = None  # account names of the effective uid at the start, ignoring case
    names: frozenset[str] | None = None  # process names, ignoring case
    name_prefix: str | None = None  # beginning of the name, ignoring case; ASCII only: see wql.ranges.ColumnRange
    since: datetime | None = None  # ended at this time or later, or still runs
    until: datetime | None = None  # started before this time
    started_since: datetime | None = None  # started at this time or later
    is_running: bool = False  # only those that run
    newest: int | None = None  # at most so many processes, the newest
    command_lines: bool = True


class ChangeRecordQuery(NamedTuple):
    """A query for process changes. Fields that are None match any. A history may return more records than match."""

    ids: frozenset[int] | None = None  # of records
    process_records: frozenset[int] | None = None  # ids of the records of their processes
    since: datetime | None = None  # at this time or later
    until: datetime | None = None  # at this time or before
    command_lines: bool = True


class FailedLogonQuery(NamedTuple):
    """A query for failed logons. Fields that are None match any. A history may return more records than match."""

    ids: frozenset[int] | None = None  # of records
    users: frozenset[str] | None = None  # names that were tried, ignoring case
    since: datetime | None = None  # at this time or later
    until: datetime | None = None  # at this time or before


class UserChangeQuery(NamedTuple):
    """A query for changes of user. Fields that are None match any. A history may return more records than match."""

    ids: frozenset[int] | None = None  # of records
    process_records: frozenset[int] | None = None  # ids of the records of their processes
    logon_records: frozenset[int] | None = None  # ids of the records of their logon sessions
    since: datetime | None = None  # at this time or later
    until: datetime | None = None  # at this time or before


RecordQuery = LogonRecordQuery | ProcessRecordQuery | ChangeRecordQuery | FailedLogonQuery | UserChangeQuery


class ActivityQuery(NamedTuple):
    """A query for how many processes of logon sessions ran in each bin of a span.

    Times are microseconds since the epoch.
    """

    logon_records: frozenset[int]  # ids of the records of the logon sessions
    since: int
    until: int
    bin_us: int  # length of a bin, in microseconds
    non_root_records: frozenset[int]  # those logon records whose login user is not root


class Activity(NamedTuple):
    """The processes of a logon session that have the same first bin and the same last bin."""

    logon_record: int  # id of the record of the logon session
    first_bin: int  # the bin in which they started; -1: before the span
    last_bin: int | None  # the bin in which they ended; it can be after the span; None: they still run
    processes: int  # their number
    as_root: int  # how many of them ran as root although another user logged in
    failed: int  # how many of them ended with another status than 0, or by a signal


class HistoryState(NamedTuple):
    """What the history holds; sizes in bytes, times in microseconds since the epoch."""

    journal_id: str
    epoch: int  # the number of this run of the service
    last_event: int  # number of the newest event in the history
    since: int | None  # beginning of the history; None: it has not begun
    bytes: int
    rows: int  # of processes, changes, command lines and others
    losses: int  # number of gaps
    problem: str = ""  # why nothing is written now; empty: rows are written
    # growth in 24 hours, in bytes, estimated from the rows of the last 24 hours, or of a shorter history; None: the
    # history is too short, or has no rows
    bytes_a_day: int | None = None
    max_bytes: int | None = None  # the size from which on the oldest processes are deleted; None: not known

    @property
    def days_of_size(self) -> float | None:
        """Return how many days of history the maximum size holds at the rate of the last day; None: not known."""
        if not self.bytes_a_day or self.max_bytes is None:
            return None
        return self.max_bytes / self.bytes_a_day


class Forgotten(NamedTuple):
    """The result of ``forget``: how much was deleted."""

    logins: int
    processes: int
    kept_logins: int  # logins that still exist
    failed_logons: int = 0  # records, each of one or more attempts
    user_changes: int = 0


class Verification(NamedTuple):
    """The result of a verification of the hash chain."""

    seals: int
    rows: int
    removed: int  # rows that retention or ``forget`` deleted
    unsealed: int  # rows that no seal covers yet
    link: str  # last link of the chain, in hex
    first_bad: tuple[int, int] | None  # numbers of the first and last row of the first seal that does not match
    reason: str  # why it does not match

    @property
    def is_intact(self) -> bool:
        """Return whether all seals match."""
        return self.first_bad is None


class History(Protocol):
    """The history of a machine."""

    event_log: "EventLog | None" = None
    """The events for readers that resume; None except in the service that writes the history."""

    def at(self, moment: datetime, present: "Source") -> "Source":
        """Return the source of the machine as it was at a moment.

        Raises:
            NotFoundError: nothing was recorded then.
        """
        ...

    def logons(self, look: Look, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        """Yield logon sessions, in the order in which the history recorded them: by the number of the record."""
        ...

    def processes(self, look: Look, query: ProcessRecordQuery) -> Iterator[ProcessRecord]:
        """Yield processes, nearly in the order of their starts.

        Processes that were found running after a gap may come later than their starts would place them.
        """
        ...

    def changes(self, look: Look, query: ChangeRecordQuery) -> Iterator[ChangeRecord]:
        """Yield changes of processes, in their order."""
        ...

    def failed_logons(self, look: Look, query: FailedLogonQuery) -> Iterator[FailedLogonRecord]:
        """Yield failed logons, in their order."""
        ...

    def user_changes(self, look: Look, query: UserChangeQuery) -> Iterator[UserChangeRecord]:
        """Yield changes of user, in their order."""
        ...

    def indexes(self, query: RecordQuery) -> Sequence[str]:
        """Return the names of the indexes that a query uses; an empty list: it reads all rows."""
        ...

    def hide_number(self, kind: RecordKind, number: int) -> str:
        """Return the opaque key of a record, for callers that may not see all records."""
        ...

    def reveal_number(self, kind: RecordKind, key: str) -> int | None:
        """Return the number of the record with an opaque key; None: no record of this kind has this key."""
        ...

    def programs(self, look: Look, logon_records: Sequence[int]) -> Mapping[int, Sequence[ProgramCount]]:
        """Return how often each program ran in these logon sessions, by the number of the logon record."""
        ...

    def activity(self, look: Look, query: ActivityQuery) -> Iterator[Activity]:
        """Yield how many processes ran in which bins; several results can have the same logon session and bins."""
        ...

    def state(self) -> HistoryState:
        """Return the size and the state of the history."""
        ...

    def checks(self) -> "Iterator[Check]":
        """Yield the checks of ``logonscope doctor`` about the history."""
        ...

    def verify(self) -> Verification:
        """Verify by the hash chain that no sealed row was changed or added, and that only the history deleted rows."""
        ...

    def forget(self, user: str, caller_uid: int | None) -> Forgotten:
        """Delete the past logins of a user, and the other past records of the user (see journal/forget.py).

        The uid of the caller is stored in an audit line.
        """
        ...

    def close(self) -> None:
        """Release connections; the service also writes what is queued."""
        ...
