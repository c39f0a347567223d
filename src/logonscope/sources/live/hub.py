"""Hub of events: one thread that gets events with their details, for any number of readers.

The thread runs while there are readers. After the last reader is closed, it runs for LINGER_SECONDS more, so that a
client which reconnects misses nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from logonscope.machine.events import Event, EventHead
from logonscope.sources.live.ring import EventRing, RingReader

MAX_EVENTS = 16_384
"""Maximum number of events that are kept for slow readers, and for clients that reconnect."""

LINGER_SECONDS = 60.0
"""Seconds for which the hub reads events without a reader."""

_log = logging.getLogger(__name__)


class DetailFeed(Protocol):
    """A feed of events with details, in their order."""

    description: str
    """Where the events come from, and which events may be missing."""

    position: int
    """The position before the feed's first event; 0: the events have no positions."""

    def read(self, seconds: float) -> Sequence[Event]:
        """Wait for events, and return them; the hub replaces the ``number`` in each EventHead."""
        ...

    def close(self) -> None:
        """End the feed, and a ``read`` that waits."""
        ...


class EventHub:
    """Passes the events of a feed on to readers."""

    def __init__(self, open_feed: Callable[[], DetailFeed], linger: float = LINGER_SECONDS) -> None:
        """Create a hub.

        Args:
            open_feed: opens the feed, which then has every event after the return of this function.
            linger: seconds for which the hub reads events without a reader.
        """
        self._open_feed, self._linger = open_feed, linger
        self._ring = EventRing(MAX_EVENTS)
        self._number = 0  # of the last event
        self._lock = threading.Lock()
        self._feed: DetailFeed | None = None
        self._idle_since: float | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<EventHub {self._ring!r}>"

    @property
    def reader_count(self) -> int:
        """Return the number of readers."""
        return self._ring.reader_count

    def reader(self, after: int | None = None) -> RingReader:
        """Return a reader of the events with a number greater than ``after``; None: of the events from now on."""
        with self._lock:
            feed = self._feed
            if feed is None:
                # how many events were missed between two feeds is not known: all of them together get one number
                self._number += 1
                feed = self._feed = self._open_feed()
                self._ring.forget(self._number, feed.position)
                threading.Thread(target=self._run, args=(feed,), name="events", daemon=True).start()
            # under the lock: the hub's thread, which ends an idle feed, does not end this feed meanwhile
            self._idle_since = None
            return self._ring.reader(after, feed.description, self._note_close)

    def resumed_reader(self, position: int) -> RingReader | None:
        """Return a reader of the events after a position; None: not all of them are kept."""
        number = self._ring.number_of(position)
        # the ring keeps the events of a feed that has ended, but no later events follow them
        return None if number is None or self._feed is None else self.reader(number)

    def close(self) -> None:
        """Close all readers, and the feed."""
        self._is_closed = True
        self._ring.close()
        with self._lock:
            if self._feed is not None:
                self._feed.close()

    def _note_close(self) -> None:
        if not self._ring.reader_count:
            self._idle_since = time.monotonic()

    def _run(self, feed: DetailFeed) -> None:
        try:
            # each read takes a second at most, so that a feed without readers ends
            while not self._is_idle():
                self._publish(feed.read(1.0))
        except Exception:  # noqa: BLE001 -- logged with its traceback; the readers are ended
            _log.exception("events: unexpected error")
            # in one step: a reader that is added in between would wait for a feed that has ended
            with self._lock:
                self._feed = None
                self._ring.close()
        feed.close()
        with self._lock:
            if self._feed is feed:
                self._feed = None

    def _is_idle(self) -> bool:
        if self._is_closed:
            return True
        with self._lock:
            since = self._idle_since
            is_idle = since is not None and time.monotonic() - since > self._linger and not self._ring.reader_count
            if is_idle:
                self._feed = None  # the next reader opens another one
            return is_idle

    def _publish(self, events: Sequence[Event]) -> None:
        if not events:
            return
        first_number = self._number + 1
        numbered = [_numbered(event, number) for number, event in enumerate(events, first_number)]
        self._number += len(numbered)
        self._ring.publish(numbered, self._number)


def _numbered(event: Event, number: int) -> Event:
    """Return an event with this number in its EventHead."""
    # not by _replace, which makes a dict for the event, and another one for the EventHead
    (kernel_ns, _, position, mark), *fields = event
    return _new(type(event), (_new(EventHead, (kernel_ns, number, position, mark)), *fields))


_new = tuple.__new__
