"""A host whose events are in a ring, and, as soon as a test has them written, in a journal, too."""

from pathlib import Path

from logonscope.facts import FailedLogon
from logonscope.machine.events import Event, EventsLost, LogonFailed
from tests import example
from tests.broker.ringed import Ringed
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM
from tests.journal.test_event_log import event_log


class KeptEvents:
    """Failed logons, whose users are their numbers."""

    def __init__(self, folder: Path, most: int = 30) -> None:
        self.kept = Kept(folder / "history")
        self.source = Ringed(example.snapshot(), most=most)
        self._unwritten: list[Event] = []
        self.count = 0
        self.connect()

    def connect(self) -> None:
        """Connect the host with the journal, after a start of the service."""
        history = self.kept.history()
        self.source.history = history
        self.log = history.event_log = event_log(self.kept)

    def publish(self, count: int) -> None:
        """Publish so many events."""
        events: list[Event] = []
        for _ in range(count):
            self.count += 1
            self.kept.story.ms += 10
            head = self.kept.story.head(self.kept.story.ms)
            events.append(LogonFailed(head, FailedLogon("sshd", 1, str(self.count)), SYSTEM))
        self._unwritten += events
        self.source.ring.publish(events, events[-1].head.number)

    def write(self) -> None:
        """Write all events into the journal."""
        self.kept.feed(self._unwritten)
        self._unwritten.clear()

    def restart(self, *, is_killed: bool = False) -> None:
        """Stop the service, and start it again; if it is killed, what is not written is lost."""
        if not is_killed:
            self.write()
        self._unwritten.clear()
        self.kept.keeper.stop()
        self.kept.reopen()
        self.source.ring.close()
        self.source = Ringed(example.snapshot(), most=30)
        self.kept.story.restart_numbers()
        self.connect()


def numbers(events: list[Event]) -> list[int | str | None]:
    """Return the numbers of events; "lost", or how many were."""
    return [
        ("lost" if event.missed_events is None else f"lost {event.missed_events}")
        if isinstance(event, EventsLost)
        else int(event.attempt.user or 0)
        for event in events
        if isinstance(event, EventsLost | LogonFailed)
    ]
