"""Item readers: read the items that the rows of a class are made of, by subject, as far as the caller may see them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from logonscope.answers.logon_session import ALL_DETAILS
from logonscope.broker.item_query import ItemQuery
from logonscope.broker.request import ReadResult, Request
from logonscope.facts import Account, Group, Login, Socket
from logonscope.machine import (
    NO_PARTS,
    OWNER_FACT,
    AccountLookup,
    AccountQuery,
    Facts,
    Part,
    ProcessQuery,
    Selection,
    SocketQuery,
)
from logonscope.providers.helpers.host import LOGINS, PARTS, PROCESSES, SESSIONS, HostSummary, hardware_of
from logonscope.providers.helpers.provider import ADDRESS, COUNTS, NAMED_SERVICES, PASSWORDS, Subject

if TYPE_CHECKING:
    from logonscope.broker.sessions import SessionWithMembers

Items = Iterable[tuple[Any, ...]]

DESKTOP_TYPES = {"x11", "wayland", "mir"}
"""Types (sd_session_get_type(3)) of logins whose applications are run by the user manager."""


def read_items(request: Request, subject: Subject, query: ItemQuery) -> Items:
    """Return the items of a subject. Depending on the subject, they are read by the call, or while they are iterated.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    if query.selection.is_empty:
        return ()
    return _READERS[subject](request, query)


def _read_processes(request: Request, query: ItemQuery) -> Items:
    return _read_owned_processes(request, query).pairs


def _read_owned_processes(request: Request, query: ItemQuery) -> ReadResult:
    selection = query.selection
    process_query = ProcessQuery(query.facts - {OWNER_FACT}, pids=selection.pids, names=selection.process_names)
    if selection.process_users is not None:
        # The account name of each uid is compared first. To find out whether a uid is one of this host takes more
        # files: they are read only of the processes whose account name matches.
        may_run_as = _UserFilter(selection.process_users, request.accounts).keeps
        process_query = process_query._replace(facts=process_query.facts | {"uids"}, may_run_as=may_run_as)
    return request.read(
        process_query,
        selection,
        process_filter=query.process_filter,
        include_hidden=query.include_hidden,
        with_owners=OWNER_FACT in query.facts,
    )


class _UserFilter:
    """A filter on effective uids by the names of their accounts, ignoring case."""

    def __init__(self, names: Iterable[str], accounts: AccountLookup) -> None:
        self._names = {name.lower() for name in names}
        self._accounts = accounts

    def keeps(self, uid: int | None) -> bool:
        """Return whether the account of a uid has one of the names."""
        name = self._accounts.name(uid)
        return name is not None and name.lower() in self._names


def _read_logon_sessions(request: Request, query: ItemQuery) -> Items:
    from logonscope.providers.helpers.usage import USAGE_FACTS  # noqa: PLC0415 -- only logon sessions need it

    # columns with sums need further facts of every process, besides the facts that describe the logon session
    facts = request.ownership.description_facts | (query.facts & USAGE_FACTS)
    process_query = ProcessQuery(facts, pids=query.selection.pids)
    selection = query.selection
    # An association requests the logon sessions of given processes. Unless the processes of a logon session must be
    # counted, it is described from its given process alone. (If the login has no record, one small file of every
    # process is read, too.)
    if process_query.pids is not None:
        read_result = request.read(process_query)
        if COUNTS not in query.facts:
            return list(_describe_sessions_of_processes(request, read_result, query.facts))
        selection = Selection(
            logon_ids=frozenset(owner.logon_id for _, owner in read_result.pairs if owner.logon_id is not None)
        )
        if selection.is_empty:
            return ()
        process_query = process_query._replace(pids=None)
    from logonscope.broker.sessions import describe_sessions  # noqa: PLC0415 -- only logon sessions need it

    read_result = request.read(
        process_query, selection, read_order="processes first", include_own_in_sessions_of_others=False
    )
    return describe_sessions(
        request, read_result.pairs, ALL_DETAILS & query.facts, read_missing_origins=ADDRESS in query.facts
    )


def _describe_sessions_of_processes(
    request: Request, read_result: ReadResult, item_facts: Facts
) -> Iterator[tuple[Any, ...]]:
    """Yield the logon session of each process, described as by ``logon_of``, paired with that process alone."""
    from logonscope.broker.logon_of_process import logon_of  # noqa: PLC0415 -- only logon sessions need it

    facts = request.ownership.description_facts | request.ownership.owner_facts
    for process, owner in read_result.pairs:
        if owner.logon_id is not None:
            details, read_missing_origin = ALL_DETAILS & item_facts, ADDRESS in item_facts
            logon = logon_of(
                request,
                process,
                owner,
                read_result.logon_index,
                facts,
                details=details,
                read_missing_origin=read_missing_origin,
            )
            yield logon.session, [(process, owner)]


def _read_desktops(request: Request, query: ItemQuery) -> Items:
    from logonscope.broker.sessions import describe_sessions  # noqa: PLC0415 -- only logon sessions need it

    read_result = request.read(
        ProcessQuery(request.ownership.description_facts),
        read_order="processes first",
        include_own_in_sessions_of_others=False,
    )
    sessions = describe_sessions(
        request, read_result.pairs, ALL_DETAILS & query.facts, read_missing_origins=ADDRESS in query.facts
    )
    return ((*manager, *desktop) for manager, desktop in pair_user_managers(sessions))


def pair_user_managers(
    sessions: "Iterable[SessionWithMembers]",
) -> "Iterator[tuple[SessionWithMembers, SessionWithMembers]]":
    """Yield pairs of a user manager and a desktop login of the same user: the manager runs the login's applications."""
    sessions = list(sessions)
    managers = {
        described[0].uid: described for described in sessions if (described[0].login_class or "").startswith("manager")
    }
    for described in sessions:
        session, pairs = described
        is_desktop = any(owner.login and owner.login.type in DESKTOP_TYPES for _, owner in pairs)
        manager = managers.get(session.uid)
        if is_desktop and manager is not None and manager is not described:
            yield manager, described


def _read_users(request: Request, query: ItemQuery) -> Items:
    users, _ = _read_accounts(request, query, AccountQuery(users=_names_or_all(query.selection.users)))
    return ((account,) for account in users)


def _read_accounts(
    request: Request, query: ItemQuery, account_query: AccountQuery
) -> tuple[Iterator[Account], Iterable[Group]]:
    """Return accounts as the caller may see them, and groups; shadow(5) is read only if a column needs it."""
    with_passwords = PASSWORDS in query.facts and request.visibility.may_see_everything
    users, groups = request.source.accounts(request.look, account_query._replace(with_passwords=with_passwords))
    return map(request.visibility.account, users), groups


def _read_groups(request: Request, query: ItemQuery) -> Items:
    _, groups = request.source.accounts(request.look, AccountQuery(groups=_names_or_all(query.selection.groups)))
    return ((group,) for group in groups)


def _names_or_all(names: frozenset[str] | None) -> Any:
    r"""Return the names to query; "ALL" if there is no selection, or if no name has a domain.

    ``names`` has all possible spellings of the accounts. If a spelling has the domain, the name service can look it up.
    Otherwise the name service may know the account as DOMAIN\name only, so all accounts are queried.
    """
    if names is None or not any("@" in name or "\\" in name for name in names):
        return "ALL"
    return names


def _read_group_members(request: Request, query: ItemQuery) -> Items:
    """Pair groups with their members. If accounts are selected, only they and their groups are read."""
    users, groups = query.selection.users, query.selection.groups
    # To find the members of a selected group, all accounts are read: a group does not list the accounts whose primary
    # group it is.
    account_query = AccountQuery(users="ALL", groups="ALL" if groups is None else groups)
    if users is not None:
        account_query = AccountQuery(users=users, groups_of=users)
    members, read_groups = _read_accounts(request, query, account_query)
    return _pair_groups(read_groups, members)


def _pair_groups(groups: Iterable[Group], users: Iterable[Account]) -> Iterator[tuple[Group, Account]]:
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


def _read_sockets(request: Request, query: ItemQuery) -> Items:
    socket_query = SocketQuery(query.selection.ports, query.selection.inodes, all_namespaces=True)
    sockets = request.source.sockets(request.look, socket_query)
    by_inode = {socket.inode: socket for socket in sockets if socket.inode}
    # without sockets, the open files of all processes need not be listed to find holders
    if not by_inode:
        return ()
    return _pair_sockets(request, query, by_inode)


def _pair_sockets(request: Request, query: ItemQuery, by_inode: Mapping[int, Socket]) -> Iterator[tuple[Any, ...]]:
    """Pair sockets with the processes that hold them; if a socket has no holder, read the sockets of threads, too."""
    read_result = _read_owned_processes(request, query._replace(facts=query.facts | {"sockets"}))
    missing_inodes = set(by_inode)
    for process, owner in read_result.pairs:
        for inode in process.sockets or ():
            if inode in by_inode:
                missing_inodes.discard(inode)
                yield by_inode[inode], process, owner
    if missing_inodes:
        read_result = _read_owned_processes(request, query._replace(facts=query.facts | {"thread_sockets"}))
        for process, owner in read_result.pairs:
            for inode in missing_inodes.intersection(process.thread_sockets or ()):
                yield by_inode[inode], process, owner


def _read_services(request: Request, query: ItemQuery) -> Items:
    from logonscope.broker.services import read_services  # noqa: PLC0415 -- only services need it

    services = read_services(request, query.selection, with_named=NAMED_SERVICES in query.facts)
    return ((service,) for service in services)


def _read_profiles(request: Request, query: ItemQuery) -> Items:
    from logonscope.broker.profiles import read_profiles  # noqa: PLC0415 -- only profiles need it

    return read_profiles(request, query.facts, AccountQuery(users=_names_or_all(query.selection.users)))


def _read_unit_requests(request: Request, query: ItemQuery) -> Items:
    from logonscope.broker.unit_requests import read_unit_requests  # noqa: PLC0415 -- only unit requests need it

    names = query.selection.services
    folded_names = None if names is None else {name.lower() for name in names}
    for unit_request, owner in read_unit_requests(request):
        if folded_names is None or unit_request.unit.lower() in folded_names:
            yield unit_request, owner


def _read_sub_sessions(request: Request, _: ItemQuery) -> Items:
    from logonscope.broker.sub_sessions import read_sub_sessions  # noqa: PLC0415 -- only sub-sessions need it

    return read_sub_sessions(request)


def _read_mapped_files(request: Request, query: ItemQuery) -> Items:
    read_result = _read_owned_processes(request, query._replace(facts=query.facts | {"mapped_files"}))
    for process, owner in read_result.pairs:
        for text in process.mapped_files or ():
            address, _, path = text.partition(" ")
            yield path, _parse_address(address), process, owner


def _parse_address(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:  # the text comes from a recording that another program made
        return None


def _read_machine(request: Request, query: ItemQuery) -> Items:
    parts: frozenset[Part] = NO_PARTS | {part for part in PARTS if part in query.facts}
    # each part comes from files of its own: it is read only if a column needs it
    machine = request.source.machine(request.look, parts) if parts else request.machine
    summary = HostSummary(machine if machine.hardware is None else request.visibility.masked_machine(machine))
    if PROCESSES in query.facts:
        processes = _read_processes(request, ItemQuery(frozenset(), include_hidden=True))
        summary = summary._replace(processes=sum(1 for _ in processes))
    if SESSIONS in query.facts:
        sessions = _read_logon_sessions(request, ItemQuery(frozenset()))
        summary = summary._replace(sessions=tuple(session for session, _ in sessions))
    if LOGINS in query.facts:
        logins = filter(request.visibility.sees_login, request.source.logins(request.look))
        summary = summary._replace(logins=tuple(sorted(logins, key=_login_start)))
    return [(summary,)]


def _read_processors(request: Request, query: ItemQuery) -> Items:
    ((summary,),) = _read_machine(request, query)
    hardware = hardware_of(summary)
    packages = min(len(hardware.package_threads), len(hardware.package_cores))
    return ((summary, number) for number in range(packages))


def _read_records(reader_name: str, request: Request, query: ItemQuery) -> Items:
    """Read items about the history by a function of ``broker.records``."""
    from logonscope.broker import records  # noqa: PLC0415 -- only the history needs it

    # the table below has only the name of the function, because importing the function would import ``records``
    reader: Callable[[Request, ItemQuery], Items] = getattr(records, reader_name)
    return reader(request, query)


def _login_start(login: Login) -> tuple[int, str]:
    return login.since or 0, login.id


def _read_namespaces(request: Request, query: ItemQuery) -> Items:
    prefix = f"{query.namespace}\\"
    names = [name.removeprefix(prefix) for name in request.schema.namespaces if name.startswith(prefix)]
    return [(name,) for name in names if "\\" not in name]


_READERS: Mapping[Subject, Callable[[Request, ItemQuery], Items]] = {
    "process": _read_processes,
    "logon session": _read_logon_sessions,
    "desktop": _read_desktops,
    "user": _read_users,
    "group": _read_groups,
    "membership": _read_group_members,
    "socket": _read_sockets,
    "service": _read_services,
    "profile": _read_profiles,
    "unit request": _read_unit_requests,
    "mapped file": _read_mapped_files,
    "sub session": _read_sub_sessions,
    "logon record": partial(_read_records, "read_logon_records"),
    "process record": partial(_read_records, "read_process_records"),
    "change record": partial(_read_records, "read_change_records"),
    "failed logon record": partial(_read_records, "read_failed_logon_records"),
    "user change record": partial(_read_records, "read_user_change_records"),
    "change of process": partial(_read_records, "read_changes_of_processes"),
    "present logon record": partial(_read_records, "read_present_logon_records"),
    "present process record": partial(_read_records, "read_present_process_records"),
    "machine": _read_machine,
    "processor": _read_processors,
    "namespace": _read_namespaces,
}
