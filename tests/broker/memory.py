"""A host in memory: a source that gives just what it is asked for, and notes every query."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.broker import Caller, Request
from logonscope.facts import (
    FACTS_OF_FILE,
    Account,
    Authentication,
    Group,
    Login,
    LoginHistory,
    Machine,
    Process,
    Service,
    Socket,
    UnitRequest,
)
from logonscope.machine import AccountQuery, BaseSource, Look, Ownership, Part, ProcessQuery, SocketQuery, Source
from logonscope.machine.action import Action, ServiceAction
from logonscope.machine.snapshot import Snapshot
from logonscope.machine.source import matching_processes
from logonscope.ownership import LINUX

_TOGETHER = {fact: facts for facts in FACTS_OF_FILE.values() for fact in facts} | {"name": ("name", "comm")}
"""The facts of one file come together."""

_ALWAYS = {"pid", "unread"}


class Noted(NamedTuple):
    """The queries that a memory was asked, of each kind in their order."""

    processes: list[ProcessQuery]
    logins: list[frozenset[str] | None]
    accounts: list[AccountQuery]
    sockets: list[SocketQuery]
    parts: list[frozenset[Part]]

    @classmethod
    def nothing(cls) -> "Noted":
        """Return that no query was made yet."""
        return cls([], [], [], [], [])

    @property
    def pids(self) -> list[int]:
        """Return the pids that were asked for, query by query; a query for the whole host is an error."""
        asked: list[int] = []
        for query in self.processes:
            assert query.pids is not None, f"the whole host was read: {query}"
            asked.extend(query.pids)
        return asked


class Memory(BaseSource):
    """A source whose n-th reading of processes or logins sees the n-th of some snapshots; the last one stays."""

    label = "memory"
    abilities = frozenset({"act"})

    def __init__(self, *snapshots: Snapshot) -> None:
        self.asked = Noted.nothing()
        self.done: list[Action] = []
        self.done_to_services: list[ServiceAction] = []
        self._snapshots = snapshots
        self._readings = 0

    def request(self, caller: Caller, ownership: Ownership = LINUX) -> Request:
        """Return a question of a caller to this host."""
        return Request(self, ownership, caller)

    def forget(self) -> None:
        """Forget the queries that were made; what is read next is as late as it would have been."""
        self.asked = Noted.nothing()

    def _now(self, *, counted: bool = False) -> Snapshot:
        now = self._snapshots[min(self._readings, len(self._snapshots) - 1)]
        self._readings += counted
        return now

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        self.asked.parts.append(parts)
        for trouble in self._now().troubles:
            look.report(trouble)
        return self._now().machine

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Give the facts that are asked for, and those that come with them; follow every hint and the early filter."""
        look.check()
        if query.with_ancestors:
            return self._read_lineage(look, query)
        self.asked.processes.append(query)
        now = self._now(counted=True)
        for trouble in now.troubles:
            look.report(trouble)
        found = matching_processes(now.processes, look, query)
        if query.early_filter is not None:
            keeps, first = query.early_filter.keeps, query.early_filter.facts
            found = (process for process in found if keeps(_with(first, process, query)))
        return (_with(query.facts, process, query) for process in found)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        self.asked.logins.append(ids)
        now = self._now(counted=True)
        for trouble in now.troubles:
            look.report(trouble)
        return [login for login in now.logins if ids is None or login.id in ids]

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        self.asked.accounts.append(query)
        return super().accounts(look, query)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        self.asked.sockets.append(query)
        return super().sockets(look, query)

    def read_services(self, look: Look) -> Iterable[Service]:
        del look
        return self._now().services

    def read_login_history(self, look: Look) -> Iterable[LoginHistory]:
        del look
        return self._now().login_history

    def read_unit_requests(self, look: Look) -> Iterable[UnitRequest]:
        del look
        return self._now().unit_requests

    def act_on_service(self, action: ServiceAction) -> None:
        self.done_to_services.append(action)

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return self._now().users

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return self._now().groups

    def read_authentications(self, look: Look) -> Iterable[Authentication]:
        del look
        return self._now().authentications

    def read_sockets(self, look: Look) -> Iterable[Socket]:
        del look
        return self._now().sockets

    def act(self, action: Action) -> None:
        self.done.append(action)


def _with(asked: Iterable[str], process: Process, query: ProcessQuery) -> Process:
    """Return a process with the facts that are asked for, and those that come with them."""
    hint = query.logon_hint
    facts = {fact for one in asked for fact in _TOGETHER.get(one, (one,))} | _ALWAYS
    if hint.login_uids is not None:
        facts.add("loginuid")
    if hint.kernel_ids is not None or "loginuid" in facts:
        facts.add("ses")
    if query.names is not None:
        facts |= {"name", "comm"}
    forgotten: dict[str, Any] = dict.fromkeys(set(Process._fields) - facts)
    if (
        hint.kernel_ids_needing_cgroup is not None
        and process.ses is not None
        and process.ses not in hint.kernel_ids_needing_cgroup
    ):
        forgotten["cgroup"] = None
    if process.unread:
        forgotten["unread"] = {fact: why for fact, why in process.unread.items() if fact in facts} or None
    return process._replace(**forgotten)


def asking(ask: Callable[[Request], object], memory: Memory, caller: Caller) -> Noted:
    """Ask something and return what the source was asked for."""
    memory.forget()
    ask(memory.request(caller))
    return memory.asked


def source_of(snapshot: Snapshot) -> Source:
    """Return a source that looks like this."""
    return Memory(snapshot)
