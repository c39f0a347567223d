"""Source: somewhere that facts come from, and the base class that filters what a source reads.

A new source implements the ``read_`` methods that it can, and gets every query from the base class. A source that can
narrow its reading by itself overrides the query.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from logonscope.errors import NotSupportedError
from logonscope.facts import Account, Group, Login, Machine, Process, Socket
from logonscope.machine.look import Look
from logonscope.machine.queries import AccountQuery, ProcessQuery, SocketQuery

if TYPE_CHECKING:
    from logonscope.machine.action import Action
    from logonscope.machine.events import Event

Ability = Literal["act", "events", "at"]
Part = Literal["platform", "vitals"]

NO_PARTS: frozenset[Part] = frozenset()
LONGEST_CHAIN = 1000
"""Parents that are followed: a longer chain is cut at the far end."""


class Source(Protocol):
    """A machine's facts. Queries may be made from several threads; each gets the Look of its question."""

    label: str
    partial: str | None
    """Why it does not hold the whole host; None: it does."""
    abilities: frozenset[Ability]
    """What else than queries it answers; anything else raises NotSupportedError."""

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        """Return the host; its ``platform`` and ``vitals`` only where they are among the parts."""
        ...

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Yield processes as they are read; one that ends half way is left out.

        Raises:
            ServerTooBusyError: no more files can be opened.
            TimedOutError: the look's time is over.
        """
        ...

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        """Return the login records with these ids, remembered ones included; None: every one."""
        ...

    def account(self, look: Look, uid: int) -> Account | None:
        """Return the account of a uid; None where no name service knows it, or none answers."""
        ...

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        """Return accounts and groups as they are read."""
        ...

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        """Return the sockets of the reader's network namespace."""
        ...

    def act(self, action: "Action") -> None:
        """Do something to a process.

        Raises:
            ProcessLookupError: the process is gone.
            PermissionError: the kernel does not let that uid do it.
            OSError: it failed otherwise.
            NotSupportedError: nothing can be done to this host.
        """
        ...

    def events(self, since: int | None = None) -> Iterator["Event"]:
        """Yield events as they happen, from a cursor on; blocks. Closing the iterator ends it; a gap is Lost."""
        ...

    def at(self, moment: datetime) -> "Source":
        """Return the source of the same host as it was at a moment."""
        ...

    def close(self) -> None:
        """Give back what the source holds: threads, descriptors, connections."""
        ...


class AccountLookup(Protocol):
    """The accounts of a source by uid, as one question sees them: each is looked up at most once."""

    def get(self, uid: int) -> Account | None:
        """Return the account of a uid; None where no name service knows it, or none answers."""
        ...

    def name(self, uid: int | None) -> str | None:
        """Return the account name of a uid; None where there is none."""
        ...


class BaseSource(ABC):
    """A source whose queries filter what its ``read_`` methods give; all but the machine may stay unimplemented."""

    label = ""
    partial: str | None = None
    abilities: frozenset[Ability] = frozenset()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label}>"

    @abstractmethod
    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        """Return the host."""

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        """Return processes with at least the facts of the query; what it narrows may be ignored."""
        del look, query
        return ()

    def read_logins(self, look: Look) -> Iterable[Login]:
        """Return every login record."""
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

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        """Return the host, with the parts that are asked for."""
        look.check()
        machine = self.read_machine(look, parts)
        return machine._replace(
            platform=machine.platform if "platform" in parts else None,
            vitals=machine.vitals if "vitals" in parts else None,
        )

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Yield the processes of ``read_processes`` that the query names."""
        look.check()
        if query.parents:
            return self._lineage(look, query)
        return matching_processes(self.read_processes(look, query), look, query)

    def _lineage(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Yield one process and its ancestors; where the arguments of one hang, those of the others are not tried."""
        (pid,) = query.pids or (0,)
        facts, seen = query.facts | {"ppid"}, set[int]()
        while pid and pid not in seen and len(seen) < LONGEST_CHAIN:
            one = query._replace(facts=facts, pids=frozenset({pid}), parents=False)
            process = next(self.processes(look, one), None)
            if process is None:
                return
            yield process
            if {"name", "cmdline"}.intersection(process.unread or ()):
                facts -= {"name", "cmdline"}
            seen.add(pid)
            pid = process.ppid or 0

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        """Return those of ``read_logins`` that have these ids."""
        look.check()
        return tuple(login for login in self.read_logins(look) if ids is None or login.id in ids)

    def account(self, look: Look, uid: int) -> Account | None:
        """Return the first of ``read_users`` with this uid."""
        look.check()
        return next((account for account in self.read_users(look) if account.uid == uid), None)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        """Return those of ``read_users`` and ``read_groups`` that the query names."""
        look.check()
        users: Iterator[Account] = iter(())
        groups: Iterator[Group] = iter(())
        if query.users is not None:
            users = look.timed(matching_users(self.read_users(look), query))
        if query.groups is not None or query.groups_of is not None:
            groups = look.timed(matching_groups(self.read_groups(look), self.read_users(look), query))
        return users, groups

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        """Return those of ``read_sockets`` that the query names."""
        look.check()
        return look.timed(matching_sockets(self.read_sockets(look), query))

    def act(self, action: "Action") -> None:
        """Refuse."""
        del action
        raise NotSupportedError("nothing can be done to this host", "it only tells; ask the machine itself")

    def events(self, since: int | None = None) -> Iterator["Event"]:
        """Refuse."""
        del since
        raise NotSupportedError(f"{self.label} has no events", "ask the host itself")

    def at(self, moment: datetime) -> Source:
        """Refuse."""
        del moment
        raise NotSupportedError(f"{self.label} keeps no history", "ask a host that does")

    def close(self) -> None:  # noqa: B027 -- most sources hold nothing
        """Give back what the source holds."""


def matching_processes(processes: Iterable[Process], look: Look, query: ProcessQuery) -> Iterator[Process]:
    """Return the processes that a query names. Its early filter is skipped: all facts are at hand."""
    timed = look.timed(processes)
    if query.pids is None and query.names is None and not query.hint.narrows:
        return timed
    return _narrowed(timed, query)


def _narrowed(processes: Iterable[Process], query: ProcessQuery) -> Iterator[Process]:
    pids, may_be = query.pids, query.hint.may_be if query.hint.narrows else None
    names = None if query.names is None else {name.lower() for name in query.names}
    for process in processes:
        if pids is not None and process.pid not in pids:
            continue
        if may_be is not None and not may_be(process.ses, process.loginuid):
            continue
        if names is None or (process.name or "").lower() in names or (process.comm or "").lower() in names:
            yield process


def matching_users(users: Iterable[Account], query: AccountQuery) -> Iterator[Account]:
    """Yield the accounts that a query names."""
    if query.users is None:
        return iter(())
    if query.users == "ALL":
        return iter(users)
    names = _folded(query.users)
    return (user for user in users if user.name.lower() in names)


def matching_groups(groups: Iterable[Group], users: Iterable[Account], query: AccountQuery) -> Iterator[Group]:
    """Yield the groups that a query names, or that belong to accounts which it names."""
    if query.groups == "ALL":
        yield from groups
        return
    names, member_names = _folded(query.groups or ()), _folded(query.groups_of or ())
    members = [user for user in users if user.name.lower() in member_names] if member_names else []
    user_names, primary = {user.name for user in members}, {user.gid for user in members}
    for group in groups:
        if group.name.lower() in names or group.gid in primary or user_names.intersection(group.members):
            yield group


def matching_sockets(sockets: Iterable[Socket], query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that a query names."""
    for socket in sockets:
        if query.ports is not None and socket.port not in query.ports:
            continue
        if query.inodes is None or socket.inode in query.inodes:
            yield socket


def _folded(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}
