"""Subscriptions that a client opens: each is an open context, which has a subscription of the broker.

A pull that finds no events waits for events, without a thread, as long as the client and the server allow.
"""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from logonscope.broker import Request
from logonscope.broker.subscription import Subscription, WatchOptions, WatchResult, subscribe
from logonscope.dispatch.enumerations import Enumerations, OpenContext
from logonscope.dispatch.operation import Door, Operation, Reply
from logonscope.dispatch.pushes import PushChannel
from logonscope.dispatch.watches import EventWaiter, Watches
from logonscope.errors import (
    AccessDeniedError,
    EnumerationNotFoundError,
    InternalError,
    LogonscopeError,
    PullInProgressError,
)

if TYPE_CHECKING:
    from logonscope.dispatch.operation import Limits

PULL = "Pull"
READ_EVENTS = 16
"""Maximum number of events that are read at once."""

MAX_READ_SECONDS = 1.0
"""Seconds after which a reading ends although there are more events: other subscriptions need the thread."""

_log = logging.getLogger(__name__)


class NewSubscription(NamedTuple):
    """A subscription that is not in the table yet, and what the client asks for.

    Attributes:
        subscription: the subscription.
        seconds: its lifetime; None: the maximum.
        heartbeat_seconds: after so many seconds without events, the client gets an answer or message without results;
            None: no heartbeats, and a pull times out.
        push_urls: the addresses to which messages are sent; empty: the client pulls.
        mode: the mode of delivery, for metrics.
    """

    subscription: Subscription
    seconds: float | None = None
    heartbeat_seconds: float | None = None
    push_urls: tuple[str, ...] = ()
    mode: str = PULL


def open_subscription(
    request: Request,
    query: str,
    namespace: str | None = None,
    *,
    since: str | None = None,
    seconds: float | None = None,
    heartbeat_seconds: float | None = None,
    push_urls: tuple[str, ...] = (),
    mode: str = PULL,
) -> NewSubscription:
    """Return a subscription to the results of an event query; see ``broker.subscription.subscribe``."""
    subscription = subscribe(request, WatchOptions(query, namespace, since=since))
    return NewSubscription(subscription, seconds, heartbeat_seconds, push_urls, mode)


class OpenSubscription(OpenContext):
    """A subscription whose results the client pulls, or a push sends. Results stay pending until they are sent."""

    is_extended_by_use = False

    def __init__(
        self, watches: Watches, subscription: Subscription, max_seconds: float, heartbeat_seconds: float | None
    ) -> None:
        super().__init__(subscription.caller, max_seconds)
        self.subscription, self.heartbeat_seconds = subscription, heartbeat_seconds
        self.channel: PushChannel | None = None
        """Set by the door: sends the events to the client's address; None: the client pulls."""
        self._watches = watches
        self.is_open = True
        """Whether the subscription has not ended: nothing more is sent after the end."""
        self._pending: list[WatchResult] = []
        self._failure: LogonscopeError | None = None
        self.is_heartbeat_due = False
        """Whether an answer without results is a heartbeat; if not, it says that the time of the pull is over."""
        self.is_behind = False
        """Whether the last reading ended because of its time limit: there may be unread events."""
        self.waiting_pull: EventPull | None = None
        """The newest pull that waits."""
        self.bookmark = ""
        """The cursor after the last event whose results were all sent; "": there was none."""

    def __repr__(self) -> str:
        return f"<OpenSubscription {self.id or 'not kept'} of {self.caller.name}>"

    @property
    def pending(self) -> Sequence[WatchResult]:
        """Return results that were read, but are not sent yet."""
        return self._pending

    def read(self, count: int = 1) -> bool:
        """Read events, without waiting, until ``count`` results are pending; return whether there are results.

        A reading also ends after MAX_READ_SECONDS.

        Raises:
            LogonscopeError: as ``Subscription.read``, but only after the results that were read before are sent.
        """
        end, self.is_behind = time.monotonic() + MAX_READ_SECONDS, False
        while len(self._pending) < count and not self.is_behind and self._failure is None:
            number_before = self.subscription.reader.number
            # few at a time: what does not fit into the answer stays in memory until the next pull, or the end
            try:
                results = self.subscription.read(0, READ_EVENTS)
            except LogonscopeError as error:
                self._failure = error
                break
            self._pending += results
            if not results and self.subscription.reader.number == number_before:
                break
            self.is_behind = time.monotonic() >= end
        # what was read before is delivered first
        if self._failure is not None and not self._pending:
            raise self._failure
        return bool(self._pending)

    def remove_sent(self, count: int) -> None:
        """Remove the first ``count`` results, which were sent, and move the bookmark."""
        sent_results, self._pending = self._pending[:count], self._pending[count:]
        self._watches.count_sent(self.subscription, sent_results)
        # one event can have several results: its cursor is after all of them
        next_cursor = self._pending[0].cursor if self._pending else ""
        for result in reversed(sent_results):
            if result.cursor != next_cursor:
                self.bookmark = result.cursor
                return

    def close(self) -> None:
        self.is_open = False
        self._watches.remove(self.subscription)


class EventPull(EventWaiter):
    """A pull that waits for events. Its calls block for a short time, and come one after the other."""

    def __init__(
        self,
        tables: tuple[Enumerations, Watches],
        door: Door,
        operation: Operation,
        context: OpenSubscription,
        limits: "Limits",
    ) -> None:
        """Begin to wait. If an earlier pull of the subscription waits, it ends: its client may have disconnected.

        Raises:
            EnumerationNotFoundError: the subscription was opened through another door.
        """
        self._enumerations, watches = tables
        super().__init__(watches, context.subscription, limits)
        self._door, self._operation, self._context = door, operation, context
        heartbeat = context.heartbeat_seconds
        self._has_heartbeat = heartbeat is not None and heartbeat < limits.seconds
        self._end = time.monotonic() + min(limits.seconds, limits.seconds if heartbeat is None else heartbeat)
        context.bind_door(door)
        # the previous pull ends when it reads again
        previous_pull, context.waiting_pull = context.waiting_pull, self
        if previous_pull is not None:
            previous_pull.wake()

    @property
    def _due(self) -> float:
        return self._end

    def next_reply(self, host: str = "") -> Reply | None:
        """Return the answer; None: there are no events yet, and there is time left."""
        try:
            with self._context:
                reply = self._reply()
                if reply is not None:
                    self._context.waiting_pull = None
                return reply
        except LogonscopeError as error:
            return self.end_with(error, host)
        except Exception:  # noqa: BLE001 -- a programming error: the client gets a fault, the log has the traceback
            _log.exception("internal error in a pull")
            return self.end_with(InternalError("internal error", "see the server's log"), host)

    def _reply(self) -> Reply | None:
        if not self.is_allowed():
            raise AccessDeniedError("the credentials are not valid any more", "authenticate again")
        context = self._context
        if context.waiting_pull is not self:
            raise PullInProgressError("another pull of this subscription has replaced this one", "use its answer")
        # raises if the subscription has ended or expired while the pull waited
        self._enumerations.find(context.id, context.caller)
        try:
            has_results = context.read()
        except LogonscopeError:
            self._enumerations.remove(context.id)
            raise
        # the source of the events closes the subscription if the feed has failed
        if not has_results and context.subscription.is_closed:
            self._enumerations.remove(context.id)
            raise EnumerationNotFoundError("the host has ended the subscription", "subscribe again")
        if not has_results and time.monotonic() < self._end:
            if context.is_behind:
                self.wake()
            return None
        # without results the door decides: a heartbeat, or its own kind of timeout
        context.is_heartbeat_due = self._has_heartbeat
        return self._door.render(self._operation, context, self._limits.octets)

    def end_with(self, error: LogonscopeError, host: str = "") -> Reply:
        """Return an error as the answer."""
        return self._door.fault(error, self._operation, host)
