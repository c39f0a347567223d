"""The contents of a recording: every fact that any operation may need, as far as the caller may see it."""

from collections.abc import Iterable, Iterator

from logonscope.broker.request import ProcessWithOwner, Request
from logonscope.broker.unit_requests import read_unit_requests
from logonscope.facts import ALL_FACTS, Account, Authentication, Login, LoginHistory, Process
from logonscope.machine import (
    PARTIAL,
    AccountQuery,
    AuthenticationQuery,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    Trouble,
)
from logonscope.machine.snapshot import Snapshot

MAX_CMDLINE_BYTES = 8 << 20
"""Maximum bytes of the arguments of each process; the kernel allows at most 6 MiB (execve(2))."""


def recordable_snapshot(request: Request) -> Snapshot:
    """Return a snapshot with every fact that the caller may see.

    Iterate processes, accounts, groups and authentications in this order: they are read while they are iterated. All
    other parts, and the processes of a caller that is not an administrator, are read before the function returns.
    Iterate the troubles last: every reading can add some.
    """
    request.admit()
    source, look, sees_everything = request.source, request.look, request.visibility.may_see_everything
    machine = request.visibility.masked_machine(source.machine(look, frozenset({"platform", "vitals", "hardware"})))
    read_result = request.read(ProcessQuery(ALL_FACTS, max_cmdline_bytes=MAX_CMDLINE_BYTES))
    logins = tuple(filter(request.visibility.sees_login, source.logins(look)))
    sockets = (
        *source.sockets(look, SocketQuery(all_namespaces=True)),
        *source.sockets(look, SocketQuery(family="unix", all_namespaces=True)),
    )
    services = tuple(map(request.visibility.masked_service, source.services(look, ServiceQuery())))
    history = tuple(_visible_history(request))
    listed_accounts, groups = source.accounts(look, AccountQuery("ALL", "ALL", with_passwords=sees_everything))
    seen_uids, seen_leaders = _SeenUids(logins), _SeenLeaders(request, logins)
    processes: Iterable[Process] = seen_leaders.collect(seen_uids.collect(request, read_result.pairs))
    accounts = map(request.visibility.account, seen_uids.accounts(request, listed_accounts))
    authentications = seen_leaders.authentications()
    snapshot = Snapshot(
        machine, processes, logins, sockets, accounts, groups, look.troubles, authentications, services, history,
        tuple(unit_request for unit_request, _ in read_unit_requests(request)),
    )  # fmt: skip
    return snapshot if sees_everything else _keep_visible(request, snapshot)


def _visible_history(request: Request) -> Iterator[LoginHistory]:
    """Yield the past logins that the caller may see: those of its own account, or all for an administrator."""
    visibility, name = request.visibility, request.accounts.name(request.caller.uid)
    for row in request.source.login_history(request.look):
        is_own = row.user == name if row.uid is None else visibility.sees_account_history(row.uid)
        if visibility.may_see_everything or is_own:
            yield row


def _keep_visible(request: Request, snapshot: Snapshot) -> Snapshot:
    """Keep only the sockets that visible processes hold, and note in the recording that it is partial."""
    processes = list(snapshot.processes)
    # /proc/net shows the sockets of every user
    held_inodes = {
        inode for process in processes for inode in (*(process.sockets or ()), *(process.thread_sockets or ()))
    }
    name = request.caller.name
    # reported to the request's Look: its troubles are those of the snapshot, and parts that are read later add to them
    request.look.report(
        Trouble(PARTIAL, f"made by {name}: it holds only the logon sessions of that user", "record as root")
    )
    return snapshot._replace(
        processes=processes,
        sockets=tuple(socket for socket in snapshot.sockets if socket.inode in held_inodes),
    )


class _SeenLeaders:
    """The leaders of the logins in a recording: what they logged about authentications is recorded, too."""

    def __init__(self, request: Request, logins: Iterable[Login]) -> None:
        self._request = request
        self._queries = {
            login.leader: AuthenticationQuery(login.leader, login.process and login.process.ppid)
            for login in logins
            if login.leader is not None
        }

    def collect(self, processes: Iterable[Process]) -> Iterator[Process]:
        """Yield the processes, and collect the login programs among them."""
        for process in processes:
            # the leader of a login without a record is its first process, which is known only once all have been read
            if self._request.ownership.is_login_program(process):
                self._queries.setdefault(process.pid, AuthenticationQuery(process.pid, process.ppid))
            yield process

    def authentications(self) -> Iterator[Authentication]:
        """Yield what the leaders logged. Iterate this after all processes have been collected."""
        yield from self._request.source.authentications(self._request.look, list(self._queries.values()))


class _SeenUids:
    """The uids in a recording, whose accounts are recorded even if the name service does not list them."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._uids = {login.uid for login in logins}

    def collect(self, request: Request, pairs: Iterable[ProcessWithOwner]) -> Iterator[Process]:
        """Yield the processes, and collect their uids and login uids."""
        for process, owner in pairs:
            self._uids.update(uid for uid in process.uids or () if uid is not None)
            self._uids.add(request.ownership.login_uid(owner, (process,)) or 0)
            yield process

    def accounts(self, request: Request, listed_accounts: Iterable[Account]) -> Iterator[Account]:
        """Yield the listed accounts, then those of the other collected uids.

        Iterate this after all processes have been collected.
        """
        for account in listed_accounts:
            self._uids.discard(account.uid)
            yield account
        yield from filter(None, map(request.accounts.get, sorted(self._uids)))
