"""What a recording holds: everything that any question could ask, of what the caller may see."""

from collections.abc import Iterable, Iterator

from logonscope.broker.request import Owned, Request
from logonscope.facts import FACTS, Account, Login, Process
from logonscope.machine import PARTIAL, AccountQuery, ProcessQuery, SocketQuery, Trouble
from logonscope.machine.snapshot import Snapshot

MOST_ARGUMENTS = 8 << 20
"""Bytes: more than the kernel allows a process (execve(2): 6 MiB)."""


def recordable(request: Request) -> Snapshot:
    """Return a snapshot with every fact; to anyone but an administrator, of what is its own alone.

    Its parts are read while they are iterated, in the order of Snapshot's fields.
    """
    request.admit()
    source, look = request.source, request.look
    machine = source.machine(look, frozenset({"platform", "vitals"}))
    owned = request.read(ProcessQuery(FACTS, cmdline_bytes=MOST_ARGUMENTS))
    logins = tuple(filter(request.visibility.sees_login, source.logins(look)))
    sockets = tuple(source.sockets(look, SocketQuery()))
    listed, groups = source.accounts(look, AccountQuery(users="ALL", groups="ALL"))
    uids = _Uids(logins)
    processes: Iterable[Process] = uids.noted(request, owned.pairs)
    snapshot = Snapshot(machine, processes, logins, sockets, uids.accounts(request, listed), groups, look.troubles)
    return snapshot if request.visibility.everything else _own(request, snapshot)


def _own(request: Request, snapshot: Snapshot) -> Snapshot:
    """Keep what the caller may see, and say in the recording that this is all it holds."""
    processes = list(snapshot.processes)
    held = {inode for process in processes for inode in process.sockets or ()}
    name = request.caller.name
    partial = Trouble(PARTIAL, f"made by {name}: it holds its own logon sessions alone", "record as root")
    return snapshot._replace(
        processes=processes,
        sockets=tuple(socket for socket in snapshot.sockets if socket.inode in held),
        troubles=[*snapshot.troubles, partial],
    )


class _Uids:
    """The uids that occur in a recording, so that it has their accounts even where the name service lists none."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._uids = {login.uid for login in logins}

    def noted(self, request: Request, pairs: Iterable[Owned]) -> Iterator[Process]:
        """Yield the processes, and note their uids and those that logged in."""
        for process, owner in pairs:
            self._uids.update(process.uids or (), {request.ownership.login_uid(owner, (process,)) or 0})
            yield process

    def accounts(self, request: Request, listed: Iterable[Account]) -> Iterator[Account]:
        """Yield the accounts that are listed, then those of the other uids."""
        for account in listed:
            self._uids.discard(account.uid)
            yield account
        yield from filter(None, map(request.accounts.get, sorted(self._uids)))
