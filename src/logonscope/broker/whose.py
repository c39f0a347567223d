"""Whose process is that?

One process key costs the process, its parents up to the login, and the login's record: the same whether the host runs
fifty other processes or fifty thousand.
"""

import re
from typing import NamedTuple

from logonscope.answers import SessionOf, Whose
from logonscope.broker.access import limit
from logonscope.broker.logon import KEY, logon_of
from logonscope.broker.session_processes import row_maker
from logonscope.broker.view import Broker, logins_of
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.facts import Process, Socket
from logonscope.machine import NO_PROCESSES, Needs, Snapshot
from logonscope.ownership import join, owners
from logonscope.providers.helpers.text import fit

_KEY = KEY | {"tgid"}


class Candidate(NamedTuple):
    """A process that the target may mean. ``start`` tells it from a later one with its pid; None: any."""

    pid: int
    start: int | None = None
    sockets: tuple[Socket, ...] = ()


def whose(broker: Broker, target: str) -> list[Whose]:
    """Say whose a process is: by pid, by name, or by ":PORT" that it listens on or is connected through.

    Raises:
        NotFoundError: no such process, or nobody holds that port.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
        InvalidParameterError: the target has no meaning.
    """
    found: list[Whose] = []
    refused: LogonscopeError | None = None
    for candidate in _candidates(broker, target):
        try:
            found.append(_answer(broker, target, candidate))
        except (AccessDeniedError, NotFoundError) as error:
            refused = error if refused is None or isinstance(error, AccessDeniedError) else refused
    if not found and refused:
        raise refused
    return found


def session_of(broker: Broker, pid: int) -> SessionOf:
    """Return the logon session of a process and the evidence for it.

    Raises:
        NotFoundError: there is no such process.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
    """
    answer = _answer(broker, str(pid), Candidate(pid))
    return SessionOf(answer.session, answer.evidence)


def _answer(broker: Broker, target: str, candidate: Candidate) -> Whose:
    sight = limit(broker.caller, Needs(process=_KEY))
    snapshot, process = _process(broker, sight.needs, candidate)
    decide = owners(join(logins_of(broker, process)))
    owner = decide(process)
    if owner.logon is None:
        reason = ", ".join(sorted(set((process.unread or {"": "hidden"}).values())))
        raise AccessDeniedError(f"process {process.pid} cannot be read: {reason}", "run `logonscope doctor`")
    if not sight.session(process, owner):
        raise AccessDeniedError(f"process {process.pid} runs in a logon session that is not yours", "use sudo")
    logon = logon_of(broker, snapshot, process, decide)
    row = row_maker(snapshot.machine, snapshot.accounts)
    return Whose(
        target=target,
        pid=process.pid,
        logon_id=owner.logon,
        evidence=owner.evidence,
        session=fit(logon.session),
        process=row(sight.shown(process, owner), owner),
        chain=tuple(row(sight.shown(link, owned), owned) for link, owned in logon.chain),
        sockets=candidate.sockets,
    )


def _process(broker: Broker, needs: Needs, candidate: Candidate) -> tuple[Snapshot, Process]:
    """Read the process; a thread's id is answered with the process that it is a thread of."""
    pid = candidate.pid
    snapshot = broker.source.observe(needs._replace(pids=frozenset({pid})))
    process = next(iter(snapshot.processes), None)
    if process is not None and process.tgid is not None and process.tgid != pid:
        snapshot = broker.source.observe(needs._replace(pids=frozenset({process.tgid})))
        process = next(iter(snapshot.processes), None)
    if process is None or (candidate.start is not None and process.start != candidate.start):
        raise NotFoundError(f"no process {pid}", "see `logonscope ps`; a process that has ended leaves no trace")
    return snapshot, process


def _candidates(broker: Broker, target: str) -> list[Candidate]:
    if target.startswith(":"):
        return _holders(broker, target)
    if not re.fullmatch("[0-9]+", target):
        return _named(broker, target)
    if len(target) > 10:
        raise InvalidParameterError(f"{target[:20]}... is no pid", "give a pid, a process name, or :PORT")
    return [Candidate(int(target))]


def _named(broker: Broker, name: str) -> list[Candidate]:
    """Find processes by name; of somebody else's only by the name that the kernel keeps, which is everybody's."""
    sight = limit(broker.caller, Needs(process=frozenset({"name", "comm"}), names=frozenset({name})))
    processes = map(sight.shown, broker.source.observe(sight.needs).processes)
    found = [Candidate(process.pid, process.start) for process in processes if name in {process.name, process.comm}]
    if not found:
        raise NotFoundError(
            f"no process is named {name!r}", "give a pid, the exact name as in `logonscope ps`, or :PORT"
        )
    return sorted(found)


def _holders(broker: Broker, target: str) -> list[Candidate]:
    """Find who holds a port; which sockets a process holds is a detail, seen of one's own."""
    if not re.fullmatch(":[0-9]{1,5}", target) or not 0 < int(target[1:]) < 65536:
        raise InvalidParameterError(f"{target} is no port", "give :PORT with a number from 1 to 65535, as :8080")
    port = int(target[1:])
    sight = limit(broker.caller, Needs(process=frozenset({"sockets", "comm"})))
    at_port = broker.source.observe(Needs(pids=NO_PROCESSES, ports=frozenset({port}))).sockets
    by_inode = {socket.inode: socket for socket in at_port if socket.inode}
    holders, unread = [], 0
    for process in map(sight.shown, broker.source.observe(sight.needs).processes) if by_inode else ():
        unread += "sockets" in (process.unread or ())
        held = tuple(by_inode[inode] for inode in process.sockets or () if inode in by_inode)
        if held:
            holders.append(Candidate(process.pid, process.start, held))
    if holders:
        return sorted(holders)
    if not sight.everything:
        raise NotFoundError(f"no process of yours holds port {port}", "use sudo to look at everybody's")
    if by_inode and unread:
        what = f"something holds port {port}, but the open files of {unread} processes cannot be read"
        raise AccessDeniedError(what, "use sudo; root needs CAP_SYS_PTRACE")
    if by_inode:
        raise NotFoundError(f"no process holds port {port}: its socket is the kernel's, or on its way", "ask again")
    raise NotFoundError(f"nothing listens on port {port} or is connected through it", "see `ss -tulpn`")
