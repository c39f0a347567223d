"""Readers of items: what the rows of a class are made of, by subject, as far as the caller may see it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from logonscope.broker.logon_of_process import logon_of
from logonscope.broker.request import OwnedFilter, OwnedProcesses, Request
from logonscope.broker.sessions import Described, described
from logonscope.facts import Account, Group, Socket
from logonscope.machine import (
    EVERYTHING,
    NO_PARTS,
    OWNER,
    AccountQuery,
    Facts,
    Part,
    ProcessQuery,
    Selection,
    SocketQuery,
)
from logonscope.providers.helpers.host import LOGINS, PARTS, PROCESSES, SESSIONS, Census
from logonscope.providers.helpers.provider import COUNTS, Subject

Items = Iterable[tuple[Any, ...]]

DESKTOPS = {"x11", "wayland", "mir"}
"""Types of logins (sd_session_get_type(3)) whose applications a user manager runs."""


class ItemQuery(NamedTuple):
    """A query for items: facts of their processes (or parts of the machine), and what narrows the reading."""

    facts: Facts
    selection: Selection = EVERYTHING
    foreign: bool = False  # processes of others are included, with what identifies them alone
    namespace: str = ""
    early: OwnedFilter | None = None  # processes that it rules out may be left out


def read_items(request: Request, subject: Subject, query: ItemQuery) -> Items:
    """Return the items of a subject, read while they are iterated.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    if query.selection.is_empty:
        return ()
    return _READERS[subject](request, query)


def _processes(request: Request, query: ItemQuery) -> Items:
    return _owned(request, query).pairs


def _owned(request: Request, query: ItemQuery) -> OwnedProcesses:
    selection = query.selection
    asked = ProcessQuery(query.facts - {OWNER}, pids=selection.pids, names=selection.process_names)
    owners = OWNER in query.facts
    return request.read(asked, selection, early=query.early, foreign=query.foreign, owners=owners)


def _logon_sessions(request: Request, query: ItemQuery) -> Items:
    asked = ProcessQuery(request.ownership.describing, pids=query.selection.pids)
    selection = query.selection
    if asked.pids is not None:
        owned = request.read(asked)
        if COUNTS not in query.facts:
            return list(_described_by_parents(request, owned))
        selection = Selection(logon_ids=frozenset(owner.logon for _, owner in owned.pairs if owner.logon is not None))
        if selection.is_empty:
            return ()
        asked = asked._replace(pids=None)
    owned = request.read(asked, selection, order="processes first", strays=False)
    return described(request, owned.pairs)


def _described_by_parents(request: Request, owned: OwnedProcesses) -> Iterator[tuple[Any, ...]]:
    """Describe the logon sessions of a few processes by the parents that led to them."""
    facts = request.ownership.describing | request.ownership.facts
    for process, owner in owned.pairs:
        if owner.logon is not None:
            yield logon_of(request, process, owner, owned.logons, facts).session, [(process, owner)]


def _desktops(request: Request, _: ItemQuery) -> Items:
    owned = request.read(ProcessQuery(request.ownership.describing), order="processes first", strays=False)
    return ((*manager, *desktop) for manager, desktop in user_managers(described(request, owned.pairs)))


def user_managers(found: Iterable[Described]) -> Iterator[tuple[Described, Described]]:
    """Yield each user manager with each desktop login of its user: it runs what such a login opens."""
    found = list(found)
    managers = {one[0].uid: one for one in found if (one[0].login_class or "").startswith("manager")}
    for one in found:
        is_desktop = any(owner.login and owner.login.type in DESKTOPS for _, owner in one[1])
        manager = managers.get(one[0].uid)
        if is_desktop and manager is not None and manager is not one:
            yield manager, one


def _users(request: Request, query: ItemQuery) -> Items:
    users, _ = request.source.accounts(request.look, AccountQuery(users=_listed_too(query.selection.users)))
    return ((account,) for account in users)


def _groups(request: Request, query: ItemQuery) -> Items:
    _, groups = request.source.accounts(request.look, AccountQuery(groups=_listed_too(query.selection.groups)))
    return ((group,) for group in groups)


def _listed_too(names: frozenset[str] | None) -> Any:
    """Return the names to ask for, or "ALL": a name without its domain may be that of a qualified account."""
    if names is None or not any("@" in name or "\\" in name for name in names):
        return "ALL"
    return names


def _memberships(request: Request, query: ItemQuery) -> Items:
    """Pair groups with accounts: those of one account by key; else every account is looked at for its own group."""
    users, groups = query.selection.users, query.selection.groups
    asked = AccountQuery(users="ALL", groups="ALL" if groups is None else groups)
    if users is not None:
        asked = AccountQuery(users=users, groups_of=users)
    accounts, found = request.source.accounts(request.look, asked)
    return _pairs(found, accounts)


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


def _sockets(request: Request, query: ItemQuery) -> Items:
    asked = SocketQuery(query.selection.ports, query.selection.inodes)
    by_inode = {socket.inode: socket for socket in request.source.sockets(request.look, asked) if socket.inode}
    if not by_inode:
        return ()
    return _held(_owned(request, query._replace(facts=query.facts | {"sockets"})), by_inode)


def _held(owned: OwnedProcesses, by_inode: Mapping[int, Socket]) -> Iterator[tuple[Any, ...]]:
    for process, owner in owned.pairs:
        for inode in process.sockets or ():
            if inode in by_inode:
                yield by_inode[inode], process, owner


def _machine(request: Request, query: ItemQuery) -> Items:
    parts: frozenset[Part] = NO_PARTS | {part for part in PARTS if part in query.facts}
    census = Census(request.source.machine(request.look, parts) if parts else request.machine)
    if PROCESSES in query.facts:
        everybody = _processes(request, ItemQuery(frozenset(), foreign=True))
        census = census._replace(processes=sum(1 for _ in everybody))
    if SESSIONS in query.facts:
        found = _logon_sessions(request, ItemQuery(frozenset()))
        census = census._replace(sessions=tuple(session for session, _ in found))
    if LOGINS in query.facts:
        logins = filter(request.visibility.sees_login, request.source.logins(request.look))
        census = census._replace(logins=tuple(sorted(logins, key=lambda login: (login.since or 0, login.id))))
    return [(census,)]


def _namespaces(request: Request, query: ItemQuery) -> Items:
    above = f"{query.namespace}\\"
    names = [name.removeprefix(above) for name in request.schema.namespaces if name.startswith(above)]
    return [(name,) for name in names if "\\" not in name]


_READERS: Mapping[Subject, Callable[[Request, ItemQuery], Items]] = {
    "process": _processes, "logon session": _logon_sessions, "desktop": _desktops, "user": _users, "group": _groups,
    "membership": _memberships, "socket": _sockets, "machine": _machine, "namespace": _namespaces,
}  # fmt: skip
