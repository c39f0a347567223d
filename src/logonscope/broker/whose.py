"""Whose a process is: the login that started it.

One process key costs the process, its parents up to the login, and the login's record: the same whether the host runs
fifty other processes or fifty thousand.
"""

from typing import NamedTuple

from logonscope.answers.session_process import SessionOf
from logonscope.answers.whose import Whose
from logonscope.broker.logon_of_process import logon_of
from logonscope.broker.request import Request
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.errors import AccessDeniedError, Hint, HintCode, LogonscopeError, NotFoundError
from logonscope.facts import Process, Socket
from logonscope.machine import Facts, ProcessQuery, SocketQuery

MOST_DIGITS = 10
"""Of a pid; the kernel's largest has 7."""


class Candidate(NamedTuple):
    """A process that the target may mean. ``start`` tells it from a later one with its pid; None: any."""

    pid: int
    start: int | None = None
    sockets: tuple[Socket, ...] = ()


def whose(request: Request, target: str) -> list[Whose]:
    """Say whose the processes are that a target means: a pid, a name, a port, an executable, an account.

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
    logon = logon_of(request, process, owner, logons, facts - {"cmdline", "exe"})
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
    if target.isascii() and target.isdecimal() and len(target) <= MOST_DIGITS:
        return [Candidate(int(target))]
    from logonscope.answers.whose_target import parse_target  # noqa: PLC0415 -- most questions are about a pid
    from logonscope.broker import whose_candidates  # noqa: PLC0415 -- the same

    asked = parse_target(target)
    if asked.kind == "port":
        return _holders(request, asked.port, asked.address)
    if asked.kind == "executable":
        found = whose_candidates.running(request, asked.text)
    elif asked.kind == "word":
        found = whose_candidates.of_word(request, asked.text)
    else:
        find = whose_candidates.named if asked.kind == "name" else whose_candidates.of_account
        found = find(request, asked.text)
    if not found:
        what = "no process is named" if asked.kind == "name" else "no process belongs to an account"
        raise NotFoundError(f"{what} {asked.text!r}", Hint(HintCode.LIST_PROCESSES))
    return [Candidate(pid, start) for pid, start in found]


def _holders(request: Request, port: int, address: str | None) -> list[Candidate]:
    """Find who holds a port; which sockets a process holds is a detail, seen of one's own."""
    from logonscope.broker.whose_candidates import bound_to  # noqa: PLC0415 -- most questions are about a pid

    what = f"port {port}" if address is None else f"port {port} of {address}"
    request.admit()
    at_port = request.source.sockets(request.look, SocketQuery(ports=frozenset({port})))
    by_inode = {socket.inode: socket for socket in bound_to(list(at_port), address) if socket.inode}
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
            f"no process of yours holds {what}", Hint(HintCode.GET_RIGHTS, also=" to look at everybody's")
        )
    if by_inode and unread:
        reason = f"something holds {what}, but the open files of {unread} processes cannot be read"
        raise AccessDeniedError(reason, Hint(HintCode.GET_RIGHTS, also="; root needs CAP_SYS_PTRACE"))
    if by_inode:
        raise NotFoundError(f"no process holds {what}: its socket is the kernel's, or on its way", "ask again")
    raise NotFoundError(f"nothing listens on {what} or is connected through it", "see `ss -tulpn`")
