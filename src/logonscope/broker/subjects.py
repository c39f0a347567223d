"""What are a class's rows of? Reads the items of each subject, as far as the caller may see them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from logonscope.broker.access import limit
from logonscope.broker.logon import logon_of
from logonscope.broker.sessions import FACTS
from logonscope.broker.view import Broker, Question, View, gather, keyed, stream, unowned
from logonscope.cim.schema import schema
from logonscope.facts import Account, Group, Socket
from logonscope.machine import EVERYTHING, NO_PROCESSES, Needs, Selection, Snapshot
from logonscope.ownership import described, desktops
from logonscope.providers.helpers.machine import PLATFORM, PROCESSES, SESSIONS, VITALS, Census
from logonscope.providers.helpers.provider import OWNER, Context, Provider, Subject

Items = Iterable[tuple[Any, ...]]


class Decisive(NamedTuple):
    """What decides whether a row is meant at all: the facts that takes, and of an item and its context whether."""

    facts: frozenset[str]
    fits: Callable[..., bool]


class Ask(NamedTuple):
    """What is to be read: facts, of what is meant, as everybody or only the caller's own, in which namespace."""

    facts: frozenset[str]
    selection: Selection
    others: bool = False
    namespace: str = ""
    decisive: Decisive | None = None  # of processes that it rules out no more than its facts is read


def read(broker: Broker, provider: Provider, ask: Ask) -> tuple[Items, Context]:
    """Return the items that a provider's rows are of, read while they are iterated, and their context.

    Raises:
        AccessDeniedError: the caller is nobody.
    """
    if ask.selection.is_empty:
        return (), _context(_directory(broker, Needs()))
    return _READERS[provider.subject](broker, ask)


def _processes(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    if ask.decisive is None or ask.selection.pids is not None:
        view = _view(broker, ask.facts, ask.selection, others=ask.others)
        return view.owned, _context(view.snapshot)
    (facts, fits), context = ask.decisive, _context(_directory(broker, Needs()))
    question = Question(facts - {OWNER}, OWNER in facts, lambda process, owner: fits(process, owner, context))
    return _view(broker, ask.facts, ask.selection, others=ask.others, question=question).owned, context


def _view(
    broker: Broker,
    facts: frozenset[str],
    selection: Selection,
    *,
    others: bool = False,
    question: Question | None = None,
) -> View:
    needs = Needs(process=facts - {OWNER}, names=selection.process_names)
    if selection.pids is not None:
        return keyed(broker, needs, selection.pids, others=others, unasked=OWNER not in facts)
    free = OWNER not in facts and not selection.names_sessions
    view = unowned(broker, needs, others=others, question=question) if free else None
    return view or stream(broker, needs, selection, others=others, question=question)


def _logon_sessions(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    if ask.selection.pids is not None:
        view = keyed(broker, Needs(process=FACTS), ask.selection.pids)
        return list(_described_from(broker, view)), _context(view.snapshot)
    view = gather(broker, Needs(process=FACTS), ask.selection)
    return described(view.owned, view.snapshot.machine, view.snapshot.accounts), _context(view.snapshot)


def _described_from(broker: Broker, view: View) -> Iterator[tuple[Any, ...]]:
    """Describe the logon sessions of a few processes by the parents that led to them."""
    facts = FACTS | {"cgroup"}
    for process, owner in view.owned:
        if owner.logon is not None:
            yield logon_of(broker, view.snapshot, process, facts=facts).session, [(process, owner)]


def _desktops(broker: Broker, _: Ask) -> tuple[Items, Context]:
    view = gather(broker, Needs(process=FACTS))
    found = described(view.owned, view.snapshot.machine, view.snapshot.accounts)
    return ((*manager, *desktop) for manager, desktop in desktops(found)), _context(view.snapshot)


def _users(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    users = ask.selection.users
    snapshot = _directory(broker, Needs(users=users, all_users=_may_be_qualified(users)))
    return ((account,) for account in snapshot.users), _context(snapshot)


def _groups(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    groups = ask.selection.groups
    snapshot = _directory(broker, Needs(groups=groups, all_groups=_may_be_qualified(groups)))
    return ((group,) for group in snapshot.groups), _context(snapshot)


def _may_be_qualified(names: frozenset[str] | None) -> bool:
    """Tell whether a list must be looked through: a name without its domain may be that of a qualified account."""
    return names is None or not any("@" in name or "\\" in name for name in names)


def _memberships(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    """Pair groups with accounts: those of one account by key; else every account is looked at for its own group."""
    users, groups = ask.selection.users, ask.selection.groups
    asked = Needs(
        users=users, all_users=users is None, groups_of=users,
        groups=groups if users is None else None, all_groups=users is None and groups is None,
    )  # fmt: skip
    snapshot = _directory(broker, asked)
    return _pairs(snapshot.groups, snapshot.users), _context(snapshot)


def _pairs(groups: Iterable[Group], users: Iterable[Account]) -> Iterator[tuple[Group, Account]]:
    by_gid: dict[int, Group] = {}
    by_member: dict[str, list[Group]] = {}
    for group in groups:
        by_gid.setdefault(group.gid, group)
        for member in group.members:
            by_member.setdefault(member, []).append(group)
    for account in users:
        primary = by_gid.get(account.gid)
        if primary:
            yield primary, account
        yield from ((group, account) for group in by_member.get(account.name, ()) if group is not primary)


def _sockets(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    ports, inodes = ask.selection.ports, ask.selection.inodes
    asked = Needs(pids=NO_PROCESSES, ports=ports, all_sockets=ports is None, inodes=inodes)
    by_inode = {socket.inode: socket for socket in broker.source.observe(asked).sockets if socket.inode}
    facts = ask.facts | {"sockets"}
    nobody = ask.selection._replace(pids=NO_PROCESSES)
    view = _view(broker, facts, ask.selection if by_inode else nobody)
    return _held(view, by_inode), _context(view.snapshot)


def _held(view: View, by_inode: Mapping[int, Socket]) -> Iterator[tuple[Any, ...]]:
    for process, owner in view.owned:
        for inode in process.sockets or ():
            if inode in by_inode:
                yield by_inode[inode], process, owner


def _machine(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    needs = Needs(pids=NO_PROCESSES, platform=PLATFORM in ask.facts, vitals=VITALS in ask.facts)
    limit(broker.caller, needs)
    snapshot = broker.source.observe(needs)
    census = Census(snapshot.machine, vitals=snapshot.vitals)
    if snapshot.platform is not None:
        census = census._replace(platform=snapshot.platform)
    if PROCESSES in ask.facts:
        everybody, _ = _processes(broker, Ask(frozenset(), EVERYTHING, others=True))
        census = census._replace(processes=sum(1 for _ in everybody))
    if SESSIONS in ask.facts:
        found, _ = _logon_sessions(broker, Ask(frozenset(), EVERYTHING))
        census = census._replace(sessions=tuple(session for session, _ in found))
    return [(census,)], _context(snapshot)


def _namespaces(broker: Broker, ask: Ask) -> tuple[Items, Context]:
    above = f"{ask.namespace}\\"
    names = [name.removeprefix(above) for name in schema().namespaces if name.startswith(above)]
    return [(name,) for name in names if "\\" not in name], _context(_directory(broker, Needs()))


def _directory(broker: Broker, needs: Needs) -> Snapshot:
    """Look at what everybody sees who is somebody: the machine's name, its accounts and groups."""
    limit(broker.caller, needs)
    return broker.source.observe(needs._replace(pids=NO_PROCESSES))


def _context(snapshot: Snapshot) -> Context:
    return Context(snapshot.machine, snapshot.accounts)


_READERS: dict[Subject, Callable[[Broker, Ask], tuple[Items, Context]]] = {
    "process": _processes, "logon session": _logon_sessions, "desktop": _desktops, "user": _users, "group": _groups,
    "membership": _memberships, "socket": _sockets, "machine": _machine, "namespace": _namespaces,
}  # fmt: skip
