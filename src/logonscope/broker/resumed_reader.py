"""A reader that continues after a cursor: first the events that the history keeps, then live ones.

When all events that the history has so far are read, a new live reader is opened: its position shows where the live
events begin. The events before this position that the history did not have yet are then read from it, when they are
written. So no event comes twice, and none is left out. If these events are not written in time, EventsLost is returned
in their place.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

from logonscope.machine.events import Event, EventHead, EventLog, EventMark, EventPage, EventReader, EventsLost

WRITE_SECONDS = 10.0
"""Seconds to wait for the history to write the events before the live ones; after that, events are lost."""

POLL_SECONDS = 0.05
"""Seconds between two readings of a history that has no new events yet."""


class ResumedReader(EventReader):
    """See ``EventReader``. Live events that were dropped are read from the history, if their position is known."""

    def __init__(
        self,
        log: EventLog,
        mark: EventMark,
        open_live: Callable[[], EventReader],
        live: EventReader | None = None,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        """Create the reader.

        Args:
            log: the event log of the history.
            mark: the mark after which the events are read.
            open_live: opens a reader of live events from now on.
            live: a reader of all events after the mark, if they are in memory; None: read the history first.
            write_seconds: how long to wait for the history to write what happened before the live events.
        """
        self._log, self._open_live, self._write_seconds = log, open_live, write_seconds
        self.mark: EventMark | None = mark if live is None else None
        """The mark after which the history is read; None: live events are read."""
        self.page: EventPage | None = None
        """The page of the history from which the last read returned events; None: they were live events."""
        # opened at once: without an open reader, the host stops collecting live events while the history is read
        self._live = open_live() if live is None else live
        self.description = self._live.description
        self._live_position: int | None = mark.position
        """The position after which live events are read; None: not known.

        It is that of the mark at first, then that at which the live events begin, then that of the last live event.
        """
        self._live_begin: int | None = None  # the position at which the live events begin; None: not determined yet
        self._wait_until = 0.0  # until then, wait for the history to write the events up to ``_live_begin``
        self._call: Callable[[], object] | None = None
        self._rest: deque[Event] = deque()  # events of the page that have not been returned yet

    def __repr__(self) -> str:
        return f"<ResumedReader at {self.mark or self._live_position}>"

    @property
    def number(self) -> int:
        return self._live.number

    @property
    def position(self) -> int:
        return self._live_position or 0 if self.mark is None else self.mark.position

    @property
    def due(self) -> float | None:
        """Return the time at which ``read`` must be called even if no live event has arrived.

        None: ``read`` waits for a live event, or the reader is closed.
        """
        return None if self.mark is None or self.is_closed else time.monotonic() + POLL_SECONDS

    @property
    def is_closed(self) -> bool:
        return self._live.is_closed

    def notify(self, call: Callable[[], object]) -> None:
        self._call = call
        self._live.notify(call)

    def close(self) -> None:
        self._live.close()

    def read(self, seconds: float | None = None, max_events: int | None = None) -> Sequence[Event]:
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.is_closed:
            if self._rest:
                return self._take(max_events)
            if self.mark is None:
                events = self._read_live(
                    None if deadline is None else max(0.0, deadline - time.monotonic()), max_events
                )
            else:
                self._rest += self._read_past(self.mark)
                events = self._take(max_events)
            if events or (deadline is not None and time.monotonic() >= deadline):
                return events
            if self.mark is not None:
                time.sleep(POLL_SECONDS)
        return ()

    def _take(self, max_events: int | None) -> Sequence[Event]:
        """Return events of the page that was read, and move the mark to the last returned event."""
        events = [self._rest.popleft() for _ in range(min(len(self._rest), max_events or len(self._rest)))]
        if events and self.page is not None:
            self.mark = events[-1].head.mark if self._rest else self.page.mark
        return events

    def _read_live(self, seconds: float | None, max_events: int | None) -> Sequence[Event]:
        self.page = None
        events = self._live.read(seconds, max_events)
        if events and isinstance(events[0], EventsLost) and self._live_position is not None:
            # the live reader dropped events, but the history has them
            self.mark, self._live_begin = EventMark(self._log.epoch, self._live_position), None
            return ()
        if events:
            self._live_position = events[-1].head.position or None
        return events

    def _read_past(self, mark: EventMark) -> Sequence[Event]:
        """Return the next events of the history, or EventsLost; empty: there are none yet, or live events follow."""
        # The written position is taken before the page is read: the page may lack events that are written afterwards.
        written = self._log.written_position
        page = self._log.read(mark, self._live_begin)
        self.page = page
        if page.events or page.mark != mark:
            # ``_take`` moves the mark to each event that it returns; of a page without events, the mark is moved here
            self.mark = mark if page.events else page.mark
            return page.events
        if self._live_begin is None:
            # a new live reader is opened only now: reading the history can take longer than live events are kept
            self._live_begin, self._wait_until = self._reopen(), time.monotonic() + self._write_seconds
            return ()
        if max(mark.position, written) >= self._live_begin:
            self._go_live()
        elif time.monotonic() > self._wait_until:
            self._go_live()
            head = EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0, self._live_begin)
            return (EventsLost(head, None),)
        return ()

    def _go_live(self) -> None:
        self._live_position, self.mark, self.page = self._live_begin or None, None, None

    def _reopen(self) -> int:
        """Replace the live reader by a new one, and return the position at which its events begin."""
        new_reader, old_reader = self._open_live(), self._live
        self._live = new_reader
        if self._call is not None:
            new_reader.notify(self._call)
        old_reader.close()
        return new_reader.position


class LostReader(EventReader):
    """A reader for a cursor that this host does not know: first an EventsLost for all events, then live events."""

    def __init__(self, live: EventReader) -> None:
        self._live, self._has_begun = live, False
        self.description = live.description

    def __repr__(self) -> str:
        return f"<LostReader of {self._live!r}>"

    @property
    def number(self) -> int:
        return self._live.number

    @property
    def position(self) -> int:
        return self._live.position

    @property
    def is_closed(self) -> bool:
        return self._live.is_closed

    def notify(self, call: Callable[[], object]) -> None:
        self._live.notify(call)

    def close(self) -> None:
        self._live.close()

    def read(self, seconds: float | None = None, max_events: int | None = None) -> Sequence[Event]:
        if self._has_begun:
            return self._live.read(seconds, max_events)
        self._has_begun = True
        head = EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), self._live.number, self._live.position)
        return (EventsLost(head, None, is_all=True),)
