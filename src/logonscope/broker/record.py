"""The contents of a recording: every fact that any operation may need, as far as the caller may see it."""

from collections.abc import Iterable, Iterator

from logonscope.broker.request import Owned, Request
from logonscope.facts import ALL_FACTS, Account, Login, LoginHistory, Process
from logonscope.machine import PARTIAL, AccountQuery, ProcessQuery, ServiceQuery, SocketQuery, Trouble
from logonscope.machine.snapshot import Snapshot

MOST_ARGUMENTS = 8 << 20
"""Bytes a process; the kernel allows at most 6 MiB (execve(2))."""


def recordable_snapshot(request: Request) -> Snapshot:
    """Return a snapshot with every fact; for a caller that is not an administrator, of its own processes only.

    The parts are read while they are iterated, in the order of Snapshot's fields.
    """
    request.admit()
    source, look = request.source, request.look
    machine = source.machine(look, frozenset({"platform", "vitals"}))
    owned = request.read(ProcessQuery(ALL_FACTS, max_cmdline_bytes=MOST_ARGUMENTS))
    logins = tuple(filter(request.visibility.sees_login, source.logins(look)))
    sockets = tuple(source.sockets(look, SocketQuery()))
    services = tuple(map(request.visibility.masked_service, source.services(look, ServiceQuery())))
    history = tuple(_visible_history(request))
    listed, groups = source.accounts(look, AccountQuery(users="ALL", groups="ALL"))
    seen_uids = _SeenUids(logins)
    processes: Iterable[Process] = seen_uids.collect(request, owned.pairs)
    users = seen_uids.accounts(request, listed)
    snapshot = Snapshot(machine, processes, logins, sockets, users, groups, look.troubles, services, history)
    return snapshot if request.visibility.everything else _keep_visible(request, snapshot)


def _visible_history(request: Request) -> Iterator[LoginHistory]:
    """Yield the past logins of accounts that the caller may see."""
    visibility, own = request.visibility, request.accounts.name(request.caller.uid)
    for row in request.source.login_history(request.look):
        if visibility.everything or (row.user == own if row.uid is None else visibility.sees_account_history(row.uid)):
            yield row


def _keep_visible(request: Request, snapshot: Snapshot) -> Snapshot:
    """Keep only what the caller may see, and note in the recording that it is partial."""
    processes = list(snapshot.processes)
    # /proc/net shows the sockets of every user; a recording of the caller has only those that its processes hold
    held_inodes = {inode for process in processes for inode in process.sockets or ()}
    name = request.caller.name
    partial = Trouble(PARTIAL, f"made by {name}: it holds only the logon sessions of that user", "record as root")
    return snapshot._replace(
        processes=processes,
        sockets=tuple(socket for socket in snapshot.sockets if socket.inode in held_inodes),
        troubles=[*snapshot.troubles, partial],
    )


class _SeenUids:
    """The uids that occur in a recording, so that it has their accounts even if the name service does not list them."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._uids = {login.uid for login in logins}

    def collect(self, request: Request, pairs: Iterable[Owned]) -> Iterator[Process]:
        """Yield the processes, and collect their uids and login uids."""
        # Snapshot's fields are written in order, processes before accounts: all uids are known when accounts are read
        for process, owner in pairs:
            self._uids.update(process.uids or (), {request.ownership.login_uid(owner, (process,)) or 0})
            yield process

    def accounts(self, request: Request, listed: Iterable[Account]) -> Iterator[Account]:
        """Yield the listed accounts, then those of the other uids that occurred."""
        for account in listed:
            self._uids.discard(account.uid)
            yield account
        yield from filter(None, map(request.accounts.get, sorted(self._uids)))
