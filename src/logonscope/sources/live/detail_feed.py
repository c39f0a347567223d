"""Feed of kernel events with details, for the hub."""

import time
from collections.abc import Sequence

from logonscope.machine import Ownership
from logonscope.machine.events import Event
from logonscope.sources.live.process_details import ProcessDetails
from logonscope.sources.live.stream import EventStream

SETTLE_SECONDS = 0.005
"""Seconds to wait after the events of a batch: a new process mostly executes its program within this time."""

MISSES = {
    "process connector, logons read at every event": (
        "logins between two events, and names of processes that end within milliseconds"
    ),
    "process connector and fanotify": "names and arguments of processes that end within milliseconds",
}
"""What each source of events may miss, by the beginning of its name."""

MISSES_OF_OTHERS = "processes that end within milliseconds"


class KernelDetailFeed:
    """The events of a stream, with details: see ``hub.DetailFeed``."""

    def __init__(self, stream: EventStream, ownership: Ownership) -> None:
        self._reader = stream.events()
        self.position = self._reader.number
        name = self._reader.description
        self.description = f"{name}; may miss {what_is_missed(name)}"
        self._details = ProcessDetails(stream.host.direct, ownership)

    def __repr__(self) -> str:
        return f"<KernelDetailFeed {self.description}>"

    def read(self, seconds: float) -> Sequence[Event]:
        """See ``DetailFeed``."""
        events = self._reader.read(seconds)
        if not events:
            return events
        time.sleep(SETTLE_SECONDS)
        events += self._reader.read(0)
        return self._details.add(events)

    def close(self) -> None:
        """See ``DetailFeed``."""
        self._reader.close()


def what_is_missed(event_source: str) -> str:
    """Return what a source of events may miss; its name may end with more text, such as "by the events helper"."""
    return next((misses for name, misses in MISSES.items() if event_source.startswith(name)), MISSES_OF_OTHERS)
