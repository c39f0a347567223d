"""Explanation of a query in words: which classes, what is fixed, what is read, what is left as a predicate.

What is read is found by running the query on a source that notes what it is asked for and passes on what costs
nothing: of a query for a class no process is read and of sockets one that fits; of a query along associations the one
instance is read, so that what its associations lead to is noted too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from logonscope.answers.explanation import Explanation, PartExplained
from logonscope.broker.associations import tied
from logonscope.broker.plan import Classes, Part, Rows, Ties, plan
from logonscope.broker.query import run
from logonscope.broker.request import Request
from logonscope.broker.row_filter import where_of
from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.errors import LogonscopeError
from logonscope.facts import Account, Group, Login, Machine, Process, Socket
from logonscope.machine import (
    NO_PARTS,
    AccountQuery,
    BaseSource,
    Facts,
    Look,
    ProcessQuery,
    SocketQuery,
    Source,
)
from logonscope.machine import (
    Part as MachinePart,
)
from logonscope.providers.helpers.registry import provider_of
from logonscope.wql.condition import TRUE, rest
from logonscope.wql.events import EventQuery
from logonscope.wql.write import constant, describe, shown

MOST_NAMED = 10
"""Values of a fixed property, or of a hint, that are named."""


def explain(request: Request, text: str, namespace: str | None = None) -> Explanation:
    """Return how a query will be answered; raises what ``plan`` raises."""
    planned = plan(request, text, namespace)
    if isinstance(planned, Rows):
        return Explanation("instances", planned.cls.name, tuple(_part(request, part) for part in planned.parts))
    if isinstance(planned, Classes):
        parts = (PartExplained(cls.name, (), {}, (), None) for cls in planned.found)
        return Explanation("classes", planned.namespace, tuple(parts))
    if isinstance(planned, Ties):
        return _ties(request, planned)
    return _events(planned)


def _part(request: Request, part: Part) -> PartExplained:
    cls, provider, where = part.cls, provider_of(part.cls), where_of(request, part.cls, part.condition)
    fixes = provider.fixes if provider else {}
    narrowed = {name: values for name, values in where.fixed.items() if name in fixes}
    left = rest(part.condition, narrowed)
    fixed = {
        name: tuple(constant(shown(value, cls)) for value in sorted(values, key=str))
        for name, values in narrowed.items()
    }
    return PartExplained(
        cls.name,
        part.columns.shown,
        fixed,
        tuple(_reads(request, lambda dry: run(dry, Rows(cls, (part,))))),
        None if left == TRUE else describe(left, cls),
    )


def _ties(request: Request, ties: Ties) -> Explanation:
    names = {"AssocClass": ties.wanted.assoc_class, "ResultClass": ties.wanted.result_class, "Role": ties.wanted.role,
             "ResultRole": ties.wanted.result_role}  # fmt: skip
    predicate = " ".join(f"{name} = {value}" for name, value in names.items() if value)
    cls = ties.target.cls
    path = write_reference(ties.target.reference, cls.schema, cls.namespace)
    reads = _reads(request, lambda dry: tied(dry, ties.target, ties.wanted, references=ties.references), by_pid=True)
    part = PartExplained(cls.name, (), {}, tuple(reads), predicate or None)
    return Explanation("references" if ties.references else "associators", path, (part,))


def _events(query: EventQuery) -> Explanation:
    reads = (f"every {query.within:g} seconds",) if query.within else ()
    predicate = None if query.condition is None else describe(query.condition, query.cls)
    part = PartExplained(query.cls.name, query.columns or (), {}, reads, predicate)
    return Explanation("events", " or ".join(target.name for target in query.targets) or query.cls.name, (part,))


def _reads(
    request: Request, answers: Callable[[Request], Iterator[Result | Class]], *, by_pid: bool = False
) -> Iterator[str]:
    """Yield what answers read, in words, each reading once."""
    noting = NotingSource(_DrySource(request, by_pid=by_pid), request.ownership.key_noun)
    try:
        for answer in answers(request.with_source(noting)):
            if isinstance(answer, Result):
                list(answer.rows)
    except LogonscopeError:
        pass  # nothing is there
    yield from dict.fromkeys(noting.readings)


class _DrySource(BaseSource):
    """A source that passes on what costs nothing, and of logins and processes no more than the caller sees.

    It has no process, or ``by_pid`` those that are read by pid: whose they are must not show in what is read next.
    """

    def __init__(self, request: Request, *, by_pid: bool) -> None:
        self.label = request.source.label
        self._request, self._by_pid = request, by_pid

    def read_machine(self, look: Look, parts: frozenset[MachinePart]) -> Machine:
        del parts
        return self._request.source.machine(look, NO_PARTS)

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        if not self._by_pid or query.pids is None:
            return ()
        if self._request.visibility.everything:
            return self._request.source.processes(look, query)
        return [process for process, _ in self._request.read(query, foreign=True).pairs]

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        return [*filter(self._request.visibility.sees_login, self._request.source.logins(look, ids))]

    def account(self, look: Look, uid: int) -> Account | None:
        return self._request.source.account(look, uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        named = query._replace(
            users=None if query.users == "ALL" else query.users, groups=None if query.groups == "ALL" else query.groups
        )
        return self._request.source.accounts(look, named)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        look.check()
        (port, *_), (inode, *_) = query.ports or (0,), query.inodes or (1,)
        return iter((Socket("tcp", "", port, "", 0, "", inode),))


class NotingSource(BaseSource):
    """A source that passes every query on to another one, and notes in words what it reads."""

    def __init__(self, source: Source, key_noun: str) -> None:
        self.label = source.label
        self.readings: list[str] = []
        self._source, self._key_noun = source, key_noun

    def read_machine(self, look: Look, parts: frozenset[MachinePart]) -> Machine:
        if parts:
            self.readings.append("the machine")
        return self._source.machine(look, parts)

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        if query.pids is None or query.pids:
            self.readings += _process_reading(query, self._key_noun)
        return self._source.processes(look, query)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        self.readings.append(f"the records of {'logins' if ids is None else _named(ids, 'login')}")
        return self._source.logins(look, ids)

    def account(self, look: Look, uid: int) -> Account | None:
        return self._source.account(look, uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        for names, noun in ((query.users, "account"), (query.groups, "group")):
            if names is not None:
                self.readings.append(f"all {noun}s" if names == "ALL" else _named(names, noun))
        if query.groups_of is not None:
            self.readings.append(f"the groups of {_named(query.groups_of, 'account')}")
        return self._source.accounts(look, query)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        words = ["all sockets" if query.ports is None else f"the sockets at {_named(query.ports, 'port')}"]
        self.readings.append(
            " ".join(words if query.inodes is None else [*words, f"with {_named(query.inodes, 'inode')}"])
        )
        return self._source.sockets(look, query)


def _process_reading(query: ProcessQuery, key_noun: str) -> Iterator[str]:
    """Yield what a query for processes reads, in words."""
    first = query.facts if query.early is None else query.early.facts
    yield f"{_listed(first) or 'the pid alone'}: of {_which_processes(query, key_noun)}"
    if later := query.facts - first:
        yield f"{_listed(later)}: of those that fit"


def _listed(facts: Facts) -> str:
    return ", ".join(sorted(facts))


def _which_processes(query: ProcessQuery, key_noun: str) -> str:
    words = [_named(query.pids, "process") if query.pids is not None else "every process"]
    if query.parents:
        words.append("and its parents")
    if query.hint.keys is not None:
        words.append(f"with {_named(query.hint.keys, key_noun)}")
    if query.hint.login_uids is not None:
        words.append(f"logged in as {_named(query.hint.login_uids, 'uid') or 'nobody'}")
    if query.names is not None:
        words.append(f"named {_named(query.names, '')}".rstrip())
    return " ".join(words)


def _named(values: frozenset[str] | frozenset[int], noun: str) -> str:
    if not values:
        return ""
    words = [str(value) for value in sorted(values, key=str)]
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return f"{noun} {', '.join(words[:MOST_NAMED])}{more}".strip()
