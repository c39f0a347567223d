"""Ownership of processes by logon sessions: the interface that an operating system's rules implement.

Above this interface nothing knows by which facts a process is tied to its login. An Ownership is chosen together with
the source; it is pure, so that a recording made years ago gets today's answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logonscope.facts import Login, Machine, Process
from logonscope.machine.queries import Facts, LogonHint
from logonscope.machine.selection import Selection

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.answers.logon_session import LogonSession

OWNER = "owner"
"""Beside facts of Process: who looks at it needs to know which logon session owns the process."""


class Owner(NamedTuple):
    """The logon session that a process belongs to, and the evidence for it."""

    logon: str | None  # LogonId; None where it was not decided, could not be read, or is hidden from the caller
    evidence: str  # scope, audit, manager, none; unread, hidden, unasked
    login: Login | None = None  # the login record, where there is one


class LogonIndex(Protocol):
    """The logins of one moment, joined with the operating system's own keys: names owners."""

    @property
    def logins(self) -> Mapping[str, Login]:
        """Return the login records by LogonId."""
        ...

    @property
    def shared(self) -> Mapping[int, frozenset[str]]:
        """Return raw keys that several logins share, and the LogonIds that share each without owning it."""
        ...

    def owner(self, process: Process) -> Owner:
        """Return the owner of a process; needs the facts of ``Ownership.facts``."""
        ...

    def unknown_login(self, process: Process, owner: Owner) -> str | None:
        """Return the id of a login that the process names and that has no record here; None: there is none.

        It is asked where the owner has no login record: the broker then reads that one, and asks for the owner again.
        """
        ...

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        """Return the hint for a reading of these facts, of a selection, of logon sessions of these uids (None: any)."""
        ...

    def needs_more_than(self, hint: LogonHint) -> bool:
        """Return whether a reading by a hint made of older logins lacks a fact that decides here, or a process."""
        ...


class Ownership(Protocol):
    """The rules of one operating system."""

    facts: Facts
    """What LogonIndex.owner needs of a process."""
    describing: Facts
    """What ``describe`` needs of a member."""
    deciding_access: Facts
    """What login_uid and runs_as need of a process."""
    place: str
    """The fact that is the place of a process: it may name another's login."""
    placing: tuple[str, ...]
    """What betrays the logon session of a process: masked for callers who may not see it."""
    key_noun: str
    """What a raw key is called: "kernel id"."""
    system: Owner
    """The owner of everything that no login started."""

    def index(self, logins: Iterable[Login], machine: Machine) -> LogonIndex:
        """Join the login records of a host with the operating system's keys."""
        ...

    def speakers(self, processes: Iterable[Process]) -> frozenset[str] | None:
        """Return the ids of the login records that can speak for these processes; None: any can."""
        ...

    def is_decided(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        """Return whether these few records decide who owns the processes, so that no other record needs to be read."""
        ...

    def says_login_uid(self, process: Process, owner: Owner) -> bool:
        """Return whether this process alone says who logged in; else other members of its logon session may."""
        ...

    def login_uid(self, owner: Owner, members: Iterable[Process]) -> int | None:
        """Return the uid that logged in to the logon session of these members; None for the System session."""
        ...

    def is_recorded(self, owner: Owner) -> bool:
        """Return whether a login record describes a logon session; else all of its processes do."""
        ...

    def is_logged_out(self, owner: Owner, members: Iterable[Process]) -> bool | None:
        """Return whether a logon session's leader is gone; None where that cannot be told.

        Args:
            owner: the logon session.
            members: where no record describes it, all of its processes, with the facts of ``describing``.
        """
        ...

    def join_evidence(self, owner: Owner) -> str | None:
        """Return by what a login record was joined with its key; None where there is no record, or no key."""
        ...

    def generation(self, owner: Owner) -> int | None:
        """Return what tells a logon session from another to which the same LogonId was given; None: none ever is."""
        ...

    def strongest(self, owners: Iterable[Owner]) -> Owner:
        """Return the owner with the strongest evidence, of owners that name one logon session."""
        ...

    def describe(
        self,
        owner: Owner,
        members: Sequence[Process],
        machine: Machine,
        user: str | None,
        *,
        whole: bool = True,
        terminal_read: bool = True,
    ) -> "LogonSession":
        """Describe a logon session from its processes.

        Args:
            owner: the logon session, as the owner of any of its processes.
            members: its processes, with the facts of ``Ownership.describing``; of one without a record all of them, of
                others those below its leader are enough.
            machine: the host, for its clock.
            user: the account name of the login uid.
            whole: the members are all processes of the logon session, to be counted; else nothing is counted.
            terminal_read: the processes below the leader are among the members.
        """
        ...

    def logon_id(self, word: str) -> str | None:
        """Return the LogonId that a person means by a word: a number, the login service's own id, "system"."""
        ...

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        """Return whether a process runs as a uid: its real or effective uid, or ``wholly`` all of its uids."""
        ...

    def names_other(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether the place of a process names a login that is neither the owner's nor that uid's own."""
        ...

    def is_login_program(self, process: Process) -> bool:
        """Return whether a logon session can begin with this process: sshd, login, cron, ..."""
        ...

    def checks(self, machine: Machine) -> Iterator["Check"]:
        """Yield what a person should know about the evidence that a host gives."""
        ...

    def session_number(self, process: Process, owner: Owner) -> int | None:
        """Return Win32_Process.SessionId: 0 for the System session; None where there is none.

        Needs the facts of ``Ownership.facts``.
        """
        ...
