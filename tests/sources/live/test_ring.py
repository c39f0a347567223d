"""sources/live/ring.py: readers at their own pace, gaps that are counted, and an end from any thread."""

import threading

from logonscope.machine.events import Event, EventHead, EventsLost
from logonscope.sources.live.ring import MAX_READ, EventRing, RingReader


def nothing() -> None:
    """Do nothing."""


def reader_of(ring: EventRing, since: int | None = None) -> RingReader:
    return ring.reader(since, "a ring", nothing)


def publish(ring: EventRing, count: int) -> None:
    """Publish so many events; their kernel time is their number."""
    first = ring.number + 1
    events: list[Event] = [EventsLost(EventHead(number, number), 0) for number in range(first, first + count)]
    ring.publish(events, ring.number + count)


def numbers(events: list[Event]) -> list[int]:
    return [event.head.number for event in events if isinstance(event, EventsLost) and event.missed_events == 0]


def missed(events: list[Event]) -> list[int | None]:
    return [event.missed_events for event in events if isinstance(event, EventsLost) and event.missed_events != 0]


def test_each_reader_gets_every_event_once() -> None:
    ring = EventRing(10)
    first, second = reader_of(ring), reader_of(ring)
    publish(ring, 3)
    assert numbers(first.read(0)) == [1, 2, 3]
    publish(ring, 2)
    assert numbers(second.read(0)) == [1, 2, 3, 4, 5]
    assert numbers(first.read(0)) == [4, 5]
    assert first.read(0) == []


def test_a_slow_reader_gets_the_exact_number_of_missed_events_before_the_rest() -> None:
    ring = EventRing(10)
    slow, quick = reader_of(ring), reader_of(ring)
    for _ in range(5):
        publish(ring, 5)
        assert not missed(quick.read(0))
    events = slow.read(0)
    assert (missed(events[:1]), numbers(events[1:])) == ([15], list(range(16, 26)))
    publish(ring, 1)
    assert numbers(slow.read(0)) == [26]


def test_a_read_is_limited_and_loses_nothing() -> None:
    ring = EventRing(3 * MAX_READ)
    reader = reader_of(ring)
    publish(ring, 2 * MAX_READ + 7)
    sizes = [len(numbers(reader.read(0))) for _ in range(4)]
    assert sizes == [MAX_READ, MAX_READ, 7, 0]


def test_a_cursor_continues_an_old_one_is_a_gap_and_a_foreign_one_an_unknown_gap() -> None:
    ring = EventRing(4)
    publish(ring, 10)
    assert numbers(reader_of(ring, 8).read(0)) == [9, 10]
    events = reader_of(ring, 3).read(0)
    assert (missed(events), numbers(events)) == ([3], [7, 8, 9, 10])
    assert missed(reader_of(ring, 1 << 40).read(0)) == [None]
    ring.forget(11)
    publish(ring, 1)
    events = reader_of(ring, 10).read(0)
    assert (missed(events), numbers(events)) == ([None], [12])


def test_closing_wakes_a_read_in_another_thread() -> None:
    ring = EventRing(4)
    reader, calls = reader_of(ring), list[int]()
    reader.notify(lambda: calls.append(1))
    timer = threading.Timer(0.05, reader.close)
    timer.start()
    assert list(reader) == []
    assert reader.is_closed
    assert ring.reader_count == 0
    assert len(calls) == 2


def test_readers_that_stand_still_cost_no_memory_of_events() -> None:
    ring = EventRing(100)
    readers = [reader_of(ring) for _ in range(1000)]
    publish(ring, 1000)
    held = {id(event) for reader in readers for event in reader.read(0) if numbers([event])}
    assert len(held) == 100
