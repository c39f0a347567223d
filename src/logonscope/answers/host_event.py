"""Events of a host, as far as the caller may see them: what happened to processes and logon sessions, failed logons."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess

EventName = Literal[
    "ProcessStarted", "ProcessChanged", "ProcessEnded", "LogonStarted", "LoggedOut", "LogonEnded", "LogonFailed",
    "UserChanged", "Lost",
]  # fmt: skip

EVENT_NAMES = frozenset[str](get_args(EventName))
PROCESS_EVENTS = frozenset[str]({"ProcessStarted", "ProcessChanged", "ProcessEnded"})
LOGON_EVENTS = frozenset[str]({"LogonStarted", "LoggedOut", "LogonEnded", "LogonFailed"})


class FailedAttempt(NamedTuple):
    """A refused attempt to log in, or to become another user. None: the value was not reported.

    Attributes:
        service: sshd, login, su, sudo, or another PAM service.
        user: the name that was tried; it need not be an account.
        is_known_user: whether there is an account of that name.
        method: password, publickey, ...
        by_user: with su and sudo: the account that tried to become ``user``.
        command: the command that sudo did not run.
        reason: why the attempt was refused, in the words of the program.
        attempts: how many attempts the program reported at once.
        pid: the pid of the process that reported the attempt.
        source: the log that has the report: journal or btmp.
    """

    service: str
    user: str | None
    is_known_user: bool | None
    remote_address: str | None
    remote_port: int | None
    remote_host: str | None
    method: str | None
    tty: str | None
    by_user: str | None
    command: str | None
    reason: str | None
    attempts: int
    pid: int | None
    source: str


class ChangedUser(NamedTuple):
    """A change of the user of a process.

    Attributes:
        from_uid: the real uid before.
        to_uid: the effective uid after.
        is_complete: the real uid changed, too. If not, the process runs a set-user-ID program, and has the new rights
            only as long as this program runs.
        program: the name of the program that the process ran after the change.
        through: the set-user-ID program that made the change possible, such as sudo.
        command: the command line as sudo logged it; None for callers other than administrators.
        source: kernel, or "kernel, sudo's line in the journal".
    """

    from_uid: int | None
    from_user: str | None
    to_uid: int
    to_user: str | None
    is_complete: bool
    program: str | None
    through: str | None
    command: str | None
    source: str


class HostEvent(NamedTuple):
    """Something that happened. Fields that an event does not have are None.

    Attributes:
        event: what happened; Lost: events before this one were lost.
        time: when, by the kernel's clock.
        cursor: continues a watch after this event; None: no watch can continue here.
        process: the process as it is after the event; of ProcessEnded: as it was before its end.
        before: of ProcessChanged: the process as it was before the change.
        session: the logon session. LogonStarted, LoggedOut and LogonEnded always have it; events of a process, and
            UserChanged, have it only if the watch has ``with_sessions`` or selects logon sessions.
        exit_code, signal: how a process ended; both None: not known.
        attempt: of LogonFailed: the refused attempt.
        change: of UserChanged: the change of user.
        missed: of Lost: the number of lost events; None: not known.
        missed_all: of Lost: all events since the cursor are lost, because this host does not know the cursor.
    """

    event: EventName
    time: datetime | None
    cursor: str | None
    process: SessionProcess | None = None
    before: SessionProcess | None = None
    session: LogonSession | None = None
    exit_code: int | None = None
    signal: int | None = None
    attempt: FailedAttempt | None = None
    change: ChangedUser | None = None
    missed: int | None = None
    missed_all: bool | None = None

    def __repr__(self) -> str:
        if self.event == "Lost":
            return f"HostEvent(Lost, {self.lost_text})"
        row = self.process or self.session or self.attempt or self.change
        return f"HostEvent({self.event}, {row!r})"

    @property
    def lost_text(self) -> str:
        """Return a sentence that says how many events were lost; only for Lost."""
        if self.missed == 1:
            return "1 event was lost"
        count = "an unknown number of" if self.missed is None else self.missed
        return f"{count} events were lost"
