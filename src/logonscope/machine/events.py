"""Events of a machine: one typed stream for every way to get them (kernel events, or differences between readings).

Times are the kernel's: nanoseconds since the boot. A cursor is the position in the stream after an event.
"""

from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import FailedLogon, Process, UserChange
from logonscope.machine.ownership import Owner


class EventHead(NamedTuple):
    """Fields that every event has."""

    kernel_ns: int
    cursor: int


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
    """A login program refused somebody; ``owner`` is the logon session of the program."""

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
    """Events were lost before this one; ``missed_events`` is their number; None: not known."""

    head: EventHead
    missed_events: int | None


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
