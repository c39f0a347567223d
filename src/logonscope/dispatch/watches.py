"""Watches: the open subscriptions of all doors, limited in total and by caller, and the stream of a watch.

The results of a watch are sent as a stream (here), pulled (subscriptions.py), or sent to an address (pushes.py).
"""

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from logonscope.answers.host_event import HostEvent
from logonscope.broker import Caller
from logonscope.broker.subscription import Subscription, WatchResult
from logonscope.dispatch.operation import Door, Operation
from logonscope.dispatch.shared_parts import RenderedPart, SharedParts, SharingGroup
from logonscope.errors import AccessDeniedError, LogonscopeError, QuotaViolationError, TransportFailureError
from logonscope.machine import Deadline
from logonscope.machine.events import Event

if TYPE_CHECKING:
    from logonscope.dispatch.operation import Limits

MAX_OPEN, MAX_PER_CALLER = 2_048, 64
"""Maximum numbers of watches. Beyond ``MAX_OPEN``, administrators may open ``MAX_PER_CALLER`` more in total."""

HEARTBEAT_SECONDS = 15.0
"""Seconds after the last part that was sent; then a heartbeat is sent, so that both ends notice a lost connection."""

READS_PER_SECOND = 1_000
"""Maximum number of reads of all watches together: if there are many watches, each of them is read less often."""


class WatchResults(NamedTuple):
    """What a door renders as a part of the stream: results, or an error, which ends the stream."""

    results: Sequence[WatchResult]
    host: str
    error: LogonscopeError | None = None


class WatchKind(NamedTuple):
    """How the events of a watch reach the client: the name of the door, and the mode of delivery."""

    door: str
    mode: str


class WatchStatus(NamedTuple):
    """The watches of one kind, since the start of the service.

    Attributes:
        kind: the kind.
        open: how many are open.
        delivered: results that were sent, without events Lost.
        lost: events that were dropped before they were sent, as far as counted.
        losses: how often events were dropped.
    """

    kind: WatchKind
    open: int = 0
    delivered: int = 0
    lost: int = 0
    losses: int = 0


class Watches:
    """The table of open watches."""

    def __init__(self, max_open: int = MAX_OPEN, max_per_caller: int = MAX_PER_CALLER) -> None:
        self._max_open, self._max_per_caller = max_open, max_per_caller
        self._open: dict[Subscription, WatchKind] = {}
        self._statuses: dict[WatchKind, WatchStatus] = {}
        self._counts = Counter[Caller]()
        self._lock = threading.Lock()
        self.shared_parts = SharedParts()

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Watches: {len(self)} of {self._max_open} open>"

    def check(self, caller: Caller) -> None:
        """Check that a caller may open another watch.

        Raises:
            QuotaViolationError: the limit of this caller or the total limit is reached.
        """
        count = self._counts[caller]
        reserved = self._max_per_caller if caller.administrator else 0
        if count >= self._max_per_caller or len(self._open) >= self._max_open + reserved:
            raise QuotaViolationError(f"too many watches ({count} of this caller)", "close some of them")

    def add(self, subscription: Subscription, kind: WatchKind) -> None:
        """Add a watch.

        Raises:
            QuotaViolationError: as ``check``.
        """
        with self._lock:
            # checked within the lock: many requests may come at once
            self.check(subscription.caller)
            self._open[subscription] = kind
            self._statuses.setdefault(kind, WatchStatus(kind))
            self._counts[subscription.caller] += 1

    def remove(self, subscription: Subscription) -> None:
        """Remove a watch, and close it."""
        with self._lock:
            if subscription in self._open:
                del self._open[subscription]
                self._counts[subscription.caller] -= 1
                if not self._counts[subscription.caller]:
                    del self._counts[subscription.caller]
        subscription.close()

    def count_sent(self, subscription: Subscription, results: Sequence[WatchResult]) -> None:
        """Count results that were sent to the client of a watch."""
        losses = [event for _, event in results if isinstance(event, HostEvent) and event[0] == "Lost"]
        with self._lock:
            kind = self._open.get(subscription)
            if kind is None:  # the watch has ended meanwhile
                return
            status = self._statuses[kind]
            self._statuses[kind] = status._replace(
                delivered=status.delivered + len(results) - len(losses),
                lost=status.lost + sum(event.missed or 0 for event in losses),
                losses=status.losses + len(losses),
            )

    def statuses(self) -> list[WatchStatus]:
        """Return the status of each kind, for metrics."""
        with self._lock:
            counts = Counter(self._open.values())
            return [status._replace(open=counts[kind]) for kind, status in self._statuses.items()]

    def close(self) -> None:
        """Close all watches."""
        # a copy: each removal changes the table
        for subscription in list(self._open):
            self.remove(subscription)


def _wake_nothing() -> None:
    """Do nothing: the server has not set ``wake`` yet."""


class EventWaiter(ABC):
    """What the server needs to wait, without a thread, until a subscription may have something for its client."""

    def __init__(self, watches: Watches, subscription: Subscription, limits: "Limits") -> None:
        self._watches, self._subscription, self._limits = watches, subscription, limits
        self.is_allowed: Callable[[], bool] = bool
        """Returns whether the caller may still get events. The default is ``bool``, which returns False."""
        self.wake: Callable[[], object] = _wake_nothing
        """Makes the server read the events soon; called in any thread. Set by ``notify``."""

    def deadline(self) -> Deadline:
        """Return the deadline of the next reading of events."""
        return Deadline(self._limits.seconds)

    def notify(self, call: Callable[[], object]) -> None:
        """Set the function that is called, in any thread, whenever there may be events."""
        self.wake = call
        self._subscription.reader.notify(call)

    @property
    def wait_seconds(self) -> float:
        """Return the seconds after which events must be read although none was reported."""
        due, own_due = self._subscription.due, self._due
        return max(0.0, (own_due if due is None else min(own_due, due)) - time.monotonic())

    @property
    def pause_seconds(self) -> float:
        """Return the minimum seconds between two readings."""
        return len(self._watches) / READS_PER_SECOND

    @property
    @abstractmethod
    def _due(self) -> float:
        """The moment at which something must be sent although there is no event."""


class WatchStream(EventWaiter):
    """The parts of a watch after the first. Calls come one after the other, and block only for a short time."""

    def __init__(
        self,
        watches: Watches,
        door: Door,
        operation: Operation,
        subscription: Subscription,
        *,
        limits: "Limits",
        host: str,
    ) -> None:
        super().__init__(watches, subscription, limits)
        self._door, self._operation, self._host = door, operation, host
        self._sent_at = time.monotonic()
        self.items = 0
        self._group: SharingGroup | None = None
        key = subscription.sharing_key
        if key is not None:
            self._group = watches.shared_parts.group((key, id(door), host, limits.octets))
            self._group.join()

    @property
    def _due(self) -> float:
        return self._sent_at + HEARTBEAT_SECONDS

    def next_part(self, deadline: Deadline) -> tuple[bytes, bool]:
        """Return the next part (b"": nothing to send yet), and whether it is the last one."""
        del deadline
        if not self.is_allowed():
            return self.end_with(AccessDeniedError("the credentials are not valid any more", "authenticate again"))
        number_before = self._subscription.reader.number
        try:
            part = self._read()
        except LogonscopeError as error:
            return self.end_with(error)
        # the source of the events closes the subscription if the server stops, or the feed has failed
        if self._subscription.is_closed:
            return self.end_with(TransportFailureError("the host ends the watch", "watch again"))
        # all events that were read may be hidden from the caller: nothing is sent for them
        if part is None and time.monotonic() - self._sent_at < HEARTBEAT_SECONDS:
            # there may be more events than one read returns
            if self._subscription.reader.number != number_before:
                self.wake()
            return b"", False
        self._sent_at = time.monotonic()
        part = part or self._render(())
        self.items += part.reply.items
        self._watches.count_sent(self._subscription, part.results)
        return part.reply.body, False

    def _read(self) -> RenderedPart | None:
        """Return the part for the available events; None: nothing is sent for them."""
        if self._group is None:
            results = self._subscription.read(0)
            return self._render(results) if results else None
        events = self._subscription.take_events(0)
        return self._group.part(events, partial(self._render_events, events))

    def _render_events(self, events: Sequence[Event]) -> RenderedPart | None:
        results = self._subscription.results_of(events)
        return self._render(results) if results else None

    def _render(self, results: Sequence[WatchResult]) -> RenderedPart:
        watch_results = WatchResults(results, self._host)
        return RenderedPart(results, self._door.render(self._operation, watch_results, self._limits.octets))

    def close(self) -> None:
        """End the watch: the client has disconnected."""
        if self._group is not None:
            self._group.leave()
            self._group = None
        self._watches.remove(self._subscription)

    def end_with(self, error: LogonscopeError) -> tuple[bytes, bool]:
        """Return an error as the last part."""
        return self._door.render(self._operation, WatchResults((), self._host, error), self._limits.octets).body, True
