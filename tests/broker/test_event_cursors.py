"""broker/event_cursors.py: which cursors continue where, with a history and without one."""

from pathlib import Path

from logonscope.broker.event_cursors import EventCursors
from logonscope.broker.resumed_reader import LostReader, ResumedReader
from logonscope.machine.events import EventsLost
from tests import example
from tests.broker.kept_events import KeptEvents, numbers
from tests.broker.ringed import Ringed
from tests.broker.test_resumed_reader import read_rest


def test_a_cursor_of_the_history_is_valid_after_a_restart(tmp_path: Path) -> None:
    host = KeptEvents(tmp_path)
    cursors = EventCursors(host.source)
    reader = cursors.open_reader(None)
    host.publish(12)
    texts = [cursors.write(event.head) for event in reader.read()]
    assert len(set(texts)) == 12
    live = cursors.open_reader(texts[8])
    assert numbers(list(live.read(0))) == [10, 11, 12]
    host.restart()
    host.publish(2)
    host.write()
    again = EventCursors(host.source)
    resumed = again.open_reader(texts[8])
    assert isinstance(resumed, ResumedReader)
    assert again.head_of(resumed).mark is not None
    events = read_rest(resumed)
    assert numbers(events) == [10, 11, 12, "lost", 13, 14]
    # cursors of events of the history continue like those of live ones
    assert again.write(events[0].head) != texts[9]
    for index, event in enumerate(events):
        assert numbers(read_rest(again.open_reader(again.write(event.head)))) == numbers(events[index + 1 :])
    host.kept.keeper.stop()


def test_others_are_not_known(tmp_path: Path) -> None:
    host = KeptEvents(tmp_path)
    host.publish(3)
    for text in ("nonsense", "", "0123456789abcdef", "A" * 40):
        reader = EventCursors(host.source).open_reader(text)
        assert isinstance(reader, LostReader)
    host.kept.keeper.stop()


def test_without_a_history_they_are_those_of_this_run() -> None:
    host = Ringed(example.snapshot())
    cursors = EventCursors(host)
    reader = cursors.open_reader(None)
    host.publish(4)
    texts = [cursors.write(event.head) for event in reader.read()]
    assert [event.head.number for event in cursors.open_reader(texts[1]).read()] == [3, 4]
    for reader in (cursors.open_reader("of another run"), host.event_reader(5)):
        (first, *_) = reader.read()
        assert isinstance(first, EventsLost)
        assert (first.missed_events, first.is_all) == (None, True)
