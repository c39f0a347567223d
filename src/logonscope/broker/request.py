"""Request: the source, ownership rules, caller and deadline of one operation.

All functions of the broker read the machine through a Request. Its method ``read`` returns processes with their owners,
as far as the caller may see them, in one of four ways (the first two are a ``ReadOrder``):

- "logins first": first the login records, then processes while they are iterated. For rows that are processes. A login
  that appears in the meantime is read when one of its processes is read.
- "processes first": first the processes, so that no logon session lacks its login record. For rows that are logon
  sessions.
- by pid, if the query names pids: those processes, and the few login records that can belong to their owners. The cost
  does not grow with the number of processes on the host.
- without owners, if neither the rows, the selection nor the access checks need owners: only the processes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from logonscope.broker.access import HIDDEN, NOT_REQUESTED, Caller, Visibility, admit
from logonscope.broker.foreign import ForeignProcesses
from logonscope.broker.learning_index import LearningIndex, LogonGroup, PossibleMembers
from logonscope.broker.session_selector import SessionFilter, Which, select_sessions, selected_login_uids
from logonscope.facts import Account, Container, Login, Machine, Process
from logonscope.machine import (
    OWNER_FACT,
    AccountLookup,
    AccountQuery,
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
from logonscope.providers.helpers.text import command_line

if TYPE_CHECKING:
    from logonscope.cim.schema import Schema
    from logonscope.providers.helpers.provider import Context

MAX_ROUNDS = 3
"""Maximum number of readings of the processes: they are read again if the logon hint left out what new logins need."""

MAX_PICKS = 64
"""Maximum number of sets of facts for which the result of ``_pick_facts`` is kept."""

MAX_GUIDS = 1024
"""Maximum number of logon sessions whose GUIDs are kept."""

MAX_PARENTS = 1000
"""Maximum number of parents whose command lines are kept; each has at most 32,767 characters."""

ProcessWithOwner = tuple[Process, Owner]
"""A process and its owner; HIDDEN if the caller may not see the logon session, NOT_REQUESTED if none was determined."""

ReadOrder = Literal["logins first", "processes first"]


class ProcessOwnerFilter(NamedTuple):
    """A filter on processes and their owners, and the facts that it reads (OWNER_FACT if it reads the owner).

    With the read order "logins first", it gets processes as they are masked for the caller. With "processes first", it
    is called before access is checked: it gets a process without facts, and the real owner.
    """

    facts: Facts
    keeps: Callable[[Process, Owner], bool]


class ReadResult(NamedTuple):
    """The result of a reading: processes with their owners, to be iterated once, and the index that determined them."""

    pairs: Iterable[ProcessWithOwner]
    logon_index: LogonIndex


class Request:
    """What one operation of one caller needs: source, ownership rules, caller, schema and deadline.

    It keeps the facts of the machine and the accounts, so that an operation never sees two values of one of these.
    """

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
        self._parents: dict[int, tuple[int | None, str | None]] = {}  # start and command line by pid
        if schema is not None:
            self.schema = schema

    def __repr__(self) -> str:
        return f"<Request to {self.source.label} by {self.caller.name}>"

    def admit(self) -> None:
        """Reject the caller if it is not authenticated.

        Raises:
            AccessDeniedError: the caller is not authenticated.
        """
        admit(self.caller)

    def with_source(self, source: Source) -> "Request":
        """Return the same request to another source."""
        return Request(source, self.ownership, self.caller, self.look, self.schema)

    @cached_property
    def schema(self) -> "Schema":
        """Return the CIM schema; loaded at first use."""
        from logonscope.cim.schema import schema  # noqa: PLC0415 -- requests about logins need no classes

        return schema()

    @property
    def loaded_schema(self) -> "Schema | None":
        """Return the CIM schema if it was given or is loaded already, for another request to the same host."""
        return cast("Schema | None", self.__dict__.get("schema"))

    @cached_property
    def visibility(self) -> Visibility:
        """Return what the caller may see.

        Raises:
            AccessDeniedError: the caller is not authenticated.
        """
        return Visibility(self.caller, self.ownership, self.foreign)

    @cached_property
    def foreign(self) -> ForeignProcesses:
        """Return the lookup of foreign uids and logon sessions."""
        return ForeignProcesses(self)

    @property
    def sees_whole_host(self) -> bool:
        """Return whether the caller sees all of a source that holds the whole host. It decides no access."""
        return self.visibility.may_see_everything and self.source.partial is None

    @cached_property
    def machine(self) -> Machine:
        """Return the facts of the machine itself."""
        return self.source.machine(self.look)

    @cached_property
    def accounts(self) -> AccountLookup:
        """Return the accounts of the host, by uid."""
        return Accounts(self.source, self.look)

    @property
    def context(self) -> "Context":
        """Return the context that provider columns may need besides their item."""
        from logonscope.providers.helpers.provider import Context  # noqa: PLC0415 -- requests about logins need no classes

        return Context(self.machine, self.accounts, self.ownership, self)

    @property
    def host_name(self) -> str:
        """Return the name of the host, as in __SERVER."""
        from logonscope.providers.helpers.host import server_name  # noqa: PLC0415 -- requests about logins need no classes

        return server_name(self.machine)

    def read(
        self,
        query: ProcessQuery,
        which: Which = None,
        *,
        read_order: ReadOrder = "logins first",
        process_filter: ProcessOwnerFilter | None = None,
        include_hidden: bool = False,
        include_own_in_sessions_of_others: bool = True,
        with_owners: bool = True,
    ) -> ReadResult:
        """Read processes with their owners.

        Args:
            query: the facts to read; its pids and names narrow the reading.
            which: return only processes of these logon sessions; None: of all.
            read_order: what is read first, the login records or the processes, unless the query names pids.
            process_filter: a filter that is applied before the other facts of a process are read. It may be ignored.
                With "processes first", its facts must be {OWNER_FACT}, and processes with hidden owners are left out.
            include_hidden: also return processes that the caller may not see, with their identity facts only.
                "processes first" ignores it.
            include_own_in_sessions_of_others: also return the caller's processes in logon sessions of other users; if
                False, they may be left out.
            with_owners: determine the owners. If False, they are determined only if ``which`` names logon sessions, or
                if some facts of the query are masked for the caller. Otherwise each owner is NOT_REQUESTED.

        Raises:
            AccessDeniedError: the caller is not authenticated.
            TimedOutError: by the call, or while the pairs are iterated: the deadline has passed.
        """
        # To determine owners takes more files of each process, and the login records. This is skipped if neither the
        # rows nor the selection need owners, and the caller may see, of every process, the facts that the query names.
        is_needed = with_owners or _names_sessions(which)
        if not is_needed and self.visibility.shows_all(query.facts, include_hidden=include_hidden):
            return self._read_without_owners(query, process_filter)
        # Pids narrow the reading more than any order can: to their processes, and the records of possible owners.
        if query.pids is not None:
            return self._read_by_pid(query, which, include_hidden=include_hidden)
        # A login record describes a logon session: the record must not be older than the processes of the session.
        if read_order == "processes first":
            return self._read_processes_first(
                query, which, process_filter, include_own_in_sessions_of_others=include_own_in_sessions_of_others
            )
        # Rows that are processes are streamed: the records are read first, so that no process has to be kept.
        return self._read_logins_first(query, which, process_filter, include_hidden=include_hidden)

    def read_members(self, owner: Owner, facts: Facts) -> list[Process]:
        """Read the processes of a logon session, as far as the caller may see them; none if its LogonId is None."""
        if owner.logon_id is None:
            return []
        selection = Selection(logon_ids=frozenset({owner.logon_id}))
        read_result = self.read(
            ProcessQuery(facts), selection, read_order="processes first", include_own_in_sessions_of_others=False
        )
        return [process for process, _ in read_result.pairs]

    def pid_pairs(self) -> Iterator[tuple[int, str]]:
        """Return pid and LogonId of every process whose logon session the caller may see."""
        return ((pid, logon_id) for logon_id, pids in self.logon_groups() for pid in pids)

    def logon_groups(self, logon_ids: frozenset[str] | None = None) -> Iterator[LogonGroup]:
        """Return LogonId and pids of the logon sessions that the caller may see; with ``logon_ids``, only of these."""
        selection = Selection(logon_ids=logon_ids)
        if self.visibility.may_see_everything:
            return LearningIndex(self, self.source.logins(self.look)).logon_groups(selection)
        pairs = self.read(ProcessQuery(), selection).pairs
        return ((owner.logon_id, (process.pid,)) for process, owner in pairs if owner.logon_id is not None)

    def read_masked(self, query: ProcessQuery) -> Iterator[Process]:
        """Read processes without their owners; their details are masked as in ``Visibility.masked``."""
        visibility, facts = self.visibility, self.visibility.with_access_facts(query.facts)
        processes = self.read_unmasked(query._replace(facts=facts))
        return (visibility.masked(process, query.facts) for process in processes)

    def read_unmasked(self, query: ProcessQuery) -> Iterator[Process]:
        """Read the processes of a query without their owners, unmasked."""
        processes = self.source.processes(self.look, query)
        if query.pids is None or query.with_ancestors:
            return processes
        # a source may return more than the query names, and the calling functions rely on the pids
        pids = query.pids
        return filter(lambda process: process.pid in pids, processes)

    def read_process(self, pid: int, facts: Facts) -> Process | None:
        """Read one process, unmasked, with the facts that decide about access; None if there is no such process."""
        query = ProcessQuery(self.visibility.with_access_facts(facts), pids=frozenset({pid}))
        return next(self.read_unmasked(query), None)

    def index_for(self, *processes: Process) -> LogonIndex:
        """Return an index that determines the owners of these processes, made of as few login records as possible."""
        ids = self.ownership.possible_login_ids(processes)
        if ids is None:
            return self.ownership.index(self.source.logins(self.look), self.machine)
        records = self.source.logins(self.look, ids) if ids else ()
        # if logins with other records can own these processes, too, all records are needed
        if ids and not self.ownership.records_decide_owners(processes, records):
            records = self.source.logins(self.look)
        return self.ownership.index(records, self.machine)

    def is_leftover(self, owner: Owner) -> bool | None:
        """Return whether the processes of this logon session are leftovers; None if unknown.

        A logon session without a record is judged by all of its processes. Two readings are enough to judge all such
        logon sessions of a request. For a logon session that began after these readings, another reading is made.
        """
        if owner.logon_id is None:
            return None
        if self.ownership.has_record(owner):
            return self.ownership.is_logged_out(owner, ())
        if owner.logon_id not in self._logged_out:
            # The first such logon session is read alone, the second with all others: a reading reads every process.
            self._read_unrecorded(None if self._logged_out else Selection(logon_ids=frozenset({owner.logon_id})))
        return self._logged_out.setdefault(owner.logon_id, None)

    def logon_guid(self, owner: Owner) -> str | None:
        """Return the GUID of a logon session; None if it has none, or if the caller may not see it."""
        key = owner.logon_id, self.ownership.logon_id_generation(owner)
        if owner.logon_id is not None and key not in self._guids:
            if len(self._guids) >= MAX_GUIDS:
                self._guids.clear()
            self._guids[key] = logon_guid(self.machine, owner.logon_id, key[1])
        return self._guids.get(key)

    def parent_command_line(self, process: Process) -> str | None:
        """Return the command line of the parent of a process; None if there is none that the caller may see.

        Needs ``ppid`` and ``start``. What was read of a parent is kept for its other children.
        """
        if not process.ppid:
            return None
        if process.ppid not in self._parents:
            if len(self._parents) == MAX_PARENTS:
                self._parents.clear()
            # read like any other process: what the caller may not see is masked, and the reading has a timeout
            query = ProcessQuery(frozenset({"cmdline", "start"}), pids=frozenset({process.ppid}))
            parent = next((parent for parent, _ in self.read(query).pairs), None)
            text = command_line(parent.cmdline) if parent is not None else None
            self._parents[process.ppid] = (parent.start if parent is not None else None), text
        start, text = self._parents[process.ppid]
        # if a parent started after its child, the real parent has ended, and its pid was reused
        return text if start is not None and process.start is not None and start <= process.start else None

    def user_name(self, process: Process, owner: Owner) -> str | None:
        """Return the account name of a process's effective uid; None: not known, or the uid has none on this host."""
        uid = process.uids[1] if process.uids else None
        return None if self.foreign.is_foreign_uid(process, owner, uid) else self.accounts.name(uid)

    def container(self, process: Process) -> Container | None:
        """Return the container that a process is in; None if it is in none."""
        return self.ownership.container(process, self.machine)

    def note_logged_out(self, owner: Owner, members: Iterable[Process]) -> None:
        """Store for ``is_leftover`` whether a logon session without a record, with these members, is logged out."""
        if owner.logon_id is not None:
            self._logged_out[owner.logon_id] = self.ownership.is_logged_out(owner, members)

    def _read_unrecorded(self, which: Which) -> None:
        """Read the logon sessions without a record, and store for each whether it is logged out."""
        unrecorded = ProcessOwnerFilter(frozenset({OWNER_FACT}), self._is_unrecorded)
        pairs = self.read(ProcessQuery(self.ownership.description_facts), which, process_filter=unrecorded).pairs
        for members in group_by_logon_id(pairs).values():
            owner = members[0][1]
            if not self.ownership.has_record(owner):
                self.note_logged_out(owner, [process for process, _ in members])

    def _is_unrecorded(self, process: Process, owner: Owner) -> bool:
        del process
        return not self.ownership.has_record(owner)

    def _read_without_owners(self, query: ProcessQuery, process_filter: ProcessOwnerFilter | None) -> ReadResult:
        facts = query.facts
        if query.pids is not None:
            # /proc/TID exists for the threads of a process too, though no listing shows it
            pid_query = query._replace(facts=facts | {"tgid"})
            processes: Iterator[Process] = filter(_is_no_thread, self.read_unmasked(pid_query))
        else:
            source_filter = None if process_filter is None else self._build_ownerless_filter(process_filter)
            processes = self.source.processes(self.look, query._replace(early_filter=source_filter))
        if not self.visibility.may_see_everything:
            identity = self.visibility.identity
            processes = (identity(process, facts) for process in processes)
        pairs = ((process, NOT_REQUESTED) for process in processes)
        return ReadResult(pairs, self.ownership.index((), self.machine))

    def _build_ownerless_filter(self, process_filter: ProcessOwnerFilter) -> EarlyFilter:
        """Build the early filter, for the source, from a filter that needs no owners."""
        facts = process_filter.facts - {OWNER_FACT}
        return EarlyFilter(facts, _OwnerlessFilter(process_filter.keeps, self.visibility, facts).keeps)

    def _read_by_pid(self, query: ProcessQuery, which: Which, *, include_hidden: bool) -> ReadResult:
        facts = self.visibility.with_access_facts(query.facts) | self.ownership.owner_facts | {"tgid"}
        if _names_sessions(which):
            # to select a logon session by its user needs these facts; with_access_facts() adds none for administrators
            facts |= self.ownership.access_facts
        processes = [*filter(_is_no_thread, self.read_unmasked(query._replace(facts=facts)))]
        index = self.index_for(*processes)
        return self._select_visible(processes, index, query.facts, which, include_hidden=include_hidden)

    def _select_visible(
        self,
        processes: Iterable[Process],
        index: LogonIndex,
        facts: Facts,
        which: Which,
        *,
        include_hidden: bool = False,
    ) -> ReadResult:
        """Return the processes that the caller may see and that belong to the selected logon sessions."""
        session_filter = self._session_filter(select_sessions(which, self.ownership, index, self.accounts), which)
        view = self.visibility.view
        views = (view(process, index.owner(process), facts, include_hidden=include_hidden) for process in processes)
        pairs = filter(None, views)
        return ReadResult([pair for pair in pairs if session_filter is None or session_filter.keeps(*pair)], index)

    def _read_logins_first(
        self, query: ProcessQuery, which: Which, process_filter: ProcessOwnerFilter | None, *, include_hidden: bool
    ) -> ReadResult:
        learning_index = LearningIndex(self, self.source.logins(self.look))
        selection = select_sessions(which, self.ownership, learning_index.index, self.accounts)
        session_filter = self._session_filter(selection, which)
        # the filter may read facts that the query does not name: they are masked, too
        filter_facts = process_filter.facts - {OWNER_FACT} if process_filter else frozenset()
        visibility, facts = self.visibility, query.facts | filter_facts

        def visible_pair(process: Process) -> ProcessWithOwner | None:
            pair = visibility.view(process, learning_index.owner(process), facts, include_hidden=include_hidden)
            if pair is None or session_filter is None or session_filter.keeps(*pair):
                return pair
            return None

        narrowed_query = self._narrow_query(
            query, selection, learning_index.index, include_own_in_sessions_of_others=True
        )
        early_filter = self._build_early_filter(
            process_filter, visible_pair, include_hidden=include_hidden, selects_sessions=session_filter is not None
        )
        processes = self.source.processes(self.look, narrowed_query._replace(early_filter=early_filter))
        # the most frequent case: nothing is masked or left out, so a shorter loop is enough
        if visibility.may_see_everything and session_filter is None:
            return ReadResult(learning_index.pairs(processes), learning_index.index)
        return ReadResult(filter(None, map(visible_pair, processes)), learning_index.index)

    def _build_early_filter(
        self,
        process_filter: ProcessOwnerFilter | None,
        visible_pair: Callable[[Process], ProcessWithOwner | None],
        *,
        include_hidden: bool,
        selects_sessions: bool,
    ) -> EarlyFilter | None:
        """Build the filter passed to the source: the predicate on the masked process, plus the session selection.

        None if there is neither. Owners are determined only if the predicate or the selection needs owners, or if facts
        of the predicate are masked for the caller.
        """
        if process_filter is None and not selects_sessions:
            return None
        facts = process_filter.facts - {OWNER_FACT} if process_filter else frozenset()
        reads_owner = selects_sessions or process_filter is None or OWNER_FACT in process_filter.facts
        if process_filter and not reads_owner and self.visibility.shows_all(facts, include_hidden=include_hidden):
            return self._build_ownerless_filter(process_filter)

        # The predicate sees the process as the caller does. On the unmasked process, WHERE CommandLine LIKE '...' would
        # reveal, by the rows that it returns, what the caller may not read.
        def keeps(process: Process) -> bool:
            pair = visible_pair(process)
            return pair is not None and (process_filter is None or process_filter.keeps(*pair))

        return EarlyFilter(self.visibility.with_access_facts(facts) | self.ownership.owner_facts, keeps)

    def _read_processes_first(
        self,
        query: ProcessQuery,
        which: Which,
        process_filter: ProcessOwnerFilter | None,
        *,
        include_own_in_sessions_of_others: bool,
    ) -> ReadResult:
        # the filter runs before access is checked: with other facts, it would reveal what the caller may not read
        if process_filter is not None and process_filter.facts != {OWNER_FACT}:
            raise ValueError(f"a filter before access is checked may read the owner only: {process_filter.facts}")
        # These records are older than the processes, and serve only to narrow the reading.
        index = self.ownership.index(self.source.logins(self.look), self.machine)
        # to call Process(*values) would be slower, because it takes each value as an argument
        make = tuple.__new__
        for _ in range(MAX_ROUNDS):
            selection = select_sessions(which, self.ownership, index, self.accounts)
            narrowed_query = self._narrow_query(
                query, selection, index, include_own_in_sessions_of_others=include_own_in_sessions_of_others
            )
            session_filter = self._session_filter(selection, which)
            if session_filter is not None or process_filter is not None:
                possible_members = PossibleMembers(session_filter, process_filter, index)
                early_filter = EarlyFilter(self.ownership.owner_facts, possible_members.keeps)
                narrowed_query = narrowed_query._replace(early_filter=early_filter)
            # all processes are held in memory: drop the facts that were read only because they are in the same file
            pick = _pick_facts(narrowed_query.facts)
            processes = [
                make(Process, pick((*process, None))) for process in self.source.processes(self.look, narrowed_query)
            ]
            # The records are read again: a login that appeared while processes were read has its record now.
            index = self.ownership.index(self.source.logins(self.look), self.machine)
            # If the new records need facts or processes that the hint left out, read again. After MAX_ROUNDS the last
            # reading is used.
            if not index.is_insufficient_hint(narrowed_query.logon_hint):
                break
        read_result = self._select_visible(processes, index, query.facts, which)
        if process_filter is None:
            return read_result
        # the filter compared the real owner: a remaining process with a hidden owner would show that this owner matches
        return read_result._replace(pairs=[pair for pair in read_result.pairs if pair[1] is not HIDDEN])

    def _narrow_query(
        self, query: ProcessQuery, selection: Selection, index: LogonIndex, *, include_own_in_sessions_of_others: bool
    ) -> ProcessQuery:
        """Return the query with the facts that decide about owners and access, and the hint for the source."""
        hint_uids: frozenset[int] | None = None
        # A hint by login uids would leave out the caller's processes in logon sessions of other users.
        if not include_own_in_sessions_of_others or selection.names_sessions:
            selected_uids = selected_login_uids(selection, index, self.source, self.look)
            hint_uids = self.visibility.login_uids(selected_uids)
        facts = self.visibility.with_access_facts(query.facts)
        # a user name selects only logon sessions that are not foreign: the access facts show which ones are foreign
        if selection.login_users is not None:
            facts |= self.ownership.access_facts
        logon_hint = index.hint(facts, selection, hint_uids)
        return query._replace(facts=facts | self.ownership.owner_facts, logon_hint=logon_hint)

    def _session_filter(self, selection: Selection, which: Which) -> SessionFilter | None:
        """Return the filter by logon session; None if the selection names no logon sessions."""
        if not selection.names_sessions:
            return None
        # A user's word names an account exactly, as on Linux. A selection comes from a WQL condition, which ignores the
        # case, or from a LogonFilter. Condition and filter are tested again later: the selection may keep too much.
        is_word = isinstance(which, str)
        return SessionFilter(selection, self.ownership, self.accounts, self.foreign, case_sensitive=is_word)


def group_by_logon_id(pairs: Iterable[ProcessWithOwner]) -> dict[str, list[ProcessWithOwner]]:
    """Group processes by LogonId; leave out those whose logon session is unknown or hidden."""
    members: dict[str, list[ProcessWithOwner]] = {}
    for pair in pairs:
        owner = pair[1]
        if owner.logon_id is not None:
            members.setdefault(owner.logon_id, []).append(pair)
    return members


class Accounts:
    """The accounts of a source, by uid: see AccountLookup."""

    def __init__(self, source: Source, look: Look) -> None:
        self._source, self._look = source, look
        self._accounts: dict[int, Account | None] = {}
        self._recorded_names: dict[tuple[int, str], str] = {}
        self._login_names: dict[frozenset[str], frozenset[str]] = {frozenset(): frozenset()}

    def get(self, uid: int) -> Account | None:
        """Return the account of a uid."""
        if uid not in self._accounts:
            self._accounts[uid] = self._source.account(self._look, uid)
        return self._accounts[uid]

    def name(self, uid: int | None) -> str | None:
        """Return the account name of a uid."""
        account = None if uid is None else self.get(uid)
        return account and account.name

    def login_names(self, names: frozenset[str]) -> frozenset[str]:
        """Return the names that logins of these accounts can have; see AccountLookup."""
        if names not in self._login_names:
            users, _ = self._source.accounts(self._look, AccountQuery(users=names))
            login_names = [name for user in users if user.name in names for name in (user.name, self.name(user.uid))]
            self._login_names[names] = frozenset(filter(None, login_names))
        return self._login_names[names]

    def login_name(self, uid: int | None, login: Login | None) -> str | None:
        """Return the user name of a login uid; see AccountLookup."""
        name, recorded_name = self.name(uid), login and login.user
        if login is None or recorded_name is None or name == recorded_name:
            return name
        if name is None or uid is None:
            return recorded_name
        return self._recorded_or_new_name(uid, recorded_name, name) if login.uid_here == uid else name

    def _recorded_or_new_name(self, uid: int, recorded_name: str, name: str) -> str:
        """Return the recorded name if an account still has this name and the uid; ``name`` if the account was renamed.

        Two accounts can share a uid, and the user can have logged in with either name.
        """
        if (uid, recorded_name) not in self._recorded_names:
            users, _ = self._source.accounts(self._look, AccountQuery(users=frozenset({recorded_name})))
            account_still_exists = any(user.uid == uid and user.name == recorded_name for user in users)
            self._recorded_names[uid, recorded_name] = recorded_name if account_still_exists else name
        return self._recorded_names[uid, recorded_name]


class _OwnerlessFilter:
    """A filter on processes whose owners are not determined; it tests only facts that the caller always sees."""

    def __init__(self, keeps_pair: Callable[[Process, Owner], bool], visibility: Visibility, facts: Facts) -> None:
        self._keeps_pair, self._visibility, self._facts = keeps_pair, visibility, facts

    def keeps(self, process: Process) -> bool:
        """Return whether to keep a process."""
        if not self._visibility.may_see_everything:
            process = self._visibility.identity(process, self._facts)
        return self._keeps_pair(process, NOT_REQUESTED)


@lru_cache(MAX_PICKS)
def _pick_facts(facts: Facts) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return a function that takes (*process, None), and returns the fields of the process: None for other facts."""
    picked_facts = facts | {"pid", "unread"} | ({"comm"} if "name" in facts else set())
    # index -1 is the None at the end
    return itemgetter(*(index if fact in picked_facts else -1 for index, fact in enumerate(Process._fields)))


def _names_sessions(which: Which) -> bool:
    return which.names_sessions if isinstance(which, Selection) else which is not None


def _is_no_thread(process: Process) -> bool:
    """Return whether this is a process: threads have directories in /proc, too."""
    return process.tgid is None or process.tgid == process.pid
