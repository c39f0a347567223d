"""Whose a process is: the login that started it.

One process key costs the process, its parents up to the login, and the login's record: the same whether the host runs
fifty other processes or fifty thousand.
"""

import re
from typing import NamedTuple

from logonscope.answers.session_process import SessionOf
from logonscope.answers.whose import Whose
from logonscope.broker.logon import logon_of
from logonscope.broker.request import Request
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.errors import AccessDeniedError, Hint, HintCode, InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.facts import Process, Socket
from logonscope.machine import Facts, ProcessQuery, SocketQuery


class Candidate(NamedTuple):
    """A process that the target may mean. ``start`` tells it from a later one with its pid; None: any."""

    pid: int
    start: int | None = None
    sockets: tuple[Socket, ...] = ()


def whose(request: Request, target: str) -> list[Whose]:
    """Say whose a process is: by pid, by name, or by ":PORT" that it listens on or is connected through.

    Raises:
        NotFoundError: no such process, or nobody holds that port.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
        InvalidParameterError: the target has no meaning.
    """
    found: list[Whose] = []
    refused: LogonscopeError | None = None
    for candidate in _candidates(request, target):
        try:
            found.append(_answer(request, target, candidate))
        except (AccessDeniedError, NotFoundError) as error:
            refused = error if refused is None or isinstance(error, AccessDeniedError) else refused
    if not found and refused:
        raise refused
    return found


def session_of(request: Request, pid: int) -> SessionOf:
    """Return the logon session of a process and the evidence for it.

    Raises:
        NotFoundError: there is no such process.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
    """
    answer = _answer(request, str(pid), Candidate(pid))
    return SessionOf(answer.session, answer.evidence)


def _answer(request: Request, target: str, candidate: Candidate) -> Whose:
    visibility = request.visibility
    facts = row_facts(request) | request.ownership.facts | request.ownership.describing
    process = _process(request, facts | {"tgid"}, candidate)
    logons = request.index_for(process)
    owner = logons.owner(process)
    if owner.logon is None:
        reason = ", ".join(sorted(set((process.unread or {"": "hidden"}).values())))
        raise AccessDeniedError(f"process {process.pid} cannot be read: {reason}", Hint(HintCode.LOOK_OVER))
    if not visibility.sees_session(process, owner):
        raise AccessDeniedError(
            f"process {process.pid} runs in a logon session that is not yours", Hint(HintCode.GET_RIGHTS)
        )
    logon = logon_of(request, process, logons, facts - {"cmdline", "exe"})
    return Whose(
        target=target,
        pid=process.pid,
        logon_id=owner.logon,
        evidence=owner.evidence,
        session=logon.session,
        process=process_row(request, visibility.masked(process, facts, owner), owner),
        chain=tuple(
            process_row(request, visibility.masked(link, facts, link_owner), link_owner)
            for link, link_owner in logon.chain
        ),
        sockets=candidate.sockets,
    )


def _process(request: Request, facts: Facts, candidate: Candidate) -> Process:
    """Read the process; a thread's id is answered with the process that it is a thread of."""
    pid = candidate.pid
    process = request.read_process(pid, facts)
    if process is not None and process.tgid is not None and process.tgid != pid:
        process = request.read_process(process.tgid, facts)
    if process is None or (candidate.start is not None and process.start != candidate.start):
        raise NotFoundError(
            f"no process {pid}", Hint(HintCode.LIST_PROCESSES, also="; a process that has ended leaves no trace")
        )
    return process


def _candidates(request: Request, target: str) -> list[Candidate]:
    if target.startswith(":"):
        return _holders(request, target)
    if not re.fullmatch("[0-9]+", target):
        return _named(request, target)
    if len(target) > 10:
        raise InvalidParameterError(f"{target[:20]}... is no pid", "give a pid, a process name, or :PORT")
    return [Candidate(int(target))]


def _named(request: Request, name: str) -> list[Candidate]:
    """Find processes by name; of somebody else's only by the name that the kernel keeps, which is everybody's."""
    processes = request.read_masked(ProcessQuery(frozenset({"name", "comm", "start"}), names=frozenset({name})))
    found = [Candidate(process.pid, process.start) for process in processes if name in {process.name, process.comm}]
    if not found:
        raise NotFoundError(
            f"no process is named {name!r}",
            Hint(HintCode.LIST_PROCESSES, also="; give a pid, the exact name, or :PORT"),
        )
    return sorted(found)


def _holders(request: Request, target: str) -> list[Candidate]:
    """Find who holds a port; which sockets a process holds is a detail, seen of one's own."""
    if not re.fullmatch(":[0-9]{1,5}", target) or not 0 < int(target[1:]) < 65536:
        raise InvalidParameterError(f"{target} is no port", "give :PORT with a number from 1 to 65535, as :8080")
    port = int(target[1:])
    request.admit()
    at_port = request.source.sockets(request.look, SocketQuery(ports=frozenset({port})))
    by_inode = {socket.inode: socket for socket in at_port if socket.inode}
    holders, unread = [], 0
    asked = ProcessQuery(frozenset({"sockets", "comm", "start"}))
    for process in request.read_masked(asked) if by_inode else ():
        unread += "sockets" in (process.unread or ())
        held = tuple(by_inode[inode] for inode in process.sockets or () if inode in by_inode)
        if held:
            holders.append(Candidate(process.pid, process.start, held))
    if holders:
        return sorted(holders)
    if not request.visibility.everything:
        raise NotFoundError(
            f"no process of yours holds port {port}", Hint(HintCode.GET_RIGHTS, also=" to look at everybody's")
        )
    if by_inode and unread:
        what = f"something holds port {port}, but the open files of {unread} processes cannot be read"
        raise AccessDeniedError(what, Hint(HintCode.GET_RIGHTS, also="; root needs CAP_SYS_PTRACE"))
    if by_inode:
        raise NotFoundError(f"no process holds port {port}: its socket is the kernel's, or on its way", "ask again")
    raise NotFoundError(f"nothing listens on port {port} or is connected through it", "see `ss -tulpn`")
