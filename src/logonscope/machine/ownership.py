"""Ownership of processes by logon sessions: the interface that the rules of an operating system implement.

Code above this interface does not know which facts connect a process with its login. An Ownership is chosen together
with the source. It is a pure function of facts, so that an old recording is answered by today's rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logonscope.facts import Login, Machine, Process, ServiceName
from logonscope.machine.queries import NO_FACTS, Facts, LogonHint
from logonscope.machine.selection import Selection

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.answers.logon_session import LogonSession

OWNER_FACT = "owner"
"""Used beside the names of facts of Process: the logon session that owns the process is needed."""


class Owner(NamedTuple):
    """The logon session that a process belongs to, and the evidence for it."""

    logon_id: str | None  # LogonId; None: not requested, not readable, or hidden from the caller
    evidence: str  # scope, audit, manager, none; unread, hidden, unasked
    login: Login | None = None  # the login record, where there is one


class LogonIndex(Protocol):
    """Index of the logins of one moment by the operating system's keys; finds the owner of each process."""

    @property
    def logins(self) -> Mapping[str, Login]:
        """Return the login records by LogonId."""
        ...

    @property
    def shared_keys(self) -> Mapping[int, frozenset[str]]:
        """Return the raw keys that several logins share, with the LogonIds that share each without owning it."""
        ...

    def owner(self, process: Process) -> Owner:
        """Return the owner of a process, which must have the facts of ``Ownership.owner_facts``."""
        ...

    def missing_login_id(self, process: Process, owner: Owner) -> str | None:
        """Return the id of the login that a process names and that is missing in this index; None: there is none.

        Called where the owner has no login record: the broker then reads that record and decides the owner again.
        """
        ...

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        """Return the hint for a query of these facts, for a selection and logon sessions of these uids (None: any)."""
        ...

    def is_insufficient_hint(self, hint: LogonHint) -> bool:
        """Return whether processes that were read by a hint of an older index lack a fact or a process needed here."""
        ...


class Ownership(Protocol):
    """The rules of one operating system."""

    owner_facts: Facts
    """Facts of a process that LogonIndex.owner needs."""
    description_facts: Facts
    """Facts of a member that ``describe`` needs."""
    access_facts: Facts
    """Facts of a process that login_uid and runs_as need."""
    place_fact: str
    """The fact that is the place of a process (Linux: cgroup). It can name a login of another user."""
    session_facts: tuple[str, ...]
    """Facts that reveal the logon session of a process: hidden from callers who may not see it."""
    key_noun: str
    """The name of a raw key in messages: "kernel id"."""
    system_owner: Owner
    """The owner of everything that no login started."""
    service_facts: Facts = NO_FACTS
    """Facts of a process that service_of needs."""

    def index(self, logins: Iterable[Login], machine: Machine) -> LogonIndex:
        """Make the index of the login records of a host."""
        ...

    def possible_login_ids(self, processes: Iterable[Process]) -> frozenset[str] | None:
        """Return the ids of the login records that can belong to the owners of these processes; None: any can."""
        ...

    def records_decide_owners(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        """Return whether these records alone decide the owners of the processes, so that no other record is needed."""
        ...

    def has_login_uid(self, process: Process, owner: Owner) -> bool:
        """Return whether this process alone shows the login uid; otherwise other members of its logon session may."""
        ...

    def login_uid(self, owner: Owner, members: Iterable[Process]) -> int | None:
        """Return the uid that logged in to the logon session of these members; None for the System session."""
        ...

    def has_record(self, owner: Owner) -> bool:
        """Return whether a logon session is described by a login record; otherwise by all of its processes."""
        ...

    def is_logged_out(self, owner: Owner, members: Iterable[Process]) -> bool | None:
        """Return whether the leader of a logon session is gone; None where that is not known.

        Args:
            owner: the logon session.
            members: where it has no record, all of its processes, with the facts of ``description_facts``.
        """
        ...

    def join_evidence(self, owner: Owner) -> str | None:
        """Return the evidence by which a login record was joined with its key; None without a record or a key."""
        ...

    def generation(self, owner: Owner) -> int | None:
        """Return a number that distinguishes logon sessions with the same LogonId; None: there are never two."""
        ...

    def strongest_owner(self, owners: Iterable[Owner]) -> Owner:
        """Return the owner with the strongest evidence among owners with the same LogonId."""
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
            members: its processes, with the facts of ``description_facts``: all of them where it has no record;
                with a record those below its leader are enough.
            machine: the host, for its clock.
            user: the account name of the login uid.
            whole: the members are all processes of the logon session, and are counted; otherwise nothing is.
            terminal_read: the processes below the leader are among the members.
        """
        ...

    def logon_id_of_word(self, word: str) -> str | None:
        """Return the LogonId for a word: a number, an id of the login service, or "system"; None for another word."""
        ...

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        """Return whether a process runs as a uid: by its real or effective uid, or ``wholly``, by all of its uids."""
        ...

    def names_other_login(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether the place of a process names a login other than the owner's and the manager of that uid."""
        ...

    def is_login_program(self, process: Process) -> bool:
        """Return whether a logon session can begin with this process: sshd, login, cron, ..."""
        ...

    def service_of(self, process: Process) -> ServiceName | None:
        """Return the service that a process belongs to; None where it belongs to none, or that is not known."""
        del process
        return None

    def checks(self, machine: Machine) -> Iterator["Check"]:
        """Yield the checks of ``logonscope doctor`` about the evidence on a host."""
        ...

    def session_number(self, process: Process, owner: Owner) -> int | None:
        """Return Win32_Process.SessionId: 0 for the System session; None where there is none.

        Needs the facts of ``Ownership.owner_facts``.
        """
        ...
