"""Events of a machine: one typed stream for every way to get them (kernel events, or differences between readings).

Times are the kernel's: nanoseconds since the boot. A cursor is the position in the stream after an event.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import FACTS_OF_FILE, FailedLogon, Process, UserChange
from logonscope.machine.ownership import Owner

ALL_PARTS = (1 << 31) - 1
"""The part of a mark of a live event: everything of its position was seen."""


class EventMark(NamedTuple):
    """A place in the events of all runs of the service, as the history numbers them.

    Attributes:
        epoch: the number of the run.
        position: the number of the kernel's event in that run.
        part: what the history has of one position beside that event: what it found out after a gap.
    """

    epoch: int
    position: int
    part: int = ALL_PARTS


NO_KERNEL_EVENTS = "no kernel events"
"""The beginning of the description of a stream that is made by comparing readings."""


class EventHead(NamedTuple):
    """Fields that every event has.

    Attributes:
        kernel_ns: the time of the event.
        cursor: the position in the stream that the reader reads.
        position: the position that the history gives the event; 0: it has none.
        mark: of an event from the history: its place there.
    """

    kernel_ns: int
    cursor: int
    position: int = 0
    mark: EventMark | None = None


class ProcessStarted(NamedTuple):
    """A process was created; ``parent`` is its parent's pid and start in clock ticks."""

    head: EventHead
    process: Process
    owner: Owner
    parent: tuple[int, int] | None


class ProcessChanged(NamedTuple):
    """A process executed another program, changed its user, its name or its logon session."""

    head: EventHead
    before: tuple[Process, Owner]
    after: tuple[Process, Owner]


class ProcessEnded(NamedTuple):
    """A process ended; ``status`` is that of wait(2), None where it is not known."""

    head: EventHead
    process: Process
    owner: Owner
    status: int | None


class LogonStarted(NamedTuple):
    """A logon session began."""

    head: EventHead
    session: LogonSession
    owner: Owner


class LoggedOut(NamedTuple):
    """The leader of a logon session ended; its remaining processes are leftovers."""

    head: EventHead
    session: LogonSession
    owner: Owner


class LogonEnded(NamedTuple):
    """The last process of a logon session ended."""

    head: EventHead
    session: LogonSession
    owner: Owner


class LogonFailed(NamedTuple):
    """A login program refused an attempt; ``owner`` is the logon session of the program."""

    head: EventHead
    attempt: FailedLogon
    owner: Owner


class UserChanged(NamedTuple):
    """A process of a login executed a program as another user; ``process`` is as it was at that moment."""

    head: EventHead
    process: Process
    owner: Owner
    change: UserChange


class EventsLost(NamedTuple):
    """Events were lost before this one; ``missed_events`` is their number; None: not known.

    ``is_all``: everything since the cursor of the reader, which is not one of this host's.
    """

    head: EventHead
    missed_events: int | None
    is_all: bool = False


EVENT_FACTS = frozenset[str]().union(*(FACTS_OF_FILE[file] for file in ("stat", "status"))) | {
    "ses", "loginuid", "cgroup", "cmdline", "exe", "name",
}  # fmt: skip
"""Facts that events have of their processes, where these could be read."""

MAX_CMDLINE_BYTES = 32_768
"""Bytes of arguments that events have of each process."""

Event = (
    ProcessStarted
    | ProcessChanged
    | ProcessEnded
    | LogonStarted
    | LoggedOut
    | LogonEnded
    | LogonFailed
    | UserChanged
    | EventsLost
)


class EventReader(Protocol):
    """A position in a stream of events. One thread reads; any thread may close it."""

    description: str
    """How the events are got, and what may be missed."""

    def read(self, seconds: float | None = None, most: int | None = None) -> Sequence[Event]:
        """Wait for events and return them, the oldest first; none after ``seconds`` (None: no limit), or when closed.

        ``most`` limits their number; None: the reader has a limit of its own. Events that this reader was too slow for
        are counted by an EventsLost in their place.
        """
        ...

    @property
    def cursor(self) -> int:
        """Return the cursor of the last event that was read; before the first one, where reading began."""
        ...

    @property
    def position(self) -> int:
        """Return the position, in the events of this run, of the last event that was read; 0: it has none."""
        ...

    @property
    def is_closed(self) -> bool:
        """Return whether there will be no more events."""
        ...

    def notify(self, call: Callable[[], object]) -> None:
        """Have a function called, in any thread, whenever there may be events to read, or the reader is closed."""
        ...

    def close(self) -> None:
        """End the reader, and a ``read`` that waits."""
        ...


class EventPage(NamedTuple):
    """Events of one boot from the history, in their order.

    Attributes:
        events: each with its mark in its head.
        mark: the place after them, also where events were left out that do not exist any more.
        moment: when the first one was; None: there are none, or only that events were lost.
        is_this_boot: they are of the present boot.
        sessions: the logon sessions of their owners, by LogonId.
    """

    events: Sequence[Event]
    mark: EventMark
    moment: datetime | None = None
    is_this_boot: bool = True
    sessions: Mapping[str, LogonSession] = {}


class EventLog(Protocol):
    """The events that the history keeps for readers that resume, and the cursors of all events."""

    @property
    def epoch(self) -> int:
        """Return the number of this run of the service."""
        ...

    def write_cursor(self, mark: EventMark) -> str:
        """Return the cursor of a place. It does not show how many events there were."""
        ...

    def read_cursor(self, text: str) -> EventMark | None:
        """Return the place of a cursor; None: it is not one of this history."""
        ...

    @property
    def written_position(self) -> int:
        """Return the position in this run up to which everything is in the history."""
        ...

    def read(self, mark: EventMark, until: int | None = None) -> EventPage:
        """Return the next events after a place; none: there are no more.

        What is missing in between is an EventsLost.

        Args:
            mark: the place.
            until: a position in this run, after which events are not returned; None: all.
        """
        ...
