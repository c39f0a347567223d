"""Instances that events are about: rows of a class before and after a change, from the stream or from two readings."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.event_request import EventRequest
from logonscope.broker.instances import matching_rows
from logonscope.broker.polling_budget import BUDGET
from logonscope.broker.request import Request
from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.errors import QuotaViolationError
from logonscope.machine import Deadline, Look
from logonscope.machine.events import (
    Event,
    LoggedOut,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.providers.helpers.provider import COUNTS
from logonscope.providers.helpers.registry import get_provider

SESSION_CLASSES = {"Win32_LogonSession", "LS_LogonSession"}
"""Classes of logon sessions whose instances the events describe; other classes of logon sessions are polled."""

MIN_POLLING_SECONDS = 1.0
"""Minimum seconds between two readings of a class, whatever WITHIN says."""

MAX_READING_SECONDS = 60.0
"""Maximum seconds of one reading."""

MAX_POLLED_ROWS = 100_000
"""Maximum number of instances of a class whose readings are compared."""

Row = tuple[Value, ...]


class Difference(NamedTuple):
    """An instance that was created (``before`` is None), changed, or removed (``after`` is None)."""

    cls: Class
    before: Row | None
    after: Row | None


def is_streamed(cls: Class) -> bool:
    """Return whether the stream has the events of the instances of a class."""
    return get_provider(cls).subject == "process" or cls.name in SESSION_CLASSES


class StreamedClass:
    """The instances of a class of processes or logon sessions, from the events of the stream."""

    def __init__(self, cls: Class, sessions: Mapping[str, LogonSession]) -> None:
        """Store the class.

        Args:
            cls: the class.
            sessions: the logon sessions that the caller sees, by LogonId.
        """
        self.cls, self._provider, self._sessions = cls, get_provider(cls), dict(sessions)
        self._columns = tuple(cls.properties)
        # the processes of a logon session are not in its events, so they cannot be counted
        self._read_columns = self._provider.columns_without(COUNTS, self._columns)
        self._key_indexes = [self._columns.index(key) for key in cls.keys]

    def __repr__(self) -> str:
        return f"<StreamedClass {self.cls.name}>"

    @property
    def includes_hidden(self) -> bool:
        """Return whether callers get rows of processes that they may not see, with identity columns only."""
        return self._provider.include_hidden

    def differences(self, request: EventRequest, event: Event) -> Iterator[Difference]:
        """Yield the instances that an event creates, changes or removes; the event must be masked for the caller."""
        if self._provider.subject == "process":
            before, after = self._process_rows(request, event)
        else:
            before, after = self._session_rows(request, event)
        if before == after:
            return
        if before is not None and after is not None and self._key(before) != self._key(after):
            # another key is another instance: an association whose end changed
            yield Difference(self.cls, before, None)
            yield Difference(self.cls, None, after)
        else:
            yield Difference(self.cls, before, after)

    def _process_rows(self, request: EventRequest, event: Event) -> tuple[Row | None, Row | None]:
        if isinstance(event, ProcessStarted):
            return None, self._row(request, (event.process, event.owner))
        if isinstance(event, ProcessEnded):
            return self._row(request, (event.process, event.owner)), None
        if isinstance(event, ProcessChanged):
            return self._row(request, event.before), self._row(request, event.after)
        return None, None

    def _session_rows(self, request: EventRequest, event: Event) -> tuple[Row | None, Row | None]:
        if not isinstance(event, LogonStarted | LoggedOut | LogonEnded):
            return None, None
        logon_id = event.session.logon_id
        old = self._sessions.get(logon_id)
        if isinstance(event, LogonEnded):
            self._sessions.pop(logon_id, None)
            return self._row(request, (old or event.session, ())), None
        new = event.session
        if old is not None:
            # the event of a logout lacks values that were read earlier, because they are not read again
            old_values = {name: value for name, value in old._asdict().items() if getattr(new, name) is None}
            new = new._replace(**old_values)
        self._sessions[logon_id] = new
        return None if old is None else self._row(request, (old, ())), self._row(request, (new, ()))

    def _row(self, request: EventRequest, item: tuple[Any, ...]) -> Row | None:
        return next(self._provider.rows((item,), request.context, self._read_columns), None)

    def _key(self, row: Row) -> tuple[Value, ...]:
        return tuple([row[index] for index in self._key_indexes])


class PolledClass:
    """The instances of any class, compared with those of the previous reading.

    ``due`` is the moment of the next reading, by time.monotonic().
    """

    def __init__(self, request: Request, cls: Class, seconds: float, max_rows: int = MAX_POLLED_ROWS) -> None:
        """Read the instances for the first time.

        Args:
            request: the request of the caller.
            cls: the class.
            seconds: the interval between two readings; raised to MIN_POLLING_SECONDS.
            max_rows: maximum number of instances.

        Raises:
            QuotaViolationError: there are more than ``max_rows`` instances.
        """
        self.cls, self._seconds, self._max_rows = cls, max(seconds, MIN_POLLING_SECONDS), max_rows
        self._columns = tuple(cls.properties)
        self._key_indexes = [self._columns.index(key) for key in cls.keys]
        self._rows = self._read(request)

    def __repr__(self) -> str:
        return f"<PolledClass {self.cls.name} every {self._seconds:g} s>"

    def poll(self, request: Request) -> Iterator[Difference]:
        """Read the instances again; yield what differs."""
        old, new = self._rows, self._read(request)
        self._rows = new
        for key, row in old.items():
            if key not in new:
                yield Difference(self.cls, row, None)
        for key, row in new.items():
            before = old.get(key)
            if before != row:
                yield Difference(self.cls, before, row)

    def _read(self, request: Request) -> dict[tuple[Value, ...], Row]:
        look = Look(Deadline(MAX_READING_SECONDS))
        fresh = Request(request.source, request.ownership, request.caller, look, request.schema)
        rows: dict[tuple[Value, ...], Row] = {}
        start = time.monotonic()
        for row in matching_rows(fresh, self.cls, self._columns):
            rows[tuple([row[index] for index in self._key_indexes])] = row
            if len(rows) > self._max_rows:
                reason = f"{self.cls.name} has more than {self._max_rows:,} instances"
                raise QuotaViolationError(f"cannot watch: {reason}", "watch a class with fewer of them")
        self.due = BUDGET.next_reading(request.caller, self._seconds, time.monotonic() - start)
        return rows
