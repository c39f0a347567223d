"""Request: one question of one caller to one source. Every operation reads the machine through it.

``read`` gives processes with their owners, as far as the caller may see them, in one of three orders:

- "logins first": login records first, processes while they are iterated. For rows that are processes. A login that
  appears meanwhile is read once one of its processes turns up.
- "processes first": processes first, so that no logon session lacks its login record. For rows that are logon sessions.
- by pid, where the query names pids: those processes, and the few login records that can speak for them. The cost does
  not grow with the host.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from logonscope.broker.access import Caller, Visibility, admit
from logonscope.broker.session_selector import SessionFilter, Which, select, selected_login_uids
from logonscope.facts import Account, Login, Machine, Process
from logonscope.machine import (
    OWNER,
    AccountLookup,
    EarlyFilter,
    Facts,
    LogonIndex,
    Look,
    Owner,
    Ownership,
    ProcessQuery,
    Selection,
    Source,
)
from logonscope.machine.identity import logon_guid

if TYPE_CHECKING:
    from logonscope.cim.schema import Schema
    from logonscope.providers.helpers.provider import Context

MOST_ROUNDS = 3
"""How often processes are read again because logins began to share a key while they were read."""

UNASKED = Owner(None, "unasked")
"""Placeholder owner of a process whose owner is not wanted."""

Owned = tuple[Process, Owner]
"""A process and its owner, HIDDEN where the caller may not see the logon session."""

Order = Literal["logins first", "processes first"]


class OwnedFilter(NamedTuple):
    """A filter on processes as the caller sees them: facts (OWNER where it looks at the owner), and a predicate."""

    facts: Facts
    keeps: Callable[[Process, Owner], bool]


class OwnedProcesses(NamedTuple):
    """What was read: processes with their owners, to be iterated once, and the index that named the owners."""

    pairs: Iterable[Owned]
    logons: LogonIndex


class Request:
    """One question: who asks, whom, by which rules, with which schema, and how long it may take."""

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        caller: Caller,
        look: Look | None = None,
        schema: "Schema | None" = None,
    ) -> None:
        self.source = source
        self.ownership = ownership
        self.caller = caller
        self.look = look or Look()
        self._logged_out: dict[str, bool | None] = {}  # of logon sessions without a record, by LogonId
        self._guids: dict[tuple[str | None, int | None], str | None] = {}
        if schema is not None:
            self.schema = schema

    def __repr__(self) -> str:
        return f"<Request to {self.source.label} by {self.caller.name}>"

    def admit(self) -> None:
        """Let the caller in.

        Raises:
            AccessDeniedError: it is not authenticated.
        """
        admit(self.caller)

    def with_source(self, source: Source) -> "Request":
        """Return the same question to another source."""
        return Request(source, self.ownership, self.caller, self.look, self.schema)

    @cached_property
    def schema(self) -> "Schema":
        """Return the classes that the question can name; loaded when it first names one."""
        from logonscope.cim.schema import schema  # noqa: PLC0415 -- questions about logins need no classes

        return schema()

    @cached_property
    def visibility(self) -> Visibility:
        """Return what the caller sees.

        Raises:
            AccessDeniedError: it is not authenticated.
        """
        return Visibility(self.caller, self.ownership)

    @property
    def sees_everything(self) -> bool:
        """Return whether the caller sees every logon session, and the source holds the whole host."""
        return self.visibility.everything and self.source.partial is None

    @cached_property
    def machine(self) -> Machine:
        """Return the host."""
        return self.source.machine(self.look)

    @cached_property
    def accounts(self) -> AccountLookup:
        """Return the host's accounts by uid."""
        return Accounts(self.source, self.look)

    @property
    def context(self) -> "Context":
        """Return what the columns of providers may need besides their item."""
        from logonscope.providers.helpers.provider import Context  # noqa: PLC0415 -- questions about logins need no classes

        return Context(self.machine, self.accounts, self.ownership, self)

    @property
    def host_name(self) -> str:
        """Return the name of the host, as __SERVER has it."""
        from logonscope.providers.helpers.host import computer_name  # noqa: PLC0415 -- the same

        return computer_name(self.machine)

    def read(
        self,
        query: ProcessQuery,
        which: Which = None,
        *,
        order: Order = "logins first",
        early: OwnedFilter | None = None,
        foreign: bool = False,
        strays: bool = True,
        owners: bool = True,
    ) -> OwnedProcesses:
        """Read processes with their owners.

        Args:
            query: the facts; its pids and names narrow the reading.
            which: only processes of these logon sessions.
            order: what is read first, unless the query names pids.
            early: processes that this filter rules out may be left out; nothing but its facts is read of them.
            foreign: processes that the caller may not see are there too, with what identifies them alone.
            strays: the caller's processes in logon sessions that it may not see are wanted too; else they may be left
                out.
            owners: the owners are wanted; else they are named only where what the caller sees depends on them.

        Raises:
            AccessDeniedError: the caller is not authenticated.
        """
        if not (owners or _names_sessions(which)) and self.visibility.is_open(query.facts, foreign=foreign):
            return self._without_owners(query, early)
        if query.pids is not None:
            return self._by_pid(query, which, foreign=foreign)
        if order == "processes first":
            return self._processes_first(query, which, early, strays=strays)
        return self._logins_first(query, which, early, foreign=foreign)

    def read_masked(self, query: ProcessQuery) -> Iterator[Process]:
        """Read processes without deciding who owns them: what is not wholly the caller's is without its details."""
        visibility, facts = self.visibility, self.visibility.deciding(query.facts)
        found = self.source.processes(self.look, query._replace(facts=facts))
        return (visibility.masked(process, query.facts) for process in found)

    def read_process(self, pid: int, facts: Facts) -> Process | None:
        """Read one process with the facts that decide about access, unmasked; None where there is none."""
        asked = ProcessQuery(self.visibility.deciding(facts), pids=frozenset({pid}))
        return next(self.source.processes(self.look, asked), None)

    def index_for(self, *processes: Process) -> LogonIndex:
        """Return the index of the few login records that can speak for these processes; of all where those do not."""
        ids = self.ownership.speakers(processes)
        if ids is None:
            return self.ownership.index(self.source.logins(self.look), self.machine)
        few = self.source.logins(self.look, ids) if ids else ()
        if ids and not self.ownership.is_decided(processes, few):
            few = self.source.logins(self.look)
        return self.ownership.index(few, self.machine)

    def is_left(self, owner: Owner) -> bool | None:
        """Return whether a process of this logon session is left over; None where that cannot be told.

        Of a logon session without a record that takes all of its processes: they are read once for all such sessions.
        """
        if owner.logon is None:
            return None
        if self.ownership.is_recorded(owner):
            return self.ownership.is_logged_out(owner, ())
        if owner.logon not in self._logged_out:
            # the first is asked for by itself; where there is a second one, there will be more
            self._note_unrecorded(None if self._logged_out else Selection(logon_ids=frozenset({owner.logon})))
        return self._logged_out.setdefault(owner.logon, None)

    def logon_guid(self, owner: Owner) -> str | None:
        """Return the GUID of a logon session; None where it has none, or where the caller may not see it."""
        key = owner.logon, self.ownership.generation(owner)
        if owner.logon is not None and key not in self._guids:
            self._guids[key] = logon_guid(self.machine, owner.logon, key[1])
        return self._guids.get(key)

    def note_members(self, owner: Owner, members: Iterable[Process]) -> None:
        """Remember, for ``is_left``, what all processes of a logon session without a record tell."""
        if owner.logon is not None:
            self._logged_out[owner.logon] = self.ownership.is_logged_out(owner, members)

    def _note_unrecorded(self, which: Which) -> None:
        """Read the processes of logon sessions without a record, and note what they tell."""
        is_recorded = self.ownership.is_recorded
        early = OwnedFilter(frozenset({OWNER}), lambda _, owner: not is_recorded(owner))
        pairs = self.read(ProcessQuery(self.ownership.describing), which, early=early).pairs
        for members in by_logon(pairs).values():
            owner = members[0][1]
            if not is_recorded(owner):
                self.note_members(owner, [process for process, _ in members])

    def _without_owners(self, query: ProcessQuery, early: OwnedFilter | None) -> OwnedProcesses:
        facts = query.facts
        if query.pids is not None:
            asked = query._replace(facts=facts | {"tgid"})
            found: Iterator[Process] = filter(_is_no_thread, self.source.processes(self.look, asked))
        else:
            filtered = None if early is None else self._open_filter(early)
            found = self.source.processes(self.look, query._replace(early=filtered))
        if not self.visibility.everything:
            identity = self.visibility.identity
            found = (identity(process, facts) for process in found)
        return OwnedProcesses(((process, UNASKED) for process in found), self.ownership.index((), self.machine))

    def _open_filter(self, early: OwnedFilter) -> EarlyFilter:
        """Return a filter for the source whose answer does not depend on who owns a process."""
        keeps, identity, facts = early.keeps, self.visibility.identity, early.facts - {OWNER}
        if self.visibility.everything:
            return EarlyFilter(facts, lambda process: keeps(process, UNASKED))
        return EarlyFilter(facts, lambda process: keeps(identity(process, facts), UNASKED))

    def _by_pid(self, query: ProcessQuery, which: Which, *, foreign: bool) -> OwnedProcesses:
        asked = self.visibility.deciding(query.facts) | self.ownership.facts | {"tgid"}
        if _names_sessions(which):
            asked |= self.ownership.deciding_access
        found = [*filter(_is_no_thread, self.source.processes(self.look, query._replace(facts=asked)))]
        return self._kept(found, self.index_for(*found), query.facts, which, foreign=foreign)

    def _kept(
        self, found: Iterable[Process], index: LogonIndex, facts: Facts, which: Which, *, foreign: bool = False
    ) -> OwnedProcesses:
        """Return what the caller sees of processes that were read, as far as it is meant."""
        sessions = self._session_filter(select(which, self.ownership, index), which)
        view = self.visibility.view
        pairs = filter(None, (view(process, index.owner(process), facts, foreign=foreign) for process in found))
        return OwnedProcesses([pair for pair in pairs if sessions is None or sessions.keeps(*pair)], index)

    def _logins_first(
        self, query: ProcessQuery, which: Which, early: OwnedFilter | None, *, foreign: bool
    ) -> OwnedProcesses:
        owners = _LearningIndex(self, self.source.logins(self.look))
        selection = select(which, self.ownership, owners.index)
        sessions = self._session_filter(selection, which)
        visibility, facts = self.visibility, query.facts

        def visible(process: Process) -> Owned | None:
            pair = visibility.view(process, owners.owner(process), facts, foreign=foreign)
            return None if pair is None or not (sessions is None or sessions.keeps(*pair)) else pair

        asked = self._narrowed(query, selection, owners.index, strays=True)
        found = self.source.processes(
            self.look,
            asked._replace(early=self._early_filter(early, visible, foreign=foreign, narrowed=sessions is not None)),
        )
        if visibility.everything and sessions is None:
            return OwnedProcesses(owners.pairs(found), owners.index)
        return OwnedProcesses(filter(None, map(visible, found)), owners.index)

    def _early_filter(
        self,
        early: OwnedFilter | None,
        visible: Callable[[Process], Owned | None],
        *,
        foreign: bool,
        narrowed: bool,
    ) -> EarlyFilter | None:
        """Build the filter passed to the source: the predicate, on what the caller sees, plus the session selection.

        Owners are named only where one of them depends on them.
        """
        if early is None and not narrowed:
            return None
        facts = early.facts - {OWNER} if early else frozenset()
        if early and not narrowed and OWNER not in early.facts and self.visibility.is_open(facts, foreign=foreign):
            return self._open_filter(early)

        def keeps(process: Process) -> bool:
            pair = visible(process)
            return pair is not None and (early is None or early.keeps(*pair))

        return EarlyFilter(self.visibility.deciding(facts) | self.ownership.facts, keeps)

    def _processes_first(
        self, query: ProcessQuery, which: Which, early: OwnedFilter | None, *, strays: bool
    ) -> OwnedProcesses:
        index = self.ownership.index(self.source.logins(self.look), self.machine)
        for _ in range(MOST_ROUNDS):
            selection = select(which, self.ownership, index)
            asked = self._narrowed(query, selection, index, strays=strays)
            sessions = self._session_filter(selection, which)
            if sessions is not None or early is not None:
                facts = self.ownership.facts | (early.facts - {OWNER} if early else frozenset())
                asked = asked._replace(early=EarlyFilter(facts, _PossibleMembers(sessions, early, index).keeps))
            found = list(self.source.processes(self.look, asked))
            index = self.ownership.index(self.source.logins(self.look), self.machine)
            if not index.needs_more_than(asked.hint):
                break
        return self._kept(found, index, query.facts, which)

    def _narrowed(self, query: ProcessQuery, selection: Selection, index: LogonIndex, *, strays: bool) -> ProcessQuery:
        """Return the query with the facts that decide about owners and access, and the hint of what is wanted."""
        uids = selected_login_uids(selection, index, self.source, self.look)
        uids = self.visibility.login_uids(uids) if not strays or selection.names_sessions else None
        facts = self.visibility.deciding(query.facts)
        return query._replace(facts=facts | self.ownership.facts, hint=index.hint(query.facts, selection, uids))

    def _session_filter(self, selection: Selection, which: Which) -> SessionFilter | None:
        """Return the filter by logon session; None where any is wanted."""
        if not selection.names_sessions:
            return None
        return SessionFilter(selection, self.ownership, self.accounts, to_the_letter=isinstance(which, str))


def by_logon(pairs: Iterable[Owned]) -> dict[str, list[Owned]]:
    """Group processes by their logon sessions; those without one that the caller may see are left out."""
    members: dict[str, list[Owned]] = {}
    for process, owner in pairs:
        if owner.logon is not None:
            members.setdefault(owner.logon, []).append((process, owner))
    return members


class Accounts:
    """The accounts of a source, by uid: see AccountLookup."""

    def __init__(self, source: Source, look: Look) -> None:
        self._source, self._look = source, look
        self._known: dict[int, Account | None] = {}

    def get(self, uid: int) -> Account | None:
        """Return the account of a uid."""
        if uid not in self._known:
            self._known[uid] = self._source.account(self._look, uid)
        return self._known[uid]

    def name(self, uid: int | None) -> str | None:
        """Return the account name of a uid."""
        account = None if uid is None else self.get(uid)
        return account and account.name


class _LearningIndex:
    """Names owners; reads the record of a login when a process names one that is not known yet."""

    def __init__(self, request: Request, logins: Iterable[Login]) -> None:
        self._request = request
        self._records = {login.id: login for login in logins}
        self._asked: set[str] = set()
        self.index = request.ownership.index(self._records.values(), request.machine)

    def owner(self, process: Process) -> Owner:
        """Return the owner of a process."""
        owner = self.index.owner(process)
        return self._learned(process, owner) if owner.login is None else owner

    def pairs(self, processes: Iterable[Process]) -> Iterator[Owned]:
        """Yield each process with its owner."""
        decide = self.index.owner
        for process in processes:
            owner = decide(process)
            if owner.login is None:
                owner, decide = self._learned(process, owner), self.index.owner
            yield process, owner

    def _learned(self, process: Process, owner: Owner) -> Owner:
        """Return the owner of a process whose login has no record, as far as is known."""
        login_id = self.index.unknown_login(process, owner)
        if login_id is None or login_id in self._asked:
            return owner
        self._asked.add(login_id)
        new = self._request.source.logins(self._request.look, frozenset({login_id}))
        if not new:
            return owner
        self._records.update({login.id: login for login in new})
        self.index = self._request.ownership.index(self._records.values(), self._request.machine)
        return self.index.owner(process)


class _PossibleMembers:
    """Keeps processes that belong to a selection now, or may once the login records are read again."""

    def __init__(self, sessions: SessionFilter | None, early: OwnedFilter | None, index: LogonIndex) -> None:
        self._sessions, self._early, self._index = sessions, early, index

    def keeps(self, process: Process) -> bool:
        """Return whether a process may be kept."""
        owner = self._index.owner(process)
        if self._index.unknown_login(process, owner) is not None:
            return True
        if self._early is not None and not self._early.keeps(process, owner):
            return False
        return self._sessions is None or self._sessions.keeps(process, owner)


def _names_sessions(which: Which) -> bool:
    return which.names_sessions if isinstance(which, Selection) else which is not None


def _is_no_thread(process: Process) -> bool:
    """Return whether an id is that of a process; /proc has one for each thread too."""
    return process.tgid is None or process.tgid == process.pid
