"""Record: the input of a format, made from a process, a logon session or an event."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.facts import UNSET


class Record(NamedTuple):
    """One line of output: a process, a logon session (``process`` is None), or what an event is about."""

    host: HostIdentity
    time: datetime  # of the reading, or of the event
    session: LogonSession | None  # None: not known, hidden from the caller, or the event is about none
    process: SessionProcess | None = None
    parent: SessionProcess | None = None
    leader: SessionProcess | None = None  # the process that logged in

    @property
    def logon_id(self) -> str | None:
        """Return the LogonId."""
        return self.process.logon_id if self.process else self.session and self.session.logon_id

    @property
    def kernel_id(self) -> int | None:
        """Return the kernel id that the logon session owns, which is its LogonId; None if it owns none.

        A process of the logon session may carry another kernel id.
        """
        number = UNSET if self.logon_id is None else int(self.logon_id)
        return number if number < UNSET else None

    @property
    def is_system(self) -> bool:
        """Return whether the record belongs to the System session."""
        return self.logon_id == str(UNSET)


def event_record(
    host: HostIdentity, event: HostEvent, parent: SessionProcess | None = None, leader: SessionProcess | None = None
) -> Record:
    """Return the record of an event: the process and the logon session that the event is about."""
    return Record(host, event.time or datetime.now(UTC), event.session, event.process, parent, leader)


def is_interactive(process: SessionProcess) -> bool | None:
    """Return whether a process has a terminal; None: not known."""
    # ``tty`` is None for a process without a terminal, too. ``state`` shows whether the terminal was read, because the
    # kernel reports both in one file
    return None if process.tty is None and process.state is None else process.tty is not None


def is_execution(event: HostEvent) -> bool:
    """Return whether an event is the execution of a program by a running process.

    A change of only the arguments counts as an execution, because a program can execute itself with other arguments.
    """
    before, process = event.before, event.process
    if event.event != "ProcessChanged" or before is None or process is None:
        return False
    if (before.executable, before.command_line) != (process.executable, process.command_line):
        return True
    # without any difference, the same program was executed again; otherwise user, name or logon session changed
    return before._replace(unread={}) == process._replace(unread={})


def utc_text(moment: datetime | None, timespec: str = "microseconds") -> str | None:
    """Return a time in UTC, as ISO 8601 with Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def without_unknown(value: Any) -> Any:
    """Return a value without the members that are None, and without the objects that become empty."""
    if not isinstance(value, Mapping):
        return value
    members = {name: without_unknown(member) for name, member in value.items()}
    return {name: member for name, member in members.items() if member is not None and member != {}}
