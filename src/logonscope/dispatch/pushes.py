"""Delivery of events to an address of the subscriber: retries, heartbeats, and the end after failures.

The server's administrator lists the addresses to which events may be sent; without a list there is no such delivery. A
push, the delivery of one subscription, holds a thread only during a step, in which it reads and sends events.
"""

import logging
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from logonscope.broker import Caller
from logonscope.broker.access import check_may_push
from logonscope.broker.subscription import WatchResult
from logonscope.dispatch.push_receivers import PushReceivers, PushRecord
from logonscope.dispatch.watches import EventWaiter, Watches
from logonscope.errors import AccessDeniedError, EnumerationNotFoundError, InvalidParameterError, LogonscopeError

if TYPE_CHECKING:
    from logonscope.dispatch.enumerations import Enumerations
    from logonscope.dispatch.operation import Limits
    from logonscope.dispatch.subscriptions import OpenSubscription

STEP_SECONDS = 1.0
"""Seconds after which a step sends no further message: other subscriptions need the thread."""

CHECK_SECONDS = 15.0
"""Seconds after which a push checks that its subscription has not expired, and that its caller still has access."""

MAX_URL_LENGTH = 1000

DELIVERY_FAILURE, CANCELLING, SHUTTING_DOWN = "DeliveryFailure", "SourceCancelling", "SourceShuttingDown"
"""Reasons for which a host ends a subscription (WS-Eventing 3.5)."""

_log = logging.getLogger(__name__)


class PushTimes(NamedTuple):
    """Times of deliveries, in seconds.

    Attributes:
        retry_pauses: the pauses after failed attempts to deliver an event; if the attempt after the last pause fails,
            the subscription ends.
        min_heartbeat: the minimum between two heartbeats.
    """

    retry_pauses: tuple[float, ...] = (1.0, 5.0, 15.0, 30.0)
    min_heartbeat: float = 5.0


class PushError(Exception):
    """A message was not delivered. ``is_final``: the subscriber refuses the message, and wants no more events."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Ending(NamedTuple):
    """Why a host has ended a subscription before its time."""

    status: str
    reason: str


class Batch(NamedTuple):
    """How many events a message may have, and for how many seconds the first of them waits for further events."""

    max_events: int = 1
    max_seconds: float = 0.0


class PushChannel(Protocol):
    """How a door sends messages to a subscriber.

    One thread at a time uses a channel; only ``send_end`` and ``interrupt`` may be called in others meanwhile.
    """

    @property
    def receiver(self) -> str:
        """Return the server to which events are sent, as a URL without a path."""

    @property
    def end_receiver(self) -> str | None:
        """Return the server that gets the message about the end of the subscription; None: no server gets it."""

    @property
    def batch(self) -> Batch:
        """Return the limits of one message."""

    def send(self, results: Sequence[WatchResult]) -> int:
        """Send as many of these results as fit into one message, from the first on; return how many the message has.

        Raises:
            PushError: the message was not delivered, as far as known.
        """

    def send_heartbeat(self) -> None:
        """Send a message without an event.

        Raises:
            PushError: as ``send``.
        """

    def send_end(self, ending: Ending, seconds: float) -> None:
        """Send, within ``seconds``, the message that the host has ended the subscription; may be called in any thread.

        Raises:
            PushError: the message was not delivered, as far as known.
        """

    def interrupt(self) -> None:
        """Stop waiting for the answer to a message, which counts as not delivered; may be called in any thread."""

    def close(self) -> None:
        """Close the connection."""


class PushPolicy:
    """The servers to which events may be sent, and the check of callers who request this."""

    def __init__(self, origins: Sequence[str] = ()) -> None:
        """Store the servers, as ``https://host:port``.

        Raises:
            InvalidParameterError: as ``origin_of``.
        """
        self._origins = frozenset(map(origin_of, origins))

    def __repr__(self) -> str:
        return f"<PushPolicy of {len(self._origins)} servers>"

    def check(self, caller: Caller, urls: Sequence[str]) -> None:
        """Check that a caller may request events to be sent to these URLs.

        Raises:
            AccessDeniedError: the caller is no administrator, or the settings do not list a server.
            InvalidParameterError: as ``origin_of``.
        """
        check_may_push(caller)
        for url in urls:
            # only a listed server: a client that can name any address could reach services that trust this host
            if origin_of(url) not in self._origins:
                reason = f"events may not be sent to {url[:200]}"
                raise AccessDeniedError(reason, "pull them, or have the server's administrator add it to push_to")


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL.

    Raises:
        InvalidParameterError: the text is not a URL of http or https, has a user name, or is too long.
    """
    hint = "give a URL such as https://collector.example.com/events"
    error = InvalidParameterError(f"invalid address '{url[:200]}'", hint)
    # no white space or controls: they could end a line of the request
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise error
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise error from None
    # programs differ in what host a URL with "@" or a backslash has
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise error
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


class EventPush(EventWaiter):
    """The delivery of one subscription. The server calls ``step`` in a thread whenever something may be due."""

    def __init__(
        self,
        tables: "tuple[Enumerations, Watches]",
        context: "OpenSubscription",
        channel: PushChannel,
        limits: "Limits",
        times: PushTimes = PushTimes(),  # noqa: B008 -- a tuple
    ) -> None:
        self._enumerations, watches = tables
        super().__init__(watches, context.subscription, limits)
        self._context, self._channel, self._retry_pauses = context, channel, times.retry_pauses
        heartbeat = context.heartbeat_seconds
        self._heartbeat = None if heartbeat is None else max(heartbeat, times.min_heartbeat)
        self._sent_at = self._checked_at = time.monotonic()
        self._failures, self._retry_at = 0, 0.0
        self._batch, self._batch_due = channel.batch, math.inf
        self.record: PushRecord = PushReceivers().open_record(channel.receiver)
        """Counts deliveries. The server replaces it by a record of its PushReceivers, which doctor and metrics show."""
        self.ending: Ending | None = None
        """Set when the host has ended the subscription: its subscriber has to get a message about the end."""

    def __repr__(self) -> str:
        return f"<EventPush of {self._context.caller.name}, {self._failures} failures>"

    @property
    def _due(self) -> float:
        # after a failure, new events do not shorten the pause
        if self._failures:
            return self._retry_at
        next_step = min(self._checked_at + CHECK_SECONDS, self._batch_due)
        return next_step if self._heartbeat is None else min(next_step, self._sent_at + self._heartbeat)

    def step(self) -> bool:
        """Send pending events, none after STEP_SECONDS; return whether the subscription has ended.

        Nothing is sent during the pause after a failure.
        """
        self._checked_at = time.monotonic()
        if self._failures and self._checked_at < self._retry_at and self._context.is_open:
            return False
        is_over = self._deliver() if self._is_open() else True
        if is_over:
            self._channel.close()
        return is_over

    def _is_open(self) -> bool:
        """Return whether the subscription is open; end it if its caller may no longer get events."""
        try:
            self._enumerations.find(self._context.id, self._context.caller)
        except EnumerationNotFoundError:
            # the subscriber has ended it, it has expired, or the server stops
            return False
        if self.is_allowed():
            return True
        self._end(CANCELLING, "the credentials are not valid any more")
        return False

    @property
    def channel(self) -> PushChannel:
        """Return the channel by which the messages of this push are sent."""
        return self._channel

    def abort(self, reason: str) -> None:
        """End the subscription, whose step hangs."""
        self._end(DELIVERY_FAILURE, reason)
        self._channel.interrupt()

    def shut_down(self) -> None:
        """End the subscription because the server stops; a step may be running, and ends soon."""
        self._end(SHUTTING_DOWN, "the service stops")
        self._channel.interrupt()

    def _deliver(self) -> bool:
        try:
            self._send_events()
        except PushError as error:
            # the end of the subscription has interrupted the message: that is no failure of the receiver
            if not self._context.is_open:
                return True
            self._failures += 1
            is_last = error.is_final or self._failures > len(self._retry_pauses)
            pause = None if is_last else self._retry_pauses[self._failures - 1]
            self.record.note_failure(str(error), pause)
            if pause is None:
                return self._end(DELIVERY_FAILURE, str(error))
            self._retry_at = time.monotonic() + pause
        except LogonscopeError as error:
            return self._end(CANCELLING, str(error))
        # the subscriber or the server has ended the subscription meanwhile
        if not self._context.is_open:
            return True
        # the time limit of a read may have left unread events: without this call, the next step would come too late
        if self._context.is_behind:
            self.wake()
        if self._context.subscription.is_closed and not self._context.pending:
            return self._end(CANCELLING, "the host has ended the subscription")
        return False

    def _send_events(self) -> None:
        """Send pending events, none after STEP_SECONDS, and a heartbeat if one is due.

        Raises:
            PushError: a message was not delivered.
            LogonscopeError: as ``OpenSubscription.read``.
        """
        end = time.monotonic() + STEP_SECONDS
        # a result is removed only after it was delivered: a failure leaves it first in line
        while self._context.is_open and self._context.read(self._batch.max_events) and self._is_batch_due():
            count = self._channel.send(self._context.pending[: self._batch.max_events])
            self._context.remove_sent(count)
            self._batch_due = math.inf
            self._note_success()
            if time.monotonic() >= end:
                self.wake()
                return
        is_due = self._heartbeat is not None and time.monotonic() >= self._sent_at + self._heartbeat
        if is_due and self._context.is_open:
            self._channel.send_heartbeat()
            self._note_success()

    def _is_batch_due(self) -> bool:
        """Return whether the pending results are sent now: there are enough, or the first has waited long enough."""
        now = time.monotonic()
        if self._batch_due == math.inf:
            self._batch_due = now + self._batch.max_seconds
        is_full = len(self._context.pending) >= self._batch.max_events
        # after the end of the host's events, no further event can fill the batch
        return is_full or self._context.subscription.is_closed or now >= self._batch_due

    def _note_success(self) -> None:
        self.record.note_delivery()
        self._failures, self._sent_at = 0, time.monotonic()

    def _end(self, status: str, reason: str) -> bool:
        """End the subscription, if it has not ended yet; return True, as ``_deliver`` does after the end."""
        try:
            self._enumerations.release(self._context.id, self._context.caller)
        except EnumerationNotFoundError:
            # the subscription was ended before (by its subscriber, the server or a step): no second message is sent
            pass
        else:
            self.ending = Ending(status, reason)
            level = logging.INFO if status == SHUTTING_DOWN else logging.WARNING
            _log.log(level, "the delivery of events to %s has ended: %s", self._channel.receiver, reason)
        return True
