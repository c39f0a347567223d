"""Explanation of a query in words: its classes, fixed values, readings, and the predicate tested on each row.

The readings are found by a dry run: the query runs on a source that records the queries it gets, and passes on only
those that are cheap. A dry run of a query for a class reads no process, and gets one invented socket if the query reads
sockets. A dry run of an association query reads processes that it looks up by pid. So if the path names a process, the
readings of what is associated with that process are recorded, too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from logonscope.answers.explanation import Explanation, PartExplained
from logonscope.broker.associations import find_associated
from logonscope.broker.explain_history import ExplainedHistory, join_values, list_values
from logonscope.broker.plan import AssociationPlan, ClassesPlan, PlanPart, RowsPlan, plan
from logonscope.broker.query import run
from logonscope.broker.request import Request
from logonscope.broker.row_filter import filter_by_condition
from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.errors import LogonscopeError
from logonscope.facts import (
    Account,
    Authentication,
    Group,
    HeldSockets,
    Login,
    LoginHistory,
    Machine,
    Process,
    Service,
    Socket,
    UnitRequest,
)
from logonscope.machine import (
    NO_PARTS,
    AccountQuery,
    AuthenticationQuery,
    BaseSource,
    Facts,
    Look,
    Part,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    Source,
)
from logonscope.providers.helpers.registry import find_provider
from logonscope.wql.condition import TRUE, residual_condition
from logonscope.wql.events import EventQuery
from logonscope.wql.write import constant_of_value, describe_condition, write_constant


def explain(request: Request, text: str, namespace: str | None = None) -> Explanation:
    """Return the explanation of a query; raises the errors of ``plan``."""
    query_plan = plan(request, text, namespace)
    if isinstance(query_plan, RowsPlan):
        parts = tuple(_explain_part(request, part) for part in query_plan.parts)
        return Explanation("instances", query_plan.cls.name, parts)
    if isinstance(query_plan, ClassesPlan):
        parts = tuple(PartExplained(cls.name, (), {}, (), None) for cls in query_plan.classes)
        return Explanation("classes", query_plan.namespace, parts)
    if isinstance(query_plan, AssociationPlan):
        return _explain_associations(request, query_plan)
    return _explain_events(query_plan)


def _explain_part(request: Request, part: PlanPart) -> PartExplained:
    cls, provider = part.cls, find_provider(part.cls)
    row_filter = filter_by_condition(request, cls, part.condition)
    selections = provider.selections if provider else {}
    read_values = {name: values for name, values in row_filter.fixed.items() if name in selections}
    predicate = residual_condition(part.condition, read_values)
    fixed = {
        name: tuple(write_constant(constant_of_value(value, cls)) for value in sorted(values, key=str))
        for name, values in read_values.items()
    }
    return PartExplained(
        cls.name,
        part.columns.shown,
        fixed,
        tuple(_dry_run(request, partial(run, query_plan=RowsPlan(cls, (part,))))),
        None if predicate == TRUE else describe_condition(predicate, cls),
    )


def _explain_associations(request: Request, query_plan: AssociationPlan) -> Explanation:
    target, options, references = query_plan.target, query_plan.options, query_plan.references
    names = {"AssocClass": options.assoc_class, "ResultClass": options.result_class, "Role": options.role,
             "ResultRole": options.result_role}  # fmt: skip
    predicate = " ".join(f"{name} = {value}" for name, value in names.items() if value)
    cls = target.cls
    path = write_reference(target.reference, cls.schema, cls.namespace)
    operation = partial(find_associated, target=target, options=options, references=references)
    part = PartExplained(cls.name, (), {}, tuple(_dry_run(request, operation, by_pid=True)), predicate or None)
    return Explanation("references" if references else "associators", path, (part,))


def _explain_events(query: EventQuery) -> Explanation:
    reads = (f"every {query.polling_seconds:g} seconds",) if query.polling_seconds else ()
    predicate = None if query.condition is None else describe_condition(query.condition, query.cls)
    part = PartExplained(query.cls.name, query.columns or (), {}, reads, predicate)
    return Explanation("events", " or ".join(target.name for target in query.target_classes) or query.cls.name, (part,))


def _dry_run(
    request: Request, operation: Callable[[Request], Iterator[ClassRows | Class]], *, by_pid: bool = False
) -> Iterator[str]:
    """Run an operation on a source that reads almost nothing, and yield its readings in words, each once."""
    recorder = ReadingRecorder(
        _DrySource(request, by_pid=by_pid), request.ownership.kernel_id_noun,
        shows_numbers=request.caller.administrator,
    )  # fmt: skip
    try:
        for result in operation(request.with_source(recorder)):
            if isinstance(result, ClassRows):
                list(result.rows)  # rows are read while they are iterated
    except LogonscopeError:
        pass  # the dry source lacks an instance that the real one may have
    yield from dict.fromkeys(recorder.readings)


class _DrySource(BaseSource):
    """A source that passes on only cheap queries, and returns logins and processes only as far as the caller sees them.

    It returns no processes, or with ``by_pid`` only processes that are read by pid.
    """

    def __init__(self, request: Request, *, by_pid: bool) -> None:
        self.label = request.source.label
        self.history = request.source.history
        self._request, self._by_pid = request, by_pid

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del parts
        return self._request.source.machine(look, NO_PARTS)

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        if not self._by_pid or query.pids is None:
            return ()
        if self._request.visibility.may_see_everything:
            return self._request.source.processes(look, query)
        # The processes are masked: what is read next must not reveal the owner of another user's process.
        return [process for process, _ in self._request.read(query, include_hidden=True).pairs]

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        return [*filter(self._request.visibility.sees_login, self._request.source.logins(look, ids))]

    def account(self, look: Look, uid: int) -> Account | None:
        return self._request.source.account(look, uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        named_accounts = query._replace(
            users=None if query.users == "ALL" else query.users, groups=None if query.groups == "ALL" else query.groups
        )
        return self._request.source.accounts(look, named_accounts)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        look.check()
        # one socket that matches, so that the reading of its holders is recorded
        (port, *_), (inode, *_) = query.ports or (0,), query.inodes or (1,)
        return iter((Socket("tcp", "", port, "", 0, "", inode),))


class ReadingRecorder(BaseSource):
    """A source that passes queries on to another source, and records in words what is read.

    Each query has a method here: an inherited method would return nothing. Memberships are the exception:
    the inherited methods make memberships from ``processes``. The lookup of the account of a uid is passed on, but not
    recorded.
    """

    def __init__(self, source: Source, kernel_id_noun: str, *, shows_numbers: bool) -> None:
        self.label = source.label
        self.readings: list[str] = []
        self._source, self._kernel_id_noun = source, kernel_id_noun
        if source.history is not None:
            self.history = ExplainedHistory(source.history, self.readings, shows_numbers=shows_numbers)

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        if parts:
            self.readings.append("the machine")
        return self._source.machine(look, parts)

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        if query.pids is None or query.pids:
            self.readings += _describe_process_query(query, self._kernel_id_noun)
        return self._source.processes(look, query)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        self.readings.append(f"the records of {'logins' if ids is None else list_values('login', ids)}")
        return self._source.logins(look, ids)

    def account(self, look: Look, uid: int) -> Account | None:
        return self._source.account(look, uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        for names, noun in ((query.users, "account"), (query.groups, "group")):
            if names is not None:
                self.readings.append(f"all {noun}s" if names == "ALL" else list_values(noun, names))
        if query.groups_of is not None:
            self.readings.append(f"the groups of {list_values('account', query.groups_of)}")
        if query.with_passwords:
            self.readings.append("the state of the accounts' passwords")
        return self._source.accounts(look, query)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        words = ["all sockets" if query.ports is None else f"the sockets at {list_values('port', query.ports)}"]
        self.readings.append(
            " ".join(words if query.inodes is None else [*words, f"with {list_values('inode', query.inodes)}"])
        )
        return self._source.sockets(look, query)

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        self.readings.append("the sockets of the leaders of ssh logins")
        return self._source.held_sockets(look, pids)

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> Sequence[Authentication]:
        self.readings.append("the journal (without one, auth.log or secure): sshd's lines about these logins")
        return self._source.authentications(look, queries)

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        self.readings.append("all services" if query.names is None else list_values("service", query.names))
        return self._source.services(look, query)

    def login_history(self, look: Look) -> Iterator[LoginHistory]:
        self.readings.append("the databases of past logins")
        return self._source.login_history(look)

    def unit_requests(self, look: Look) -> Iterator[UnitRequest]:
        self.readings.append("the journal: starts of services, and sudo's lines about commands")
        return self._source.unit_requests(look)


def _describe_process_query(query: ProcessQuery, kernel_id_noun: str) -> Iterator[str]:
    """Yield the readings of a query for processes, in words: of all selected processes, then of those that match."""
    first_facts = query.facts if query.early_filter is None else query.early_filter.facts
    yield f"{_list_facts(first_facts) or 'the pid alone'}: of {_describe_selection(query, kernel_id_noun)}"
    if later_facts := query.facts - first_facts:
        yield f"{_list_facts(later_facts)}: of those that match"


def _list_facts(facts: Facts) -> str:
    return ", ".join(sorted(facts))


def _describe_selection(query: ProcessQuery, kernel_id_noun: str) -> str:
    words = [list_values("process", query.pids) if query.pids is not None else "every process"]
    if query.with_ancestors:
        words.append("and its parents")
    if query.logon_hint.kernel_ids is not None:
        words.append(f"with {list_values(kernel_id_noun, query.logon_hint.kernel_ids)}")
    if query.logon_hint.login_uids is not None:
        words.append(f"logged in as {list_values('uid', query.logon_hint.login_uids)}")
    if query.names is not None:
        words.append(f"named {join_values(query.names)}")
    if query.may_run_as is not None:
        words.append("that runs as a user of the condition")
    return " ".join(words)
