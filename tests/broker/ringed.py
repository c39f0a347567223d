"""A host in memory whose events are those that a test publishes, kept in the ring of the live host."""

from logonscope.answers.logon_session import LogonSession
from logonscope.machine import Owner
from logonscope.machine.events import Event, EventHead, LogonStarted
from logonscope.machine.snapshot import Snapshot
from logonscope.sources.live.ring import EventRing, RingReader
from tests.broker.memory import Memory


def nothing() -> None:
    """Do nothing."""


class Ringed(Memory):
    """A host in memory with a ring of events."""

    def __init__(self, *snapshots: Snapshot, most: int = 1000) -> None:
        super().__init__(*snapshots)
        self.ring = EventRing(most)
        self.readers: list[RingReader] = []

    def event_reader(self, after: int | None = None) -> RingReader:
        reader = self.ring.reader(after, "a test", nothing)
        self.readers.append(reader)
        return reader

    def resumed_reader(self, position: int) -> RingReader | None:
        number = self.ring.number_of(position)
        return None if number is None else self.event_reader(number)

    def publish(self, count: int, uid: int = 1000, remote_host: str | None = None) -> None:
        """Publish logins of a uid; their LogonIds are their numbers."""
        first, events = self.ring.number + 1, list[Event]()
        for number in range(first, first + count):
            session = LogonSession(str(number), f"u{uid}", uid, remote_host=remote_host)
            events.append(LogonStarted(EventHead(number, number, number), session, Owner(str(number), "audit")))
        self.ring.publish(events, first + count - 1)
