"""Rows of events: HostEvents, made from the events of the source."""

import time
from datetime import datetime, tzinfo

from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.broker.event_process_rows import EventProcessRows
from logonscope.broker.event_request import EventRequest
from logonscope.facts import FailedLogon, UserChange
from logonscope.machine.events import (
    Event,
    EventsLost,
    LogonFailed,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.machine.kernel_numbers import local_datetime, split_status
from logonscope.providers.helpers.text import clean, clean_session

NS = 1_000_000_000


def event_seconds(event: Event) -> float:
    """Return the time of an event in seconds since the epoch."""
    return event.head.kernel_ns / NS + boot_epoch_seconds()


def event_time(event: Event) -> datetime | None:
    """Return the time of an event; None if it is beyond the years of datetime."""
    return local_datetime(event_seconds(event))


class EventRows:
    """Makes the rows of events, for one batch or for several batches that follow shortly after each other."""

    def __init__(self, request: EventRequest) -> None:
        self.request = request
        self._processes = EventProcessRows(request)
        self._boot_seconds = boot_epoch_seconds()
        self._zones: dict[int, tzinfo | None] = {}  # by minutes since the epoch

    def __repr__(self) -> str:
        return f"<EventRows by {self._processes!r}>"

    def begin_batch(self) -> None:
        """Prepare the rows of another batch."""
        self._processes.begin_batch()
        # the clock may have been set
        self._boot_seconds = boot_epoch_seconds()
        self._zones.clear()

    def make(self, event: Event, cursor: str | None, session: LogonSession | None = None) -> HostEvent:
        """Return the row of an event that the caller may see.

        Args:
            event: the event, as the caller sees it.
            cursor: the cursor for the caller.
            session: the logon session of the process, if the watch requests it.
        """
        moment = self._time(event)
        if isinstance(event, ProcessStarted):
            row = self._processes.row(event[1], event[2])
            return _new(HostEvent, ("ProcessStarted", moment, cursor, row, None, session, *_NOTHING))
        if isinstance(event, ProcessEnded):
            row, (code, signal) = self._processes.row(event[1], event[2]), split_status(event[3])
            return _new(HostEvent, ("ProcessEnded", moment, cursor, row, None, session, code, signal, *_NOTHING[2:]))
        if isinstance(event, ProcessChanged):
            row, before = self._processes.row(*event.after), self._processes.row(*event.before)
            return HostEvent("ProcessChanged", moment, cursor, row, before, session)
        if isinstance(event, EventsLost):
            return HostEvent("Lost", moment, cursor, missed=event.missed_events, missed_all=event.is_all or None)
        if isinstance(event, LogonFailed):
            return HostEvent("LogonFailed", moment, cursor, session=session, attempt=make_attempt(event.attempt))
        if isinstance(event, UserChanged):
            row = self._processes.row(event.process, event.owner)
            return HostEvent(
                "UserChanged", moment, cursor, row, session=session, change=make_changed_user(event.change)
            )
        name = type(event).__name__
        return HostEvent(name, moment, cursor, session=clean_session(event.session))  # type: ignore[arg-type]  # the name of a class

    def _time(self, event: Event) -> datetime | None:
        # event[0][0] is event.head.kernel_ns: an index is faster than a name, and this runs for every event
        seconds = event[0][0] / NS + self._boot_seconds
        # time zones change their offsets at whole minutes only
        minute = int(seconds // 60)
        zone = self._zones.get(minute)
        if zone is not None:
            return datetime.fromtimestamp(seconds, zone)
        moment = local_datetime(seconds)
        self._zones[minute] = None if moment is None else moment.tzinfo
        return moment


_new = tuple.__new__

_NOTHING = (None,) * (len(HostEvent._fields) - HostEvent._fields.index("exit_code"))
"""The values of the fields from ``exit_code`` on, for an event that has none of them."""


class _BootClock:
    """The time of the boot, computed from the present clock.

    It changes only if the clock was set, so that the same event always has the same time.
    """

    def __init__(self) -> None:
        self._seconds = 0.0

    def seconds(self) -> float:
        """Return the time of the boot in seconds since the epoch."""
        # Both clocks are read again if this thread had to wait between the two readings: otherwise the clock would
        # seem to have been set.
        for _ in range(MAX_CLOCK_READINGS):
            before, now = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
            if time.clock_gettime(time.CLOCK_BOOTTIME) - before < CLOCK_SLACK_SECONDS / 10:
                break
        seconds = now - before
        if abs(seconds - self._seconds) > CLOCK_SLACK_SECONDS:
            self._seconds = seconds
        return self._seconds


MAX_CLOCK_READINGS = 10

CLOCK_SLACK_SECONDS = 0.01
"""Difference in seconds from which on the clock counts as set; smaller differences are ignored."""

_CLOCK = _BootClock()


def boot_epoch_seconds() -> float:
    """Return the time of the boot in seconds since the epoch."""
    return _CLOCK.seconds()


def make_attempt(attempt: FailedLogon) -> FailedAttempt:
    """Return a refused attempt with its texts cleaned."""
    return FailedAttempt(
        service=clean(attempt.service) or "",
        user=clean(attempt.user),
        is_known_user=attempt.is_known_user,
        remote_address=clean(attempt.address),
        remote_port=attempt.port,
        remote_host=clean(attempt.remote_host),
        method=clean(attempt.method),
        tty=clean(attempt.tty),
        by_user=clean(attempt.by_user),
        command=clean(attempt.command),
        reason=clean(attempt.reason),
        attempts=attempt.attempts,
        pid=attempt.pid or None,
        source=attempt.source,
    )


def make_changed_user(change: UserChange) -> ChangedUser:
    """Return a change of user with its texts cleaned."""
    return ChangedUser(
        from_uid=change.from_uid,
        from_user=clean(change.from_user),
        to_uid=change.to_uid,
        to_user=clean(change.to_user),
        is_complete=change.is_complete,
        program=clean(change.program),
        through=clean(change.through),
        command=clean(change.command),
        source=change.source,
    )
