"""A sink: one thread that reads a subscription, delivers its events in order, and stores its position (checkpoint).

Events that the target does not refuse are delivered at least once, because the checkpoint is written after the
delivery. With a history of kernel events, this is also true over restarts; but if the service is killed, events that
were not yet written to the history are lost. Without such a history, events that were not delivered when the service
stopped are lost, and the next start reports Lost.

While a target accepts nothing, events wait in the subscription and in the history, which are bounded. If one of the two
drops events, the sink delivers an event Lost with the number of these events, if the number is known.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from logonscope.answers.check import Check
from logonscope.answers.host_event import HostEvent
from logonscope.errors import LogonscopeError
from logonscope.server.sinks.checkpoint import Checkpoint
from logonscope.server.sinks.delivery import Delivery, DeliveryError, Parcel, RejectedError
from logonscope.server.sinks.settings import SinkSettings

MAX_EVENTS = 200
"""Maximum number of events that are delivered together."""

READ_SECONDS = 1.0
IDLE_STORE_SECONDS = 10.0
"""Minimum seconds between two moves of the checkpoint past events that the sink does not send."""

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.5, 60.0

_log = logging.getLogger(__name__)


class EventNotice(Protocol):
    """An event, and the cursor after it."""

    @property
    def cursor(self) -> str:
        """Return the cursor."""
        ...

    @property
    def result(self) -> object:
        """Return the event."""
        ...


class EventSubscription(Protocol):
    """What a sink needs of a subscription."""

    @property
    def is_closed(self) -> bool:
        """Return whether there will be no more events."""
        ...

    @property
    def cursor(self) -> str:
        """Return the cursor after the last event that was read, even an event of a kind that the sink does not send."""
        ...

    def read(self, seconds: float | None = None) -> Sequence[EventNotice]:
        """Wait for events, and return them."""
        ...

    def close(self) -> None:
        """End the subscription, and a ``read`` that waits."""
        ...


class SinkStatus(NamedTuple):
    """What a sink has done since the start of the server."""

    name: str
    delivered: int = 0
    rejected: int = 0  # events that the target refused for good
    lost: int = 0  # events of any kind that were dropped before the sink read them, as far as they were counted
    losses: int = 0  # how often events were dropped
    retries: int = 0  # further attempts to deliver events after an attempt failed
    failure: str = ""  # why the latest attempt failed; "": it succeeded
    failed_since: float | None = None  # time.monotonic() of the first failure since the last success
    checkpoint_failure: str = ""  # why the last attempt to store the checkpoint failed; "": it succeeded


class Sink:
    """The thread of one sink."""

    def __init__(
        self,
        settings: SinkSettings,
        subscribe: Callable[[str | None], EventSubscription],
        delivery: Delivery,
        checkpoint: Checkpoint,
    ) -> None:
        """Create a sink.

        Args:
            settings: the settings of the sink.
            subscribe: returns a subscription to the events after a cursor; cursor None: to the events from now on.
            delivery: delivers the events.
            checkpoint: keeps the cursor after the last delivered event.
        """
        self.settings = settings
        self._subscribe, self._delivery, self._checkpoint = subscribe, delivery, checkpoint
        self._is_stopping = threading.Event()
        self._subscription: EventSubscription | None = None
        self._cursor: str | None = None
        self._next_store = 0.0
        self.status = SinkStatus(settings.name)
        self._thread = threading.Thread(target=self._run, name=f"sink-{settings.name}", daemon=True)

    def __repr__(self) -> str:
        return f"<Sink {self.settings.name} to {self.settings.target}>"

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def begin_stop(self) -> None:
        """Signal the thread to end, without waiting for it."""
        self._is_stopping.set()
        subscription = self._subscription
        if subscription is not None:
            subscription.close()

    def stop(self, seconds: float = 5.0) -> None:
        """Signal the thread to end, and wait for its end, but not longer than ``seconds``.

        The next start delivers waiting events from the history; without a history they are lost.
        """
        self.begin_stop()
        self._thread.join(seconds)

    def check(self) -> Check:
        """Return the check of ``doctor``."""
        status, settings = self.status, self.settings
        counts = f"{status.delivered} events delivered"
        if status.rejected or status.losses:
            counts += f", {status.rejected} rejected, {status.lost} lost in {status.losses} gaps"
        finding = f"{settings.type} to {settings.target}: {counts}"
        if status.failure:
            seconds = time.monotonic() - (status.failed_since or time.monotonic())
            return Check(
                f"sink {settings.name}", False, f"{finding}; failing for {seconds:.0f} s: {status.failure}",
                "correct the target or the settings; events wait in a bounded queue",
            )  # fmt: skip
        if status.checkpoint_failure:
            advice = "make the directory of the checkpoints writable"
            return Check(f"sink {settings.name}", False, f"{finding}; {status.checkpoint_failure}", advice)
        return Check(f"sink {settings.name}", None if status.rejected or status.losses else True, finding, "")

    def _run(self) -> None:
        self._cursor, pause_seconds = self._checkpoint.read(), FIRST_RETRY_SECONDS
        while not self._is_stopping.is_set():
            try:
                self._subscription = self._subscribe(self._cursor)
                self.status = self.status._replace(failure="", failed_since=None)
                self._deliver_all(self._subscription)
            except LogonscopeError as error:
                self._note_failure(error.message)
            except Exception as error:  # noqa: BLE001 -- logged with its traceback; the sink goes on
                _log.exception("sink %s: unexpected error", self.settings.name)
                self._note_failure(f"unexpected error: {error}")
            finally:
                if self._subscription is not None:
                    self._subscription.close()
            # the first pause is short, because only a bounded number of events is kept for the next subscription
            pause_seconds = min(MAX_RETRY_SECONDS, pause_seconds * 2) if self.status.failure else FIRST_RETRY_SECONDS
            self._is_stopping.wait(pause_seconds)
        self._delivery.close()

    def _deliver_all(self, subscription: EventSubscription) -> None:
        # with a history, the next start of the server delivers the events after this checkpoint, even if none was
        # delivered before the stop
        if self._cursor is None:
            self._store(subscription.cursor)
        while not (self._is_stopping.is_set() or subscription.is_closed):
            if time.monotonic() > self._next_store:
                self._store_position(subscription.cursor)
            for notices in _parts(subscription.read(READ_SECONDS)):
                events = [notice.result for notice in notices if isinstance(notice.result, HostEvent)]
                if not self._deliver(Parcel(f"{notices[0].cursor}-{notices[-1].cursor}", events)):
                    return
                self._note_losses(events)
                self._store(notices[-1].cursor)

    def _deliver(self, parcel: Parcel) -> bool:
        """Deliver events; return False if the sink is stopped before they are delivered or rejected.

        The number of attempts has no limit: an event is given up only if the target refuses it.
        """
        pause_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                self._delivery.send(parcel)
            except RejectedError as error:
                count = len(parcel.events)
                if error.retry_in_halves and count > 1:
                    return all(self._deliver(part) for part in _halves(parcel))
                rejected = count if error.count is None else min(count, error.count)
                _log.error("sink %s: %d events rejected: %s", self.settings.name, rejected, error)
                self._note_delivery(count - rejected, rejected)
                return True
            except DeliveryError as error:
                self._note_failure(str(error))
                if self._is_stopping.wait(pause_seconds):
                    return False
                self.status = self.status._replace(retries=self.status.retries + 1)
                pause_seconds = min(MAX_RETRY_SECONDS, pause_seconds * 2)
            else:
                if self.status.failure:
                    _log.info("sink %s: delivery works again", self.settings.name)
                self._note_delivery(len(parcel.events))
                return True

    def _note_delivery(self, delivered: int, rejected: int = 0) -> None:
        status = self.status
        self.status = status._replace(
            delivered=status.delivered + delivered, rejected=status.rejected + rejected, failure="", failed_since=None
        )

    def _note_failure(self, reason: str) -> None:
        if reason != self.status.failure:
            _log.warning("sink %s: %s", self.settings.name, reason)
        since = self.status.failed_since or time.monotonic()
        self.status = self.status._replace(failure=reason, failed_since=since)

    def _note_losses(self, events: Sequence[HostEvent]) -> None:
        losses = [event for event in events if event.event == "Lost"]
        if losses:
            lost = self.status.lost + sum(event.missed or 0 for event in losses)
            self.status = self.status._replace(lost=lost, losses=self.status.losses + len(losses))

    def _store_position(self, cursor: str) -> None:
        """Move the checkpoint past events that the sink does not send.

        The history deletes old events. If it deleted events after the checkpoint, the sink would report them as lost.
        """
        self._next_store = time.monotonic() + IDLE_STORE_SECONDS
        if cursor != self._cursor:
            self._store(cursor)

    def _store(self, cursor: str) -> None:
        self._cursor = cursor
        try:
            self._checkpoint.write(cursor)
        except OSError as error:
            failure = f"cannot store the checkpoint: {error.strerror}"
            if failure != self.status.checkpoint_failure:
                _log.warning("sink %s: %s", self.settings.name, failure)
            self.status = self.status._replace(checkpoint_failure=failure)
        else:
            if self.status.checkpoint_failure:
                self.status = self.status._replace(checkpoint_failure="")


def _halves(parcel: Parcel) -> Iterator[Parcel]:
    middle = len(parcel.events) // 2
    for number, events in enumerate((parcel.events[:middle], parcel.events[middle:]), 1):
        yield Parcel(f"{parcel.id}.{number}", events)


def _parts(notices: Sequence[EventNotice]) -> Iterator[Sequence[EventNotice]]:
    for start in range(0, len(notices), MAX_EVENTS):
        yield notices[start : start + MAX_EVENTS]
