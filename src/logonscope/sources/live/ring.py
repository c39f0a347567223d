"""Ring of events: the newest events of a stream, for any number of readers.

Each event has a number in the ring, and a position, by which the history finds the event (see EventMark).

For a reader, the ring keeps no queue, only the number of the last event that the reader got. So a slow reader costs
neither memory nor the time of other readers. A reader that misses events gets an EventsLost.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from typing import Self

from logonscope.machine.events import Event, EventHead, EventsLost

MAX_READ = 2_048
"""Maximum number of events that one read returns; there can be an EventsLost before them."""

_OF_ANOTHER_STREAM = -1
"""The number of a reader that should continue after an event of another stream; it is before every event."""


class EventRing:
    """The newest events of a stream; they have consecutive numbers."""

    def __init__(self, max_events: int) -> None:
        """Create a ring that keeps the newest events, at most ``max_events``."""
        self._events: deque[Event] = deque(maxlen=max_events)
        self._number = 0
        self._gap = 0  # a reader with a smaller number missed an unknown number of events
        self._dropped_position = 0  # of the newest event that was dropped
        self._position = 0  # of the newest event
        self._condition = threading.Condition()
        self._readers: set[RingReader] = set()

    def __repr__(self) -> str:
        return f"<EventRing at {self._number}, {len(self._readers)} readers>"

    @property
    def reader_count(self) -> int:
        """Return the number of readers."""
        return len(self._readers)

    @property
    def number(self) -> int:
        """Return the number of the newest event."""
        return self._number

    def publish(self, events: Sequence[Event], number: int) -> None:
        """Add at least one event; ``number`` is that of the last one."""
        with self._condition:
            self._note_dropped(events)
            self._events += events
            self._number = number
            self._position = max(self._position, events[-1].head.position)
            self._condition.notify_all()
            calls = [reader.call for reader in self._readers if reader.call is not None]
        # outside the lock: a function that is called here may call read() at once
        for call in calls:
            call()

    def _note_dropped(self, events: Sequence[Event]) -> None:
        """Note the position of the newest event that is dropped when ``events`` are added."""
        held = len(self._events)
        excess = held + len(events) - (self._events.maxlen or 0)
        if excess > 0:
            # more events can come at once than the ring holds: then the first of these events are dropped, too
            newest = self._events[excess - 1] if excess <= held else events[excess - held - 1]
            self._dropped_position = max(self._dropped_position, newest.head.position)

    def forget(self, number: int, position: int = 0) -> None:
        """Drop all events: an EventsLost reports to readers that they missed an unknown number of events.

        Args:
            number: the next event gets the number after this one.
            position: the next event has a later position.
        """
        with self._condition:
            self._events.clear()
            self._number = self._gap = number
            self._dropped_position = self._position = position

    def number_of(self, position: int) -> int | None:
        """Return the number of the newest event up to a position.

        None: not all events after the position are kept, or the newest event is before the position.
        """
        with self._condition:
            if not self._dropped_position <= position <= self._position:
                return None
            # counted backwards from the newest event: a reader that resumes has mostly missed few events
            later = sum(1 for _ in takewhile(lambda event: event.head.position > position, reversed(self._events)))
            return self._number - later

    def reader(self, after: int | None, description: str, on_close: Callable[[], object]) -> "RingReader":
        """Return a reader of the events with a number greater than ``after``; None: of the events from now on."""
        with self._condition:
            number = self._number if after is None else after
            # a number of a later event is from another stream: the reader gets an EventsLost first
            if number > self._number:
                number = _OF_ANOTHER_STREAM
            reader = RingReader(self, number, description, on_close)
            reader.position = self._position
            self._readers.add(reader)
        return reader

    def read(self, reader: "RingReader", seconds: float | None, max_events: int) -> list[Event]:
        """Return the events after the last one that a reader got, at most ``max_events``, and move the reader.

        Wait for an event, at most ``seconds`` (None: no limit). Return an empty list after this time, or if
        the reader is closed.
        """
        end = None if seconds is None else time.monotonic() + seconds
        with self._condition:
            while reader.number == self._number and not reader.is_closed:
                seconds_left = None if end is None else end - time.monotonic()
                if seconds_left is not None and seconds_left <= 0:
                    return []
                self._condition.wait(seconds_left)
            if reader.is_closed:
                return []
            return self._take(reader, max_events)

    def _take(self, reader: "RingReader", max_events: int) -> list[Event]:
        before_oldest, number = self._number - len(self._events), reader.number
        batch: list[Event] = []
        if number < before_oldest:
            missed = None if number < self._gap else before_oldest - number
            position = self._events[0].head.position - 1 if self._events else self._position
            head = EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), before_oldest, max(0, position))
            batch.append(EventsLost(head, missed, is_all=number == _OF_ANOTHER_STREAM))
            number = before_oldest
        # a deque is fast only near its ends: the newest events are read from the right
        unread_events = list(islice(reversed(self._events), self._number - number))
        unread_events.reverse()
        batch += unread_events[:max_events]
        reader.number = min(self._number, number + max_events)
        if batch:
            reader.position = batch[-1].head.position
        return batch

    def remove(self, reader: "RingReader") -> bool:
        """Remove a reader, and end a ``read`` of it that waits; return whether the ring had this reader."""
        with self._condition:
            was_there = reader in self._readers
            self._readers.discard(reader)
            reader.is_closed = True
            self._condition.notify_all()
        return was_there

    def close(self) -> None:
        """Close all readers."""
        for reader in list(self._readers):
            reader.close()


class RingReader:
    """A reader of a ring: see ``machine.events.EventReader``. An iteration yields events until the reader is closed."""

    def __init__(self, ring: EventRing, number: int, description: str, on_close: Callable[[], object]) -> None:
        self._ring, self._on_close = ring, on_close
        self.number, self.description = number, description
        self.position = 0
        self.is_closed = False
        self._batch: deque[Event] = deque()  # read, but not iterated yet
        self.call: Callable[[], object] | None = None
        """Function to call when there are events, or when the reader is closed."""

    def __repr__(self) -> str:
        return f"<RingReader at {self.number}>"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._batch:
            if self.is_closed:
                raise StopIteration
            self._batch += self.read()
        return self._batch.popleft()

    def read(self, seconds: float | None = None, max_events: int | None = None) -> list[Event]:
        """See ``EventReader``."""
        return self._ring.read(self, seconds, MAX_READ if max_events is None else min(max_events, MAX_READ))

    def notify(self, call: Callable[[], object]) -> None:
        """See ``EventReader``."""
        self.call = call
        call()

    def close(self) -> None:
        """See ``EventReader``."""
        if self._ring.remove(self):
            self._on_close()
            if self.call is not None:
                self.call()
