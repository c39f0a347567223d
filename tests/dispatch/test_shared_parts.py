"""Tests of dispatch/shared_parts.py: each watch gets the part of its own events, rendered once for equal watches."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.broker.subscription import WatchOptions, subscribe
from logonscope.dispatch.operation import Limits, Operation, Reply
from logonscope.dispatch.shared_parts import RenderedPart, SharedParts
from logonscope.dispatch.watches import Watches, WatchKind, WatchStream
from logonscope.machine import Deadline, Owner
from logonscope.machine.events import Event, EventHead, EventsLost, ProcessStarted
from logonscope.server.json import JsonDoor
from tests import example
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user

DOOR = JsonDoor()
KIND = WatchKind("json", "Stream")
CALLERS = (ROOT, ROOT, user(1000), user(1000), user(1001))
STARTS = tuple(
    ProcessStarted(EventHead(number, number), process, Owner("41", "audit"), None)
    for number, process in enumerate(example.snapshot().processes)
)


def rendered(body: bytes) -> RenderedPart:
    return RenderedPart((), Reply(200, "", body))


class Renderer:
    """Renders parts, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def render(self) -> RenderedPart:
        self.count += 1
        return rendered(str(self.count).encode())


def stream(watches: Watches, host: Ringed, caller: Caller, names: frozenset[str] | None = None) -> WatchStream:
    """Return an open watch."""
    subscription = subscribe(host.request(caller), WatchOptions(events=names))
    watches.add(subscription, KIND)
    made = WatchStream(watches, DOOR, Operation("watch"), subscription, limits=Limits(), host="web1")
    made.is_allowed = lambda: True
    return made


def test_a_part_is_rendered_once_for_two_watches_of_a_group() -> None:
    parts, renderer = SharedParts(), Renderer()
    groups = [parts.group("a"), parts.group("a")]
    assert groups[0] is groups[1]
    for group in groups:
        group.join()
    assert [group.part(STARTS, renderer.render) for group in groups] == [rendered(b"1")] * 2
    # the same number of other events, and other numbers of the same
    for events in (STARTS[:-1], STARTS[1:]):
        assert groups[0].part(events, renderer.render) == groups[1].part(events, renderer.render)
    assert renderer.count == 3
    # the first one was rendered too long ago
    groups[0].part(STARTS, renderer.render)
    assert renderer.count == 4


def test_nothing_is_kept_for_a_single_watch() -> None:
    parts, renderer = SharedParts(), Renderer()
    group = parts.group("a")
    for members in (1, 2):
        group.join()
        for _ in range(3):
            group.part(STARTS, renderer.render)
        assert renderer.count == (3 if members == 1 else 4)
    group.leave()
    group.part(STARTS, renderer.render)
    assert renderer.count == 5
    assert parts.group("b") is not group
    del group
    assert repr(parts) == "<SharedParts of 0 groups>"


def test_a_watch_does_not_wait_long_for_another_one() -> None:
    group, is_rendering, is_released = SharedParts().group("a"), threading.Event(), threading.Event()
    group.join()
    group.join()

    def render_slowly() -> RenderedPart:
        is_rendering.set()
        is_released.wait(30)
        return rendered(b"late")

    slow = threading.Thread(target=group.part, args=(STARTS, render_slowly))
    slow.start()
    is_rendering.wait(30)
    assert group.part(STARTS, Renderer().render) == rendered(b"1")
    is_released.set()
    slow.join()


actions = st.lists(
    st.tuples(st.just("publish"), st.lists(st.sampled_from(STARTS), min_size=1, max_size=5))
    | st.tuples(st.just("read"), st.integers(0, len(CALLERS) - 1)),
    max_size=25,
)


@given(actions)
@settings(max_examples=50, deadline=None)
def test_each_watch_gets_what_it_would_get_alone(done: list[tuple[str, list[Event] | int]]) -> None:
    """The same is published on two hosts: on one, callers have several watches, on the other each has one server."""
    host, alone = Ringed(example.snapshot(), most=8), Ringed(example.snapshot(), most=8)
    watches = Watches()
    streams = [stream(watches, host, caller) for caller in CALLERS]
    others = [stream(Watches(), alone, caller) for caller in CALLERS]
    cursor = 0
    for action, value in done:
        if isinstance(value, list):
            events = [event._replace(head=EventHead(1, cursor + number)) for number, event in enumerate(value, 1)]
            cursor += len(events)
            host.ring.publish(events, cursor)
            alone.ring.publish(events, cursor)
        else:
            assert action == "read"
            assert _without_time(streams[value].next_part(Deadline(9))) == _without_time(
                others[value].next_part(Deadline(9))
            )
    assert [made.items for made in streams] == [other.items for other in others]


def _without_time(part: tuple[bytes, bool]) -> list[bytes]:
    """Return the events of a part; a Lost has the time at which it was found."""
    return [event for event in part[0].split(b"\n\n") if b"event: Lost" not in event]


def test_a_lost_event_is_of_one_watch_alone() -> None:
    host, watches = Ringed(example.snapshot(), most=2), Watches()
    streams = [stream(watches, host, ROOT) for _ in range(2)]
    host.ring.publish([event._replace(head=EventHead(1, number)) for number, event in enumerate(STARTS[:2], 1)], 2)
    streams[0].next_part(Deadline(9))
    host.ring.publish([event._replace(head=EventHead(1, number)) for number, event in enumerate(STARTS[:2], 3)], 4)
    bodies = [made.next_part(Deadline(9))[0] for made in streams]
    assert [body.count(b"event: Lost") for body in bodies] == [0, 1]
    assert [body.count(b"event: ProcessStarted") for body in bodies] == [2, 2]
    # another filter is another group
    both = [stream(watches, host, ROOT), stream(watches, host, ROOT, frozenset({"ProcessEnded"}))]
    lost = EventsLost(EventHead(1, 5), 3)
    host.ring.publish([STARTS[0]._replace(head=EventHead(1, 5)), lost._replace(head=EventHead(1, 6))], 6)
    assert [made.next_part(Deadline(9))[0].count(b"event: ") for made in both] == [2, 1]
