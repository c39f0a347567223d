"""journal/event_maker.py: events of the history have the times and the details of the live ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.machine.events import EventMark, LogonStarted, ProcessStarted
from tests.journal.test_event_log import FedJournal, event_log, read_all


@pytest.fixture
def fed_journal(tmp_path: Path) -> Iterator[FedJournal]:
    journal = FedJournal(tmp_path)
    journal.feed(journal.kept.story.start_logons())
    journal.feed(journal.kept.story.events(100))
    journal.feed(journal.kept.story.reports())
    yield journal
    journal.kept.keeper.stop()


def test_times_and_details(fed_journal: FedJournal) -> None:
    read = {event.head.position: event for event in read_all(event_log(fed_journal.kept), EventMark(1, 0, 0))}
    for event in fed_journal.events:
        other = read[event.head.position]
        # rows have clock ticks of 10 ms
        assert abs(other.head.kernel_ns - event.head.kernel_ns) <= 20_000_000
        if isinstance(event, LogonStarted) and isinstance(other, LogonStarted):
            assert other.session.key_fingerprint == event.session.key_fingerprint
            assert (other.session.logon_type, other.session.is_foreign) == (10, False)
        if isinstance(event, ProcessStarted) and isinstance(other, ProcessStarted):
            assert other.process.name == (event.process.name if event.process.name != "bash" else other.process.name)
            assert other.parent == event.parent
