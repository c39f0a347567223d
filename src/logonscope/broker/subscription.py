"""Subscription: the events of a host as far as one caller may see them, with the wait for new ones.

Whether the caller may see an event of a process depends on the owner that the process had at that time. The account of
the caller is looked up again every 60 seconds: if its uid has another account by then, or none any more, the
subscription ends (unless the caller is an administrator).
"""

import time
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from logonscope.answers.host_event import HostEvent
from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import Details, LogonSession
from logonscope.broker.access import is_same_account
from logonscope.broker.descendants import Descendants
from logonscope.broker.event_cursors import EventCursors
from logonscope.broker.event_query import EventQueryRun
from logonscope.broker.event_request import EventRequest
from logonscope.broker.event_rows import EventRows, event_time
from logonscope.broker.past import event_request_at
from logonscope.broker.plan import plan
from logonscope.broker.request import Request
from logonscope.broker.resumed_reader import ResumedReader
from logonscope.broker.session_selector import numbers_among
from logonscope.broker.sessions import sessions
from logonscope.cim.instances import Instance
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError
from logonscope.machine import Deadline
from logonscope.machine.events import (
    Event,
    EventReader,
    EventsLost,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.wql.events import EventQuery

ACCOUNT_SECONDS = 60.0
"""Seconds after which the account of the caller is looked up again."""

EVENT_SECONDS = 30.0
"""Maximum seconds of work on one event."""

ROWS_SECONDS = 1.0
"""Seconds for which names of accounts in events are kept."""

DESCRIPTION_SECONDS = 1.0
"""Minimum seconds between two attempts to read a logon session that has events of processes, but no LogonStarted."""

SESSION_DETAILS: Details = frozenset({"authentication"})
"""The details of the logon sessions in events."""

PROCESS_EVENTS = frozenset({ProcessStarted, ProcessChanged, ProcessEnded, UserChanged})
"""Events of processes; they can have a logon session."""

Result = HostEvent | Instance


class WatchOptions(NamedTuple):
    """Which events a watch reports, and with which details.

    Attributes:
        query: a WQL event query; None: events as HostEvent.
        namespace: the namespace of the classes in the query; None: root/cimv2.
        which: a LogonId, a login id or an account: only events of the logon sessions that this word names, and failed
            logons with this word as the user. None: all.
        where: only events of matching logon sessions, and failed logons with a matching user, origin and time.
        events: only events of these names (``HostEvent.event``), and "Lost"; None: all.
        with_sessions: an event of a process has the logon session of the process, too.
        without_descendants_of: the pid of a process: leave out the events of its descendants; None: leave out none.
        since: a cursor; None: from now on.
    """

    query: str | None = None
    namespace: str | None = None
    which: str | None = None
    where: LogonFilter | None = None
    events: frozenset[str] | None = None
    with_sessions: bool = False
    without_descendants_of: int | None = None
    since: str | None = None


class WatchResult(NamedTuple):
    """A result, and the cursor after it."""

    cursor: str
    result: Result


def subscribe(request: Request, options: WatchOptions) -> "Subscription":
    """Return a subscription to the events of a host.

    Raises:
        AccessDeniedError: the caller is not authenticated.
        NotSupportedError: the host has no events, or none of the class of the query.
        InvalidParameterError: the query is no event query, or filters are given with it.
        QuotaViolationError: a polled class of the query has too many instances.
        InvalidQueryError and others: as ``plan``.
    """
    request.admit()
    query: EventQuery | None = None
    if options.query is not None:
        if options.which is not None or options.where is not None or options.events is not None:
            raise InvalidParameterError("a query has conditions of its own", "leave the other filters out")
        query_plan = plan(request, options.query, options.namespace)
        if not isinstance(query_plan, EventQuery):
            hint = "select from an event class, such as __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA ..."
            raise InvalidParameterError("cannot watch a data query", hint)
        query = query_plan
    cursors = EventCursors(request.source)
    reader = cursors.open_reader(options.since)
    try:
        return Subscription(request, reader, options, query, cursors)
    except BaseException:
        reader.close()
        raise


class Subscription:
    """A subscription of one caller. One thread at a time reads it; any thread may close it."""

    def __init__(
        self,
        request: Request,
        reader: EventReader,
        options: WatchOptions,
        query: EventQuery | None,
        cursors: EventCursors,
    ) -> None:
        self._request, self._reader, self._options, self._cursors = request, reader, options, cursors
        # If several accounts share a uid, a login can have the name of the first of them. So the name of another one of
        # these accounts selects this login, too.
        users = frozenset() if options.which is None else frozenset({options.which})
        self._which_users = users | request.accounts.login_names(users)
        if options.where is not None and options.where.users is not None:
            users = options.where.users | request.accounts.login_names(options.where.users)
            self._options = options._replace(where=options.where._replace(users=users))
        self.caller = request.caller
        self._account_name = self._read_account_name(request)
        self._account_due = time.monotonic() + ACCOUNT_SECONDS
        self._sessions: dict[str, LogonSession] | None = None
        self._live_rows: EventRows | None = None
        self._live_rows_until = 0.0
        self._next_descriptions: dict[str, float] = {}  # by LogonId: when a description may be tried again
        self._query_run: EventQueryRun | None = None
        self._descendants: Descendants | None = None
        if options.without_descendants_of is not None:
            self._descendants = Descendants(request.source, options.without_descendants_of)
        if query is not None:
            self._query_run = EventQueryRun(EventRequest.renewed(request), query, self._read_sessions)
        elif self._needs_sessions:
            self._sessions = self._read_sessions()

    def __repr__(self) -> str:
        return f"<Subscription of {self.caller.name}, {self.description}>"

    @property
    def description(self) -> str:
        """Return where the events come from, and which of them may be missed."""
        return self._reader.description

    @property
    def is_closed(self) -> bool:
        """Return whether there will be no more results."""
        return self._reader.is_closed

    @property
    def cursor(self) -> str:
        """Return the cursor after the last event that was read, even if it gave no result."""
        return self._cursors.write(self._cursors.head_of(self._reader))

    @property
    def reader(self) -> EventReader:
        """Return the reader of the events."""
        return self._reader

    @property
    def due(self) -> float | None:
        """Return the monotonic time at which ``read`` has something to do without an event; None: nothing is due."""
        dues = [None if self._query_run is None else self._query_run.due]
        if isinstance(self._reader, ResumedReader):
            dues.append(self._reader.due)
        return min((due for due in dues if due is not None), default=None)

    def close(self) -> None:
        """End the subscription, and a ``read`` that waits."""
        self._reader.close()

    def read(self, seconds: float | None = None, max_events: int | None = None) -> list[WatchResult]:
        """Wait for results, and return them; an empty list after ``seconds`` (None: no limit), or when closed.

        ``max_events`` limits how many events are read at once; None: the reader has a limit of its own.

        Raises:
            AccessDeniedError: the uid of the caller does not belong to its account any more.
            QuotaViolationError: a class has too many instances, or a query too many groups.
            TimedOutError: it took too long to read a class, or to test a condition.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            # the reader wakes for events; a class that is polled, or a group, is due by the clock
            events = self.take_events(self._wait_seconds(end), max_events)
            # without results, for example because all events are hidden from the caller, the wait continues
            results = self.results_of(events)
            if results or self.is_closed or (end is not None and time.monotonic() >= end):
                return results

    @property
    def sharing_key(self) -> Hashable | None:
        """Return a key: subscriptions with equal keys have equal results for the same events; None: not shared."""
        is_resumed = isinstance(self._reader, ResumedReader)
        if self._query_run is not None or self._descendants is not None or self._needs_sessions or is_resumed:
            return None
        return self.caller, self._options.events, id(self._request.source), id(self._request.ownership)

    def take_events(self, seconds: float | None = None, max_events: int | None = None) -> Sequence[Event]:
        """Wait for events, and return them, hidden ones included; ``results_of`` returns what the caller sees.

        Raises:
            AccessDeniedError: the uid of the caller does not belong to its account any more.
        """
        events = self._reader.read(seconds, max_events)
        self._check_account()
        return events

    def results_of(self, events: Sequence[Event]) -> list[WatchResult]:
        """Return the results for events that were taken, and the results that are due by the clock."""
        watch_results: list[WatchResult] = []
        # on a quiet host, most reads return no events
        if events:
            request, rows = self._batch_request()
            deadline = request.look.deadline = Deadline(EVENT_SECONDS)
            names, view, write_cursor = self._options.events, request.visibility.view_event, self._cursors.write
            is_plain = self._query_run is None and self._descendants is None and not self._needs_sessions
            # a hidden event gives the caller neither a result nor a cursor
            for event in events:
                # the deadline moves with each event, so that a slow batch does not lose the results of its first events
                deadline.move(EVENT_SECONDS)
                event_type = type(event)
                # the most frequent case, written out: this runs for every event of the machine
                if is_plain and event_type in PROCESS_EVENTS:
                    visible_event = view(event) if names is None or event_type.__name__ in names else None
                    if visible_event is not None:
                        cursor = write_cursor(visible_event[0])
                        watch_results.append(_new(WatchResult, (cursor, rows.make(visible_event, cursor))))
                    continue
                for result in self._results(request, rows, event):
                    # a HostEvent already has its cursor
                    known_cursor = result.cursor if isinstance(result, HostEvent) else None
                    watch_results.append(_new(WatchResult, (known_cursor or write_cursor(event.head), result)))
        if self._query_run is not None and self._query_run.due is not None and self._query_run.due <= time.monotonic():
            cursor = self._cursors.write(self._cursors.head_of(self._reader))
            polled_results = self._query_run.poll(EventRequest.renewed(self._request))
            watch_results += [WatchResult(cursor, result) for result in polled_results]
        return watch_results

    def _wait_seconds(self, end: float | None) -> float:
        moments = [moment for moment in (end, self._account_due, self.due) if moment is not None]
        return max(0.0, min(moments) - time.monotonic())

    def _batch_request(self) -> tuple[EventRequest, EventRows]:
        """Return the request for the events of the last read, and an EventRows, which makes HostEvents of them."""
        page = self._reader.page if isinstance(self._reader, ResumedReader) else None
        if page is not None and page.moment is not None:
            request = event_request_at(self._request, page.moment, is_this_boot=page.is_this_boot)
        elif self._query_run is not None:
            request = EventRequest.renewed(self._request)
        else:
            return self._live_request()
        return request, EventRows(request)

    def _live_request(self) -> tuple[EventRequest, EventRows]:
        """Return the request for live events.

        It is kept for ROWS_SECONDS, so that the name of an account is looked up only once in this time.
        """
        now, renewed = time.monotonic(), EventRequest.renewed(self._request)
        # the facts of the machine are compared, because the clock may have been set, or the host renamed
        rows = self._live_rows
        if rows is None or now >= self._live_rows_until or rows.request.machine != renewed.machine:
            rows = self._live_rows = EventRows(renewed)
            self._live_rows_until = now + ROWS_SECONDS
        rows.begin_batch()
        return rows.request, rows

    def _results(self, request: EventRequest, rows: EventRows, event: Event) -> Iterable[Result]:
        # descendants are tested first, so that their events are in no result, group or count
        if self._descendants is not None and self._descendants.follow(event):
            return ()
        if self._query_run is not None and not isinstance(event, EventsLost):
            return self._query_run.results(request, request.visibility, event)
        # every caller learns that events were lost
        visible_event = request.visibility.view_event(event)
        return () if visible_event is None else self._host_event(request, rows, visible_event)

    def _host_event(self, request: EventRequest, rows: EventRows, event: Event) -> tuple[HostEvent, ...]:
        names, event_type = self._options.events, type(event)
        is_wanted = names is None or event_type is EventsLost or event_type.__name__ in names
        session: LogonSession | None = None
        # nearly all events are of processes
        if event_type in PROCESS_EVENTS:
            if is_wanted and self._needs_sessions:
                session = self._session_of(event) or self._past_session_of(request, event)
                is_wanted = self._fits(session)
        elif isinstance(event, (LogonStarted, LoggedOut, LogonEnded)):
            self._note_session(event)
            is_wanted = is_wanted and self._fits(event.session)
        elif isinstance(event, LogonFailed):
            is_wanted = is_wanted and self._fits_attempt(request, event)
        return (rows.make(event, self._cursors.write(event.head), session),) if is_wanted else ()

    @property
    def _needs_sessions(self) -> bool:
        options = self._options
        return options.with_sessions or options.which is not None or options.where is not None

    def _fits(self, session: LogonSession | None) -> bool:
        """Return whether the options select a logon session. A hidden or unknown session is None."""
        which, where = self._options.which, self._options.where
        if session is None:
            return which is None and (where is None or where.matches_all)
        if where is not None and not where.fits(session):
            return False
        if which is None:
            return True
        logon_id = self._request.ownership.parse_logon_id(which)
        is_logon_id = logon_id is not None and logon_id == session.logon_id
        return is_logon_id or which == session.login or session.user in self._which_users

    def _fits_attempt(self, request: EventRequest, event: LogonFailed) -> bool:
        """Return whether the options select a failed attempt, by its user, origin and time: it has no logon session."""
        which, where, attempt = self._options.which, self._options.where, event.attempt
        if which is not None and which != attempt.user:
            return False
        if where is None:
            return True
        # a failed attempt has no LogonType, state or key: a condition on one of these never matches
        has_other_conditions = where.types is not None or where.states is not None or where.keys is not None
        if has_other_conditions or (where.users is not None and not _is_user_of(request, attempt.user, where.users)):
            return False
        if not where.may_begin_at(event_time(event)):
            return False
        return where.may_come_from(attempt.remote_host) or where.may_come_from(attempt.address)

    def _note_session(self, event: LogonStarted | LoggedOut | LogonEnded) -> None:
        if self._sessions is None:
            return
        if isinstance(event, LogonEnded):
            self._sessions.pop(event.session.logon_id, None)
        else:
            self._sessions[event.session.logon_id] = event.session

    def _session_of(self, event: Any) -> LogonSession | None:
        """Return the logon session of a process event; None if it is hidden, or not known yet."""
        owner = event.owner if not hasattr(event, "after") else event.after[1]
        if owner.logon_id is None or self._sessions is None:
            return None
        # the event of a login waits for the login record: events of its processes can come before
        if owner.logon_id not in self._sessions:
            self._describe(owner.logon_id)
        return self._sessions.get(owner.logon_id)

    def _past_session_of(self, request: EventRequest, event: Any) -> LogonSession | None:
        """Return the logon session of an event of the history; None if it is hidden, or not known."""
        if not isinstance(self._reader, ResumedReader) or self._reader.page is None:
            return None
        owner = event.owner if not hasattr(event, "after") else event.after[1]
        session = self._reader.page.sessions.get(owner.logon_id)
        return session if session is not None and request.visibility.sees_logon(session) else None

    def _describe(self, logon_id: str) -> None:
        """Describe a logon session whose own event has not come yet."""
        assert self._sessions is not None  # noqa: S101 -- checked by _session_of
        now = time.monotonic()
        if now < self._next_descriptions.get(logon_id, 0.0):
            return
        # bounded, because any user can make new logon sessions all the time
        if len(self._next_descriptions) > 1000:
            self._next_descriptions.clear()
        self._next_descriptions[logon_id] = now + DESCRIPTION_SECONDS
        try:
            described_sessions = sessions(EventRequest.renewed(self._request), logon_id, SESSION_DETAILS)
        except LogonscopeError:
            return
        self._sessions |= {session.logon_id: session for session in described_sessions}

    def _read_sessions(self) -> dict[str, LogonSession]:
        request = Request(
            self._request.source, self._request.ownership, self.caller, schema=self._request.loaded_schema
        )
        return {session.logon_id: session for session in sessions(request, None, SESSION_DETAILS)}

    def _check_account(self) -> None:
        """Look the account of the caller up again, at most every ACCOUNT_SECONDS.

        Raises:
            AccessDeniedError: the caller's uid belongs to no account any more, or to another one.
        """
        if time.monotonic() < self._account_due:
            return
        self._account_due = time.monotonic() + ACCOUNT_SECONDS
        name = self._read_account_name(EventRequest.renewed(self._request))
        if not is_same_account(self.caller, self._account_name, name):
            self.close()
            raise AccessDeniedError("the account of this watch has changed", "authenticate again")

    def _read_account_name(self, request: Request) -> str | None:
        if self.caller.uid is None:
            return None
        account = request.source.account(request.look, self.caller.uid)
        return account and account.name


_new = tuple.__new__


def _is_user_of(request: EventRequest, user: str | None, users: frozenset[str]) -> bool:
    """Return whether a user is one of these names or uids."""
    uids = numbers_among(users)
    return user in users or (user is not None and any(request.accounts.name(uid) == user for uid in uids))
