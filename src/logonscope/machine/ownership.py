"""Ownership of processes by logon sessions: the interface that the rules of an operating system implement.

Code above this interface does not know which facts connect a process with its login. An Ownership is chosen together
with the source. It consists of pure functions of facts, so that the present rules also apply to an old recording.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logonscope.facts import Container, HeldSockets, Login, Machine, Process, ServiceName
from logonscope.machine.queries import NO_FACTS, Facts, LogonHint
from logonscope.machine.selection import Selection

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.answers.logon_session import LogonSession
    from logonscope.answers.whose import UnseenLogin
    from logonscope.facts import Authentication

OWNER_FACT = "owner"
"""A pseudo-fact, used like the name of a fact of Process: it requests the logon session that owns the process."""


class Owner(NamedTuple):
    """The logon session that a process belongs to, and the evidence for it."""

    logon_id: str | None  # LogonId; None: not requested, not readable, or hidden from the caller
    evidence: str  # scope, audit, manager, none; unread, hidden, not requested, reported: see docs/glossary.md
    login: Login | None = None  # the login; if login.recorded is False, the login service has no record of it


class LogonContainer(NamedTuple):
    """Where a logon session began. If ``is_foreign``, its uids do not belong to this host."""

    is_foreign: bool = False
    container: Container | None = None


class Leader(NamedTuple):
    """The process that logged in: the facts that are needed to find its connection and its authentication."""

    pid: int
    parent: int | None = None  # pid
    start: int | None = None  # in clock ticks since the boot; None: it has ended, or was not read
    # the earliest time at which the login service can have recorded the login, in clock ticks since the boot; None: it
    # is not known
    recorded_at: int | None = None


class LogonIndex(Protocol):
    """Index of the logins of one moment by kernel ids; finds the owner of each process."""

    @property
    def logins(self) -> Mapping[str, Login]:
        """Return the logins by LogonId."""
        ...

    @property
    def shared_kernel_ids(self) -> Mapping[int, frozenset[str]]:
        """Return kernel id -> LogonIds of the logins that carry it without owning it."""
        ...

    def owner(self, process: Process) -> Owner:
        """Return the owner of a process, which must have the facts of ``Ownership.owner_facts``."""
        ...

    def logon_id_of_kernel_id(self, kernel_id: int | None) -> str | None:
        """Return the LogonId of the processes with a kernel id; None: the location of the processes decides, too."""
        ...

    def missing_login_id(self, process: Process, owner: Owner) -> str | None:
        """Return the id of the login that a process names and that is missing in this index; None: there is none."""
        ...

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        """Return the hint for a source: which processes are needed, and which of these need their location read.

        Args:
            facts: the requested facts.
            selection: the requested logon sessions.
            login_uids: only logon sessions of these login uids are requested; None: any.
        """
        ...

    def is_insufficient_hint(self, hint: LogonHint) -> bool:
        """Return whether a reading with this older hint left out facts or processes that this index needs."""
        ...


class Ownership(Protocol):
    """The rules of one operating system."""

    owner_facts: Facts
    """Facts of a process that LogonIndex.owner needs."""
    description_facts: Facts
    """Facts of a member of a logon session that ``describe`` needs."""
    access_facts: Facts
    """Facts of a process that ``login_uid``, ``runs_as``, ``is_foreign_uid`` and ``may_be_foreign`` need."""
    root_fact: str
    """The fact of the first process that ``logon_container`` needs if ``needs_root_directory`` returns True."""
    location_fact: str
    """The fact that locates a process in the tree of services and logins (Linux: cgroup); it can name another login
    than the owner, even a login of another user."""
    session_facts: tuple[str, ...]
    """Facts that reveal the logon session of a process. Callers who may not see this session do not get them."""
    kernel_id_noun: str
    """The name of a kernel id in messages: "kernel id"; Windows calls it LUID."""
    system_owner: Owner
    """The owner of everything that no login started."""
    service_facts: Facts = NO_FACTS
    """Facts of a process that service_of needs."""

    def index(self, logins: Iterable[Login], machine: Machine) -> LogonIndex:
        """Make the index of the logins of a host."""
        ...

    def possible_login_ids(self, processes: Iterable[Process]) -> frozenset[str] | None:
        """Return the ids of the login records that can belong to the owners of these processes; None: any can."""
        ...

    def records_decide_owners(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        """Return whether these records alone decide the owners of the processes, so that no other record is needed."""
        ...

    def has_login_uid(self, process: Process, owner: Owner) -> bool:
        """Return whether this process shows the login uid; if not, other processes of its logon session may."""
        ...

    def login_uid(self, owner: Owner, members: Iterable[Process]) -> int | None:
        """Return the uid that logged in to the logon session of these members; None: System session, or not known."""
        ...

    def has_record(self, owner: Owner) -> bool:
        """Return whether the logon session has a record. The System session counts as recorded."""
        ...

    def is_logged_out(self, owner: Owner, members: Iterable[Process]) -> bool | None:
        """Return whether the leader of a logon session is gone; None where that is not known.

        Args:
            owner: the logon session.
            members: if it has no record, all of its processes, with the facts of ``description_facts``.
        """
        ...

    def join_evidence(self, owner: Owner) -> str | None:
        """Return the evidence that joins the login with its kernel id; None if it has no kernel id."""
        ...

    def logon_id_generation(self, owner: Owner) -> int | None:
        """Return a number that distinguishes logon sessions with the same LogonId; None: not needed, or not known."""
        ...

    def strongest_owner(self, owners: Iterable[Owner]) -> Owner:
        """Return the owner by which a logon session is described, among owners with the same LogonId."""
        ...

    def describe(
        self,
        owner: Owner,
        members: Sequence[Process],
        machine: Machine,
        user: str | None,
        *,
        members_are_complete: bool = True,
        terminal_read: bool = True,
    ) -> "LogonSession":
        """Describe a logon session from its processes.

        Args:
            owner: the logon session, as the owner of any of its processes.
            members: its processes, with the facts of ``description_facts``. Without a record, all of them; with a
                record, the processes below the leader are enough.
            machine: the host, for its clock and its identity.
            user: the account name of the login uid.
            members_are_complete: the members are all processes of the logon session. If False, they are not counted:
                the numbers of processes and of leftovers are None.
            terminal_read: the processes below the leader are among the members, so that its terminal is known.
        """
        ...

    def network_leader(self, owner: Owner, members: Sequence[Process]) -> Leader | None:
        """Return the leader of a logon session that came over a network.

        None: the logon session did not come over a network, or its leader is unknown. The arguments are as in
        ``describe``.
        """
        ...

    def with_origin(self, session: "LogonSession", leader: Leader, held_sockets: HeldSockets | None) -> "LogonSession":
        """Return a logon session with the address and the port of the client that its leader is connected with."""
        ...

    def with_authentication(
        self, session: "LogonSession", leader: Leader, lines: "Iterable[Authentication]"
    ) -> "LogonSession":
        """Return a logon session with the authentication of its leader, if one of the lines belongs to it."""
        ...

    def parse_logon_id(self, word: str) -> str | None:
        """Return the LogonId for a number, an id of the login service, or "system"; None for any other word."""
        ...

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        """Return whether the real or effective uid of a process is this uid.

        With ``wholly``: whether the real, effective and saved uid are all this uid.
        """
        ...

    def container(self, process: Process, machine: Machine) -> Container | None:
        """Return the container that a process is in; None: it is in no container."""
        ...

    def is_foreign_uid(self, process: Process, uid: int | None, machine: Machine) -> bool:
        """Return whether a uid of a process belongs to its container, not to this host."""
        ...

    def may_be_foreign(self, process: Process, owner: Owner, machine: Machine) -> bool:
        """Return whether the logon session of a process may be foreign, so that its uids are not those of this host.

        If True, ``logon_container`` decides by the first process of the logon session.
        """
        ...

    def first_process(self, members: Iterable[Process]) -> Process | None:
        """Return the first process of a logon session, among its members; None: the start of no member is known."""
        ...

    def needs_root_directory(self, process: Process, machine: Machine) -> bool:
        """Return whether ``logon_container`` needs the root fact of this first process."""
        ...

    def logon_container(self, owner: Owner, first: Process, machine: Machine) -> LogonContainer:
        """Return where a logon session began, by its first process."""
        ...

    def names_other_login(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether ``location_fact`` names another login than the owner's and the user manager of ``uid``."""
        ...

    def is_login_program(self, process: Process) -> bool:
        """Return whether a logon session can begin with this process: sshd, login, cron, ..."""
        ...

    def service_of(self, process: Process) -> ServiceName | None:
        """Return the service that a process belongs to; None: it belongs to no service, or that is not known."""
        del process
        return None

    def unseen_logins(
        self,
        owner: Owner,
        chain: Sequence[Process],
        machine: Machine,
        read_service_command: Callable[[], str | None] | None = None,
    ) -> tuple["UnseenLogin", ...]:
        """Return the signs that a user logged in without the kernel's knowledge.

        Args:
            owner: the logon session of the process.
            chain: the process, preceded by its parents, with the facts of ``description_facts``.
            machine: the host.
            read_service_command: returns the command line of the service that the process belongs to. It is called
                only if the signs depend on this command line.
        """
        ...

    def checks(self, machine: Machine) -> Iterator["Check"]:
        """Yield the checks of ``logonscope doctor`` about the evidence on a host."""
        ...

    def session_number(self, process: Process, owner: Owner) -> int | None:
        """Return Win32_Process.SessionId: 0 for the System session; None: there is no such number.

        Needs the facts of ``Ownership.owner_facts``.
        """
        ...
