"""Events of a machine: one typed stream, whether they come from the kernel or from comparing two readings.

The times of events are the kernel's: nanoseconds since the boot. The events of a stream are numbered, and a reader can
continue after any event that the stream still holds.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import FACTS_OF_FILE, FailedLogon, Process, UserChange
from logonscope.machine.ownership import Owner

ALL_PARTS = (1 << 31) - 1
"""``part`` in the EventMark of a live event: all entries that the history has for the event count as read."""


class EventMark(NamedTuple):
    """The position of a reader in the events of all runs of the service: the last event, or part of one, that was read.

    Attributes:
        epoch: the number of the run.
        position: the number of the event in that run.
        part: the index of the entry among the history's entries with this position. Entry 0 is the first one of the
            event; the others are further entries of the event, or changes that the history found after a gap, by
            comparing its processes with the running ones.
    """

    epoch: int
    position: int
    part: int = ALL_PARTS


NO_KERNEL_EVENTS = "no kernel events"
"""The beginning of the description of a stream that is made by comparing readings."""


class EventHead(NamedTuple):
    """Fields that every event has.

    Attributes:
        kernel_ns: the time of the event, in nanoseconds since the boot.
        number: the number of the event in the stream that the reader reads; 0: it is in no stream.
        position: the number of the event in its run of the service, as in EventMark; 0: it has none.
        mark: the mark of an event from the history; None: the event is live.
    """

    kernel_ns: int
    number: int
    position: int = 0
    mark: EventMark | None = None


class ProcessStarted(NamedTuple):
    """A process was created; ``parent`` is its parent's pid and start in clock ticks; None: not known."""

    head: EventHead
    process: Process
    owner: Owner
    parent: tuple[int, int] | None


class ProcessChanged(NamedTuple):
    """A process executed a program, or got another logon session.

    Where readings are compared, it may also have changed its user, name or arguments.
    """

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
    """The leader of a logon session ended; the remaining processes of the logon session are leftovers."""

    head: EventHead
    session: LogonSession
    owner: Owner


class LogonEnded(NamedTuple):
    """The last process of a logon session ended."""

    head: EventHead
    session: LogonSession
    owner: Owner


class LogonFailed(NamedTuple):
    """A program such as sshd or sudo rejected an attempt; ``owner`` is the logon session of the program."""

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
    """Events were lost before this one.

    Attributes:
        head: the fields of every event.
        missed_events: the number of lost events; None: not known.
        is_all: the host does not know the event after which the reader should continue, so all later events are lost.
    """

    head: EventHead
    missed_events: int | None
    is_all: bool = False


EVENT_FACTS = frozenset[str]().union(*(FACTS_OF_FILE[file] for file in ("stat", "status"))) | {
    "ses", "loginuid", "cgroup", "cmdline", "exe", "name",
}  # fmt: skip
"""Facts that the process of an event has, if they could be read."""

MAX_CMDLINE_BYTES = 32_768
"""Maximum bytes of the arguments that the process of an event has."""

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
    """Reads a stream of events. One thread may read; any thread may close the reader."""

    description: str
    """Where the events come from, and which of them may be missed."""

    def read(self, seconds: float | None = None, max_events: int | None = None) -> Sequence[Event]:
        """Wait for events and return them, the oldest first.

        An empty result: there were none within ``seconds``, or the reader was closed.

        Events that were dropped because this reader was too slow are replaced by an EventsLost with their number.

        Args:
            seconds: how long to wait; None: no limit.
            max_events: the maximum number of events; None: the limit of the reader.
        """
        ...

    @property
    def number(self) -> int:
        """Return the number of the last event that was read; before the first event, the number where reading began."""
        ...

    @property
    def position(self) -> int:
        """Return the position of the last event that was read, as in its head."""
        ...

    @property
    def is_closed(self) -> bool:
        """Return whether there will be no more events."""
        ...

    def notify(self, call: Callable[[], object]) -> None:
        """Set a function to call, in any thread, whenever there may be events to read, or when the reader is closed."""
        ...

    def close(self) -> None:
        """End the reader, and a ``read`` that waits."""
        ...


class EventPage(NamedTuple):
    """Events of one boot from the history, in their order.

    Attributes:
        events: each with its mark in its head. Events whose rows were deleted are left out.
        mark: the mark after which the next page begins.
        moment: the time of the first event; None: there is none, or only an EventsLost.
        is_this_boot: the events are of the present boot.
        sessions: the logon sessions of the owners of the events, by LogonId.
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
        """Return a mark as a cursor: an encrypted text, which does not show how many events there were."""
        ...

    def read_cursor(self, text: str) -> EventMark | None:
        """Return the mark of a cursor; None: the text is no cursor of this history."""
        ...

    @property
    def written_position(self) -> int:
        """Return the position in this run up to which everything is in the history."""
        ...

    def read(self, mark: EventMark, until: int | None = None) -> EventPage:
        """Return the next events after a mark; an empty page: there are no more.

        If some events after the mark are not kept any more, the first one returned is an EventsLost.

        Args:
            mark: the mark.
            until: the last position of this run to return; None: all.
        """
        ...
