"""A host in memory whose events are those of a script."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller
from logonscope.broker.subscription import Subscription, WatchOptions, WatchResult, subscribe
from logonscope.facts import Process
from logonscope.machine import Owner
from logonscope.machine.events import (
    Event,
    EventHead,
    EventsLost,
    LoggedOut,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.snapshot import Snapshot
from tests.broker.memory import Memory

SECOND = 1_000_000_000


class Script:
    """A reader of events that are written beforehand."""

    description = "a script"

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = deque(events)
        self.number, self.position, self.is_closed = 0, 0, False
        self.after: int | None = None

    def add(self, *events: Event) -> None:
        self._events += events

    def read(self, seconds: float | None = None, max_events: int | None = None) -> Sequence[Event]:
        if not self._events and seconds:
            time.sleep(min(seconds, 0.05))
        events = [self._events.popleft() for _ in range(min(len(self._events), max_events or len(self._events)))]
        self.number = events[-1].head.number if events else self.number
        return events

    def notify(self, call: Callable[[], object]) -> None:
        call()

    def close(self) -> None:
        self.is_closed = True


class EventMemory(Memory):
    """A host in memory with a script of events."""

    def __init__(self, *snapshots: Snapshot) -> None:
        super().__init__(*snapshots)
        self.script = Script()

    def event_reader(self, after: int | None = None) -> Script:
        self.script.after = after
        return self.script


class Times:
    """Makes events, each a second after the one before."""

    def __init__(self) -> None:
        self._number = 0

    @property
    def head(self) -> EventHead:
        self._number += 1
        return EventHead(self._number * SECOND, self._number)

    def started(self, process: Process, owner: Owner) -> ProcessStarted:
        return ProcessStarted(self.head, process, owner, None)

    def changed(self, before: tuple[Process, Owner], after: tuple[Process, Owner]) -> ProcessChanged:
        return ProcessChanged(self.head, before, after)

    def ended(self, process: Process, owner: Owner, status: int | None = 0) -> ProcessEnded:
        return ProcessEnded(self.head, process, owner, status)

    def logon(
        self, kind: type[LogonStarted] | type[LoggedOut] | type[LogonEnded], session: LogonSession, owner: Owner
    ) -> Event:
        return kind(self.head, session, owner)

    def lost(self, missed: int | None) -> EventsLost:
        return EventsLost(self.head, missed)


def watch(host: EventMemory, caller: Caller, query: str | None = None, **options: Any) -> Subscription:
    """Return a subscription of a caller."""
    return subscribe(host.request(caller), WatchOptions(query, **options))


def results(subscription: Subscription, seconds: float = 0) -> list[Any]:
    """Return the results of what is in the script; wait for the first one so long."""
    return [result.result for result in subscription.read(seconds)]


def watch_results(subscription: Subscription) -> list[WatchResult]:
    """Return the results of what is in the script, with cursors."""
    return subscription.read(0)
