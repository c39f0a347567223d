"""sources/live/hub.py: one feed for all readers, kept for a while after the last one."""

import queue
import threading
from collections.abc import Sequence

from logonscope.machine.events import Event, EventHead, EventsLost
from logonscope.sources.live.hub import EventHub


class Feed:
    """A feed of what a test puts into it."""

    position = 0

    description = "a test"

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.closed = threading.Event()

    def put(self, number: int) -> None:
        self.queue.put(EventsLost(EventHead(number, 0), 0))

    def read(self, seconds: float) -> Sequence[Event]:
        try:
            return [self.queue.get(timeout=min(seconds, 0.02))]
        except queue.Empty:
            return ()

    def close(self) -> None:
        self.closed.set()


def test_a_client_that_reconnects_misses_nothing_while_the_feed_is_kept() -> None:
    feeds: list[Feed] = []

    def open_feed() -> Feed:
        feeds.append(Feed())
        return feeds[-1]

    hub = EventHub(open_feed, linger=60)
    reader = hub.reader()
    feeds[0].put(1)
    (first,) = reader.read(20)
    reader.close()
    feeds[0].put(2)
    again = hub.reader(first.head.number)
    (second,) = again.read(20)
    assert second.head == EventHead(2, first.head.number + 1)
    assert len(feeds) == 1
    hub.close()
    assert again.is_closed
    assert feeds[0].closed.wait(20)


def test_without_readers_the_feed_ends_and_what_happens_then_is_an_unknown_gap() -> None:
    feeds: list[Feed] = []

    def open_feed() -> Feed:
        feeds.append(Feed())
        return feeds[-1]

    hub = EventHub(open_feed, linger=0)
    reader = hub.reader()
    feeds[0].put(1)
    (first,) = reader.read(20)
    reader.close()
    assert feeds[0].closed.wait(20)
    again = hub.reader(first.head.number)
    feeds[1].put(2)
    events: list[Event] = []
    while len(events) < 2:
        events += again.read(20)
    lost, last = events
    assert isinstance(lost, EventsLost)
    assert lost.missed_events is None
    assert last.head.kernel_ns == 2
    hub.close()


def test_a_feed_that_fails_ends_its_readers() -> None:
    class Broken(Feed):
        def read(self, seconds: float) -> Sequence[Event]:
            raise RuntimeError(seconds)

    hub = EventHub(Broken)
    reader = hub.reader()
    assert list(reader) == []
    assert reader.is_closed


def test_a_reader_that_comes_after_a_failure_gets_another_feed() -> None:
    class Broken(Feed):
        def read(self, seconds: float) -> Sequence[Event]:
            raise RuntimeError(seconds)

    feeds: list[Feed] = [Feed(), Broken()]
    hub = EventHub(feeds.pop)
    assert list(hub.reader()) == []
    working = feeds[0]
    reader = hub.reader()
    working.put(7)
    events: list[Event] = []
    while not any(event.head.kernel_ns == 7 for event in events):
        events += reader.read(20)
    hub.close()
