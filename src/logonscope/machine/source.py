"""Sources of facts: the interface, and a base class that filters what a source reads.

A new source implements the ``read_`` methods that it can, and inherits the queries from the base class. A source that
can read less for a query overrides that query. A source that passes queries on to another source (LiveSource,
ReadingRecorder) has no facts of its own: it overrides each query that would call a ``read_`` method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from logonscope.errors import NotSupportedError
from logonscope.facts import (
    UNIX,
    UNSET,
    Account,
    Group,
    HeldSockets,
    Login,
    Machine,
    Process,
    Service,
    Socket,
)
from logonscope.machine.look import Look
from logonscope.machine.queries import (
    AccountQuery,
    AuthenticationQuery,
    Membership,
    MembershipGroup,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
)

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.facts import Authentication, LoginHistory, UnitRequest
    from logonscope.machine.action import Action, ServiceAction
    from logonscope.machine.events import Event, EventReader
    from logonscope.machine.history import History

Ability = Literal["act", "events"]
Part = Literal["platform", "vitals", "hardware"]

NO_PARTS: frozenset[Part] = frozenset()
HELD_SOCKETS_FACTS = frozenset({"comm", "start", "uids", "sockets"})
MAX_CHAIN_LENGTH = 1000
"""Maximum number of processes in a chain (a process and its ancestors). More distant ancestors are left out."""


class Source(Protocol):
    """The facts of a machine. Queries can come from several threads; each query gets the Look of its request."""

    label: str
    partial: str | None
    """The reason why this source has only a part of the host (such as a recording of one user's sessions); None: it has
    the whole host.
    """
    abilities: frozenset[Ability]
    """What the source supports besides queries: ``act`` for actions on processes and services, ``events`` for events.

    Without an ability, the methods that need it raise NotSupportedError; ``resumed_reader`` returns None instead.
    """
    service_checks: "Sequence[Callable[[], Iterable[Check]]]"
    """Functions that return checks of the parts of the service, for ``logonscope doctor``."""
    history: "History | None"
    """What happened on the host; None: no history is kept."""
    is_recording: bool
    """Whether the source is a recording, which never has a history."""

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        """Return the facts of the machine itself; ``platform``, ``vitals`` and ``hardware`` only if among the parts."""
        ...

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Yield processes as they are read; a process that ends during its reading is left out.

        Raises:
            ServerTooBusyError: no more files can be opened.
            TimedOutError: the deadline of the look has passed.
        """
        ...

    def memberships(self, look: Look, query: ProcessQuery) -> Iterator[Membership]:
        """Yield the membership of each process; leave out a process whose membership could not be read.

        Args:
            look: the deadline and the troubles of the request.
            query: has the facts of ``Ownership.owner_facts``. Its only filter may be a logon hint.
        """
        ...

    def membership_groups(self, look: Look, query: ProcessQuery) -> Iterator[MembershipGroup]:
        """Yield ``memberships`` in groups. The processes of a group have the same kernel id and location."""
        ...

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        """Return the logins with these ids (None: all); ``recorded`` is False for a login whose record is lost."""
        ...

    def account(self, look: Look, uid: int) -> Account | None:
        """Return the account of a uid; None where there is none, or the name service does not answer."""
        ...

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        """Return the accounts and the groups that the query requests."""
        ...

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        """Return the sockets of the reader's network namespace, or of all namespaces if the query says so.

        A failure is reported to the look as a Trouble with the subject SOCKETS.
        """
        ...

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        """Return the TCP sockets of these processes, by pid.

        A process that cannot be read is left out. A process without sockets may be left out.
        """
        ...

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> "Sequence[Authentication]":
        """Return what sshd logged about these logins, in the order of the log; nothing if there is no log."""
        ...

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        """Return the services of the system's service manager, not those of user managers."""
        ...

    def login_history(self, look: Look) -> "Iterator[LoginHistory]":
        """Return what each database of past logins has about each account."""
        ...

    def unit_requests(self, look: Look) -> "Iterator[UnitRequest]":
        """Return the requests that led to the last start of each unit, as far as a log shows them."""
        ...

    def act_on_service(self, action: "ServiceAction") -> None:
        """Perform an action on a service.

        Raises:
            ProcessLookupError: there is no such service.
            PermissionError: EACCES: the uid of the action has no right to it. EPERM: systemd has masked the unit.
            TimeoutError: the action is not done yet.
            OSError: the action failed for another reason; EOPNOTSUPP: this service does not support the action.
            NotSupportedError: the source is read-only.
        """
        ...

    def act(self, action: "Action") -> None:
        """Perform an action on a process.

        Raises:
            ProcessLookupError: the process is gone.
            PermissionError: the kernel does not allow the action for its uid.
            OSError: the action failed for another reason.
            NotSupportedError: the source is read-only.
        """
        ...

    def events(self, after: int | None = None) -> Iterator["Event"]:
        """Yield events as they happen, after the event with this number (None: from now on).

        The iterator blocks until the next event. EventsLost is yielded for a gap. Close the iterator to end it.
        """
        ...

    def event_reader(self, after: int | None = None) -> "EventReader":
        """Return a reader of the events after the event with this number, with details of processes and logins.

        ``after`` None: from now on.
        """
        ...

    def resumed_reader(self, position: int) -> "EventReader | None":
        """Return a reader of the events after a position (``EventHead.position``) of this run of the service.

        None: some of these events are no longer in memory.
        """
        ...

    def at(self, moment: datetime) -> "Source":
        """Return the source of the same host as it was at a moment."""
        ...

    def hiding_reason(self) -> str | None:
        """Return why processes of other users cannot be seen, such as a mount option of /proc; None: all can."""
        ...

    def checks(self, look: Look) -> Iterator["Check"]:
        """Yield the checks of ``logonscope doctor`` about the way in which the source gets its facts."""
        ...

    def close(self) -> None:
        """Release the resources of the source: threads, descriptors, connections."""
        ...


class AccountLookup(Protocol):
    """The accounts of a source for one request: each uid is looked up at most once."""

    def get(self, uid: int) -> Account | None:
        """Return the account of a uid; None where there is none, or the name service does not answer."""
        ...

    def name(self, uid: int | None) -> str | None:
        """Return the account name of a uid; None where there is none."""
        ...

    def login_names(self, names: frozenset[str]) -> frozenset[str]:
        """Return the names that logins of the accounts with these names can have.

        These are the names of the accounts, and the first name of each of their uids.
        """
        ...

    def login_name(self, uid: int | None, login: Login | None) -> str | None:
        """Return the user name of a login uid: the name of its account.

        If the uid has no account, the name is that of the login record, or None. If several accounts have the uid, and
        one of them has the name of the login record, that name is returned.
        """
        ...


class BaseSource(ABC):
    """A source whose queries filter what its ``read_`` methods return; only ``read_machine`` must be implemented."""

    label = ""
    partial: str | None = None
    abilities: frozenset[Ability] = frozenset()
    service_checks: "Sequence[Callable[[], Iterable[Check]]]" = ()
    history: "History | None" = None
    is_recording = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"

    @abstractmethod
    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        """Return the facts of the machine itself."""

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        """Return processes with at least the facts of the query; the filters and hints of the query may be ignored."""
        del look, query
        return ()

    def read_logins(self, look: Look) -> Iterable[Login]:
        """Return every login."""
        del look
        return ()

    def read_users(self, look: Look) -> Iterable[Account]:
        """Return every account."""
        del look
        return ()

    def read_groups(self, look: Look) -> Iterable[Group]:
        """Return every group."""
        del look
        return ()

    def read_sockets(self, look: Look) -> Iterable[Socket]:
        """Return every socket."""
        del look
        return ()

    def read_services(self, look: Look) -> Iterable[Service]:
        """Return every service of the system's manager."""
        del look
        return ()

    def read_login_history(self, look: Look) -> "Iterable[LoginHistory]":
        """Return what each database of past logins has about each account."""
        del look
        return ()

    def read_unit_requests(self, look: Look) -> "Iterable[UnitRequest]":
        """Return the requests that led to the last start of each unit, as far as a log shows them."""
        del look
        return ()

    def read_authentications(self, look: Look) -> "Iterable[Authentication]":
        """Return everything that sshd logged about authentications, in the order of the log."""
        del look
        return ()

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        """Return the facts of the machine itself, with the requested parts."""
        look.check()
        machine = self.read_machine(look, parts)
        return machine._replace(
            platform=machine.platform if "platform" in parts else None,
            vitals=machine.vitals if "vitals" in parts else None,
            hardware=machine.hardware if "hardware" in parts else None,
        )

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Return the processes of ``read_processes`` that match the query, or one process and its ancestors."""
        look.check()
        if query.with_ancestors:
            return self._read_lineage(look, query)
        return matching_processes(self.read_processes(look, query), look, query)

    def memberships(self, look: Look, query: ProcessQuery) -> Iterator[Membership]:
        """Return the memberships of ``processes``."""
        groups = groups_of_processes(self.processes(look, query))
        return ((pid, kernel_id, location) for kernel_id, location, (pid,) in groups)

    def membership_groups(self, look: Look, query: ProcessQuery) -> Iterator[MembershipGroup]:
        """Yield each of ``memberships`` as a group of its own."""
        return groups_of_processes(self.processes(look, query))

    def _read_lineage(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Yield one process and its ancestors, nearest first.

        If the name or the arguments of a process cannot be read, neither is requested for its ancestors: each read of
        arguments can hang, and a name is completed from the arguments.
        """
        (pid,) = query.pids or (0,)
        facts, seen_pids = query.facts | {"ppid"}, set[int]()
        while pid and pid not in seen_pids and len(seen_pids) < MAX_CHAIN_LENGTH:
            process_query = query._replace(facts=facts, pids=frozenset({pid}), with_ancestors=False)
            # a subclass that overrides ``processes`` may return more than the requested process
            processes = self.processes(look, process_query)
            process = next((process for process in processes if process.pid == pid), None)
            if process is None:
                return
            yield process
            if {"name", "cmdline"}.intersection(process.unread or ()):
                facts -= {"name", "cmdline"}
            # a recording can contain a cycle of parents
            seen_pids.add(pid)
            pid = process.ppid or 0

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        """Return the logins of ``read_logins`` that have these ids."""
        look.check()
        return tuple(login for login in self.read_logins(look) if ids is None or login.id in ids)

    def account(self, look: Look, uid: int) -> Account | None:
        """Return the first of ``read_users`` with this uid."""
        look.check()
        return next((account for account in self.read_users(look) if account.uid == uid), None)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        """Return the accounts of ``read_users`` and the groups of ``read_groups`` that match the query."""
        look.check()
        users: Iterator[Account] = iter(())
        groups: Iterator[Group] = iter(())
        if query.users is not None:
            users = look.checked(matching_users(self.read_users(look), query))
        if query.groups is not None or query.groups_of is not None:
            groups = look.checked(matching_groups(self.read_groups(look), self.read_users(look), query))
        return users, groups

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        """Return the sockets of ``read_sockets`` that match the query."""
        look.check()
        return look.checked(matching_sockets(self.read_sockets(look), query))

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        """Return the TCP sockets of these processes, as far as they are among ``read_sockets``."""
        look.check()
        if not pids:
            return {}
        tcp_sockets = [socket for socket in self.read_sockets(look) if socket.protocol.startswith("tcp")]
        ports = frozenset(socket.port for socket in tcp_sockets if socket.state == "LISTEN")
        by_inode = {socket.inode: socket for socket in tcp_sockets}
        query = ProcessQuery(HELD_SOCKETS_FACTS, pids=pids)
        return {
            process.pid: HeldSockets(
                process, tuple(by_inode[inode] for inode in process.sockets or () if inode in by_inode), ports
            )
            for process in self.processes(look, query)
        }

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> "Sequence[Authentication]":
        """Return those of ``read_authentications`` that the processes of the queries logged."""
        look.check()
        pids = {pid for query in queries for pid in query.pids}
        return [line for line in self.read_authentications(look) if line.pid in pids] if pids else ()

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        """Return the services of ``read_services`` that match the query."""
        look.check()
        return look.checked(matching_services(self.read_services(look), query))

    def login_history(self, look: Look) -> "Iterator[LoginHistory]":
        """Return what ``read_login_history`` returns."""
        look.check()
        return look.checked(self.read_login_history(look))

    def unit_requests(self, look: Look) -> "Iterator[UnitRequest]":
        """Return what ``read_unit_requests`` returns."""
        look.check()
        return look.checked(self.read_unit_requests(look))

    def act_on_service(self, action: "ServiceAction") -> None:
        """Raise NotSupportedError: the source is read-only."""
        del action
        raise NotSupportedError(
            "actions are not supported on this host: it is read-only", "connect to the machine itself"
        )

    def act(self, action: "Action") -> None:
        """Raise NotSupportedError: the source is read-only."""
        del action
        raise NotSupportedError(
            "actions are not supported on this host: it is read-only", "connect to the machine itself"
        )

    def events(self, after: int | None = None) -> Iterator["Event"]:
        """Raise NotSupportedError: the source has no events."""
        del after
        raise NotSupportedError(f"events are not supported by {self.label}", "connect to the machine itself")

    def event_reader(self, after: int | None = None) -> "EventReader":
        """Raise NotSupportedError: the source has no events."""
        del after
        raise NotSupportedError(f"events are not supported by {self.label}", "watch the machine itself")

    def resumed_reader(self, position: int) -> "EventReader | None":
        """Return None: the source keeps no events."""
        del position
        return None

    def at(self, moment: datetime) -> Source:
        """Return the source of the host as it was at a moment.

        Raises:
            NotSupportedError: no history of the host is kept.
            NotFoundError: nothing was recorded at that moment.
        """
        if self.history is None:
            raise no_history_error(self)
        return self.history.at(moment, self)

    def hiding_reason(self) -> str | None:
        """Return why processes of other users cannot be seen; None: all can."""
        return None

    def checks(self, look: Look) -> Iterator["Check"]:
        """Yield nothing: the source has nothing to check."""
        del look
        return iter(())

    def close(self) -> None:  # noqa: B027 -- most sources have no resources
        """Release the resources of the source."""


def groups_of_processes(processes: Iterable[Process]) -> Iterator[MembershipGroup]:
    """Yield for each process a group of its own; leave out a process whose membership could not be read."""
    for process in processes:
        # Without a kernel id, the cgroup decides. A process whose cgroup could not be read is left out. A source that
        # never has cgroups reports no fact as unread: its processes are not left out.
        kernel_id = process.ses
        if (kernel_id is not None and kernel_id != UNSET) or process.cgroup is not None or not process.unread:
            yield kernel_id, process.cgroup, (process.pid,)


def no_history_error(source: Source) -> NotSupportedError:
    """Return the error for a host whose history is not kept, or cannot be read."""
    if source.is_recording:
        return NotSupportedError(f"no history found: {source.label} is a recording", "query the machine itself")
    return NotSupportedError(
        "no history found",
        "to keep one, run `logonscope serve` on this host with history = true (if it is kept but the service is "
        "stopped, only root can read it: use sudo)",
    )


def matching_processes(processes: Iterable[Process], look: Look, query: ProcessQuery) -> Iterator[Process]:
    """Return the processes that match the pids, the names and the logon hint of a query.

    ``may_run_as`` and the early filter are not applied: they save readings, but here all facts are read already. The
    broker filters the rows again.
    """
    checked_processes = look.checked(processes)
    if query.pids is None and query.names is None and not query.logon_hint.narrows:
        return checked_processes
    return _filter_processes(checked_processes, query)


def _filter_processes(processes: Iterable[Process], query: ProcessQuery) -> Iterator[Process]:
    pids = query.pids
    may_match = query.logon_hint.may_match if query.logon_hint.narrows else None
    names = None if query.names is None else {name.lower() for name in query.names}
    for process in processes:
        if pids is not None and process.pid not in pids:
            continue
        if may_match is not None and not may_match(process.ses, process.loginuid):
            continue
        if names is None or (process.name or "").lower() in names or (process.comm or "").lower() in names:
            yield process


def matching_users(users: Iterable[Account], query: AccountQuery) -> Iterator[Account]:
    """Return the accounts that match a query."""
    if query.users is None:
        return iter(())
    if query.users == "ALL":
        return iter(users)
    names = _lower_names(query.users)
    return (user for user in users if user.name.lower() in names)


def matching_groups(groups: Iterable[Group], users: Iterable[Account], query: AccountQuery) -> Iterator[Group]:
    """Yield the groups that a query names, and the groups of the accounts in ``groups_of``."""
    if query.groups == "ALL":
        yield from groups
        return
    names, member_names = _lower_names(query.groups or ()), _lower_names(query.groups_of or ())
    members = [user for user in users if user.name.lower() in member_names] if member_names else []
    user_names, primary_gids = {user.name for user in members}, {user.gid for user in members}
    for group in groups:
        if group.name.lower() in names or group.gid in primary_gids or user_names.intersection(group.members):
            yield group


def matching_sockets(sockets: Iterable[Socket], query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that match a query."""
    for socket in sockets:
        if (socket.protocol == UNIX) != (query.family == "unix"):
            continue
        if socket.namespace_pid is not None and not query.all_namespaces:
            continue
        if query.paths is not None and socket.path not in query.paths:
            continue
        if query.ports is not None and socket.port not in query.ports:
            continue
        if query.inodes is None or socket.inode in query.inodes:
            yield socket


def _lower_names(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def matching_services(services: Iterable[Service], query: ServiceQuery) -> Iterator[Service]:
    """Return the services that match a query."""
    if query.names is None:
        return iter(services)
    names = _lower_names(query.names)
    return (service for service in services if service.name.lower() in names)
