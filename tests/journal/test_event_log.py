"""The event log: whatever happened is read once, in its order, from any place in it; and what is missing is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logonscope.facts import FailedLogon
from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.journal.event_log import JournalEventLog
from logonscope.machine.events import (
    Event,
    EventMark,
    EventsLost,
    LogonFailed,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM


def event_log(kept: Kept) -> JournalEventLog:
    keeper = kept.keeper
    cipher = CursorCipher(keeper.writer.cursor_key, keeper.writer.journal_id)
    history = kept.history()
    return JournalEventLog(history.lend_reader, cipher, lambda: (keeper.writer.epoch, keeper.written_position))


def read_all(log: JournalEventLog, mark: EventMark, until: int | None = None) -> list[Event]:
    """Return all events after a place."""
    events: list[Event] = []
    while True:
        page = log.read(mark, until)
        events += page.events
        if not page.events and page.mark == mark:
            return events
        assert page.mark > mark or not page.events
        mark = page.mark


def identity(event: Event) -> tuple[Any, ...]:
    """Return what must be the same in the event of the history."""
    name = type(event).__name__
    if isinstance(event, ProcessChanged):
        return name, event.after[0].pid, event.after[0].name, event.after[0].uids, event.after[1].logon_id
    if isinstance(event, ProcessStarted | ProcessEnded):
        return name, event.process.pid, event.process.start, event.owner.logon_id, getattr(event, "status", 0)
    if isinstance(event, LogonFailed):
        return name, event.attempt._replace(line=None), event.owner.logon_id
    if isinstance(event, UserChanged):
        return name, event.process.pid, event.change, event.owner.logon_id
    if isinstance(event, EventsLost):
        return name, event.missed_events
    return name, event.session.logon_id, event.session.uid, event.session.remote_address


class FedJournal:
    """A journal, and the events that were fed to it, without the executions that are part of starts."""

    def __init__(self, folder: Path) -> None:
        self.kept = Kept(folder / "history")
        self.events: list[Event] = []
        self.last = 0

    def feed(self, events: Iterator[Event]) -> None:
        """Feed events."""
        fed = list(events)
        self.kept.feed(fed)
        self.last = fed[-1].head.position
        first_changes = set[int]()
        for event in fed:
            if isinstance(event, ProcessStarted):
                first_changes.add(event.process.pid)
            elif isinstance(event, ProcessChanged) and event.after[0].pid in first_changes:
                first_changes.discard(event.after[0].pid)
                continue
            elif isinstance(event, ProcessChanged) and event.before == event.after:
                continue  # nothing that is kept
            self.events.append(event)


@pytest.fixture
def fed_journal(tmp_path: Path) -> Iterator[FedJournal]:
    fed_journal = FedJournal(tmp_path)
    story = fed_journal.kept.story
    fed_journal.feed(story.start_logons())
    fed_journal.feed(story.events(150))
    fed_journal.feed(story.late_changes())
    fed_journal.feed(story.reports())
    fed_journal.kept.move_all()
    fed_journal.feed(story.events(60))
    yield fed_journal
    fed_journal.kept.keeper.stop()


def test_everything_is_read_from_everywhere(fed_journal: FedJournal) -> None:
    log, events = event_log(fed_journal.kept), fed_journal.events
    assert {type(event).__name__ for event in events} >= {
        "LogonStarted", "ProcessStarted", "ProcessChanged", "ProcessEnded", "LogonFailed", "UserChanged",
    }  # fmt: skip
    read = read_all(log, EventMark(1, 0, 0))
    assert [identity(event) for event in read] == [identity(event) for event in events]
    for index in range(0, len(events), 7):
        after = read_all(log, EventMark(1, events[index].head.position))
        # who got only the start of a process gets the execution that is part of it elsewhere
        if isinstance(events[index], ProcessStarted) and isinstance(after[0], ProcessChanged):
            after = after[1:]
        assert [identity(event) for event in after] == [identity(event) for event in events[index + 1 :]]
    # and by the places of events that came from the history
    for event in read[::11]:
        assert event.head.mark is not None
        position = [entry.head.position for entry in read].index(event.head.position)
        assert read_all(log, event.head.mark) == read[position + 1 :]


def test_it_ends_at_a_position(fed_journal: FedJournal) -> None:
    middle = next(event for event in fed_journal.events[200:] if isinstance(event, ProcessEnded)).head.position
    read = read_all(event_log(fed_journal.kept), EventMark(1, 5), middle)
    assert read[-1].head.position == middle
    assert event_log(fed_journal.kept).written_position == fed_journal.last


def test_a_process_that_was_forgotten_is_left_out(fed_journal: FedJournal) -> None:
    fed_journal.kept.keeper.stop()
    fed_journal.kept.history().forget("user1003", 0)
    fed_journal.kept.reopen()
    read = read_all(event_log(fed_journal.kept), EventMark(1, 0, 0))
    ended = {
        event.process.pid for event in read
        if isinstance(event, ProcessEnded) and event.owner.login and event.owner.login.uid == 1003
    }  # fmt: skip
    assert ended == set()
    assert len(read) > 100


def test_a_restart_is_one_gap_then_what_was_found(tmp_path: Path) -> None:
    fed_journal = FedJournal(tmp_path)
    fed_journal.feed(fed_journal.kept.story.start_logons())
    fed_journal.feed(fed_journal.kept.story.events(40))
    fed_journal.kept.keeper.stop()
    for _ in range(3):
        fed_journal.kept.reopen()
        fed_journal.kept.keeper.stop()
    fed_journal.kept.reopen()
    log = event_log(fed_journal.kept)
    assert log.epoch == 5
    place = max(index for index, event in enumerate(fed_journal.events) if isinstance(event, ProcessEnded))
    rest = fed_journal.events[place + 1 :]
    read = read_all(log, EventMark(1, fed_journal.events[place].head.position))
    assert [identity(event) for event in read] == [*(identity(event) for event in rest), ("EventsLost", None)]
    # nothing runs any more: each process and logon session has an end, which belongs to this run
    running = len(fed_journal.kept.keeper.recorder.alive)
    assert running
    fed_journal.kept.keeper.recorder.compare([], fed_journal.kept.clock.ms)
    fed_journal.kept.keeper.flush()
    found = read_all(log, EventMark(1, fed_journal.last))
    assert [type(event).__name__ for event in found] == ["EventsLost", *["ProcessEnded"] * running]
    # each of them is a place to continue
    for index, event in enumerate(found):
        assert event.head.mark is not None
        assert read_all(log, event.head.mark) == found[index + 1 :]
    # who saw the live events of this run gets none of that
    assert read_all(log, EventMark(5, 0)) == []
    fed_journal.kept.keeper.stop()


def test_the_ends_that_a_boot_left_open_are_events(tmp_path: Path) -> None:
    fed_journal = FedJournal(tmp_path)
    fed_journal.feed(fed_journal.kept.story.start_logons())
    fed_journal.feed(fed_journal.kept.story.events(40))
    running = len(fed_journal.kept.keeper.recorder.alive)
    fed_journal.kept.keeper.stop()
    fed_journal.kept.reopen(boot_id="boot-2")
    log = event_log(fed_journal.kept)
    mark = EventMark(1, fed_journal.last)
    page = log.read(mark)
    assert [type(event).__name__ for event in page.events] == ["EventsLost"]
    page = log.read(page.mark)
    assert not page.is_this_boot
    assert page.moment is not None
    names = [type(event).__name__ for event in page.events]
    assert (names.count("ProcessEnded"), names.count("LogonEnded")) == (running, 12 + 1)
    fed_journal.kept.keeper.stop()


def test_what_is_older_than_what_is_kept_is_counted(fed_journal: FedJournal) -> None:
    fed_journal.kept.keeper.writer.resume_events = 100
    fed_journal.feed(fed_journal.kept.story.events(300))
    fed_journal.kept.move_all()
    log = event_log(fed_journal.kept)
    first, *rest = read_all(log, EventMark(1, 3))
    assert isinstance(first, EventsLost)
    assert first.missed_events is not None
    assert rest[0].head.position > 3 + first.missed_events
    assert [identity(event) for event in rest] == [identity(event) for event in fed_journal.events[-len(rest) :]]


def test_cursors(fed_journal: FedJournal) -> None:
    log = event_log(fed_journal.kept)
    mark = EventMark(1, 77)
    text = log.write_cursor(mark)
    assert log.read_cursor(text) == mark
    fed_journal.kept.keeper.stop()
    fed_journal.kept.reopen()
    assert event_log(fed_journal.kept).read_cursor(text) == mark
    # a copy of the journal from before that run does not know it
    assert event_log(fed_journal.kept).read_cursor(log.write_cursor(EventMark(9, 1))) is None


def test_an_event_without_a_position_is_not_in_it(fed_journal: FedJournal) -> None:
    log = event_log(fed_journal.kept)
    mark = EventMark(1, fed_journal.last)
    head = fed_journal.kept.story.head(fed_journal.kept.story.ms)._replace(position=0)
    event = LogonFailed(head, FailedLogon("su", 1), SYSTEM)
    fed_journal.kept.feed([event])
    assert read_all(log, mark) == []
