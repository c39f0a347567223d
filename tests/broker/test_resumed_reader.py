"""broker/resumed_reader.py: from the history to live events, none twice and none missing, however they interleave."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logonscope.broker.resumed_reader import LostReader, ResumedReader
from logonscope.machine.events import Event, EventMark, EventReader, EventsLost
from tests.broker.kept_events import KeptEvents, numbers

publish = st.tuples(st.just("publish"), st.integers(1, 25))
read = st.tuples(st.just("read"), st.integers(0, 10))
steps = st.lists(publish | read | st.just(("write", 0)), max_size=20)


def read_rest(reader: EventReader) -> list[Event]:
    """Return what there is, until nothing more comes."""
    events: list[Event] = []
    silent = 0
    # the change to live events takes a few calls without events
    while silent < 4:
        batch = reader.read(0)
        events += batch
        silent = 0 if batch else silent + 1
    return events


def resume(host: KeptEvents, after: int, **options: float) -> ResumedReader:
    mark = EventMark(host.log.epoch, after)
    return ResumedReader(host.log, mark, host.source.event_reader, host.source.resumed_reader(after), **options)


@example(first=6, after=0, script=[("publish", 25)])
@given(st.integers(1, 60), st.integers(0, 60), steps)
@settings(max_examples=25, deadline=None)
def test_none_twice_and_none_missing(first: int, after: int, script: list[tuple[str, int]]) -> None:
    """The ring keeps 30 events, so that it drops some in most examples."""
    with tempfile.TemporaryDirectory() as folder:
        host = KeptEvents(Path(folder))
        host.publish(first)
        after = min(first, after)
        reader, events = resume(host, after), list[Event]()
        for step, count in script:
            if step == "publish":
                host.publish(count)
            elif step == "write":
                host.write()
            else:
                events += reader.read(0, count or None)
        host.write()
        events += read_rest(reader)
        assert numbers(events) == list(range(after + 1, host.count + 1))
        assert reader.mark is None
        host.publish(3)
        assert numbers(list(reader.read(0))) == list(range(host.count - 2, host.count + 1))
        host.kept.keeper.stop()


def test_a_history_that_is_not_written_is_not_waited_for_without_end(tmp_path: Path) -> None:
    host = KeptEvents(tmp_path)
    host.publish(20)
    host.write()
    host.publish(100)
    reader = resume(host, 5, write_seconds=0.0)
    events = read_rest(reader)
    assert numbers(events) == [*range(6, 21), "lost"]
    host.publish(2)
    assert numbers(list(reader.read(0))) == [121, 122]
    host.kept.keeper.stop()


def test_a_closed_reader_returns_nothing(tmp_path: Path) -> None:
    host = KeptEvents(tmp_path)
    host.publish(40)
    reader = resume(host, 1)
    reader.close()
    assert reader.is_closed
    assert reader.read() == ()
    assert host.source.ring.reader_count == 0
    host.kept.keeper.stop()


@pytest.mark.parametrize("is_killed", [False, True])
def test_after_a_restart(tmp_path: Path, *, is_killed: bool) -> None:
    host = KeptEvents(tmp_path)
    host.publish(20)
    host.write()
    host.publish(5)
    mark = EventMark(host.log.epoch, 10)
    beyond = EventMark(host.log.epoch, 24)
    host.restart(is_killed=is_killed)
    host.publish(3)
    host.write()
    last = 20 if is_killed else 25
    reader = ResumedReader(host.log, mark, host.source.event_reader)
    assert numbers(read_rest(reader)) == [*range(11, last + 1), "lost", 26, 27, 28]
    # a reader that has seen live events which were never written
    reader = ResumedReader(host.log, beyond, host.source.event_reader)
    assert numbers(read_rest(reader)) == [*range(25, last + 1), "lost", 26, 27, 28]
    host.kept.keeper.stop()


def test_an_unknown_cursor_is_said_first(tmp_path: Path) -> None:
    host = KeptEvents(tmp_path)
    host.publish(3)
    reader = LostReader(host.source.event_reader())
    (lost,) = reader.read()
    assert isinstance(lost, EventsLost)
    assert (lost.is_all, lost.missed_events) == (True, None)
    host.publish(1)
    assert numbers(list(reader.read())) == [4]
    host.kept.keeper.stop()
