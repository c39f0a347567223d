"""Parts of streams that several watches have in common: rendered once, and sent to each.

Watches of one caller with the same options, such as those of a page that is open twice, read the same events.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

from logonscope.broker.subscription import WatchResult
from logonscope.dispatch.operation import Reply
from logonscope.machine.events import Event

MAX_KEPT = 2
"""Maximum number of parts that are kept for a group: a watch may be a little later than the others."""

WAIT_SECONDS = 0.05
"""Maximum seconds that a watch waits while another watch of its group renders; then it renders a part itself."""


class RenderedPart(NamedTuple):
    """A part of a stream, and the results in it."""

    results: Sequence[WatchResult]
    reply: Reply


class _KeptPart(NamedTuple):
    """A part, and the events that it was made from; the part is None if nothing is sent for these events."""

    events: Sequence[Event]
    part: RenderedPart | None

    def is_made_from(self, events: Sequence[Event]) -> bool:
        # all readers of a source get the same objects in the same order: the number, the first and the last are enough
        has_same_ends = self.events[0] is events[0] and self.events[-1] is events[-1]
        return has_same_ends and len(self.events) == len(events)


class SharingGroup:
    """Watches whose parts are equal if their events are equal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members = 0
        self._parts: tuple[_KeptPart, ...] = ()

    def __repr__(self) -> str:
        return f"<SharingGroup of {self._members}>"

    def join(self) -> None:
        """Add a watch."""
        with self._lock:
            self._members += 1

    def leave(self) -> None:
        """Remove a watch; if only one is left, drop the parts that were kept."""
        with self._lock:
            self._members -= 1
            if self._members <= 1:
                self._parts = ()

    def part(self, events: Sequence[Event], render: Callable[[], RenderedPart | None]) -> RenderedPart | None:
        """Return the part for events, rendered by the first watch that needs it; None: nothing is sent for them."""
        # a part for a single watch is not kept: it can have megabytes
        if self._members < 2 or not events or not self._lock.acquire(timeout=WAIT_SECONDS):
            return render()
        try:
            for kept_part in self._parts:
                if kept_part.is_made_from(events):
                    return kept_part.part
            part = render()
            if self._members > 1:
                self._parts = (_KeptPart(events, part), *self._parts[: MAX_KEPT - 1])
            return part
        finally:
            self._lock.release()


class SharedParts:
    """The groups of open watches."""

    def __init__(self) -> None:
        self._groups: WeakValueDictionary[Hashable, SharingGroup] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"<SharedParts of {len(self._groups)} groups>"

    def group(self, key: Hashable) -> SharingGroup:
        """Return the group of watches with a key; it exists as long as a watch holds it."""
        return self._groups.setdefault(key, SharingGroup())
