"""The whose operation: finds the login that a process comes from.

For a pid, only the process, its parents up to the login, and the login's record are read: the cost does not depend on
the number of processes on the host.
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
"""Maximum number of digits of a pid; the kernel's largest pid has 7."""


class Candidate(NamedTuple):
    """A process that a target may mean. ``start`` distinguishes it from a later process with its pid; None: any."""

    pid: int
    start: int | None = None
    sockets: tuple[Socket, ...] = ()


def whose(request: Request, target: str) -> list[Whose]:
    """Return the login of each process that a target means: a pid, a name, a port, an executable or an account.

    Raises:
        NotFoundError: there is no such process, or no process holds that port.
        AccessDeniedError: the process exists, but the caller may not see its logon session.
        InvalidParameterError: the target is invalid.
    """
    answers: list[Whose] = []
    failure: LogonscopeError | None = None
    for candidate in _find_candidates(request, target):
        try:
            answers.append(_build_answer(request, target, candidate))
        except (AccessDeniedError, NotFoundError) as error:
            # of several failures the denied access says more than a process that ended in the meantime
            failure = error if failure is None or isinstance(error, AccessDeniedError) else failure
    if not answers and failure:
        raise failure
    return answers


def session_of(request: Request, pid: int) -> SessionOf:
    """Return the logon session of a process and the evidence for it.

    Raises:
        NotFoundError: there is no such process.
        AccessDeniedError: the process exists, but the caller may not see its logon session.
    """
    answer = _build_answer(request, str(pid), Candidate(pid))
    return SessionOf(answer.session, answer.evidence)


def _build_answer(request: Request, target: str, candidate: Candidate) -> Whose:
    visibility = request.visibility
    facts = row_facts(request) | request.ownership.owner_facts | request.ownership.description_facts
    process = _read_process(request, facts | {"tgid"}, candidate)
    logons = request.index_for(process)
    owner = logons.owner(process)
    # For other callers the reason is hidden, as access.py hides it: it would distinguish processes of other users.
    if owner.logon_id is None and visibility.everything:
        # without owner: the files that would name it could not be read, as where /proc hides them
        reason = ", ".join(sorted(set((process.unread or {"": "hidden"}).values())))
        raise AccessDeniedError(f"cannot read process {process.pid}: {reason}", Hint(HintCode.CHECK_ACCESS))
    if owner.logon_id is None or not visibility.sees_session(process, owner):
        raise AccessDeniedError(
            f"process {process.pid} belongs to a logon session of another user", Hint(HintCode.GET_RIGHTS)
        )
    logon = logon_of(request, process, owner, logons, facts - {"cmdline", "exe"})
    return Whose(
        target=target,
        pid=process.pid,
        logon_id=owner.logon_id,
        evidence=owner.evidence,
        session=logon.session,
        process=process_row(request, visibility.masked(process, facts, owner), owner),
        chain=tuple(
            process_row(request, visibility.masked(link, facts, link_owner), link_owner)
            for link, link_owner in logon.chain
        ),
        sockets=candidate.sockets,
    )


def _read_process(request: Request, facts: Facts, candidate: Candidate) -> Process:
    """Read the process of a candidate; for the id of a thread, the process that the thread belongs to."""
    pid = candidate.pid
    process = request.read_process(pid, facts)
    if process is not None and process.tgid is not None and process.tgid != pid:
        process = request.read_process(process.tgid, facts)
    # a name or port was resolved to a pid before; a later process may have that pid now
    if process is None or (candidate.start is not None and process.start != candidate.start):
        raise NotFoundError(
            f"no process {pid}", Hint(HintCode.LIST_PROCESSES, also="; ended processes are not recorded")
        )
    return process


def _find_candidates(request: Request, target: str) -> list[Candidate]:
    if target.isascii() and target.isdecimal() and len(target) <= MOST_DIGITS:
        return [Candidate(int(target))]
    from logonscope.answers.whose_target import parse_target  # noqa: PLC0415 -- most targets are pids
    from logonscope.broker import whose_candidates  # noqa: PLC0415 -- the same

    parsed = parse_target(target)
    if parsed.kind == "port":
        return _find_holders(request, parsed.port, parsed.address)
    if parsed.kind == "executable":
        matches = whose_candidates.find_by_executable(request, parsed.text)
    elif parsed.kind == "word":
        matches = whose_candidates.find_by_word(request, parsed.text)
    elif parsed.kind == "name":
        matches = whose_candidates.find_by_name(request, parsed.text)
    else:
        matches = whose_candidates.find_by_account(request, parsed.text)
    if not matches:
        what = "no process is named" if parsed.kind == "name" else "no process belongs to an account"
        raise NotFoundError(f"{what} {parsed.text!r}", Hint(HintCode.LIST_PROCESSES))
    return [Candidate(pid, start) for pid, start in matches]


def _find_holders(request: Request, port: int, address: str | None) -> list[Candidate]:
    """Find the processes that hold a port; the sockets of a process are a detail that only its user may see."""
    from logonscope.broker.whose_candidates import sockets_at_address  # noqa: PLC0415 -- most targets are pids

    what = f"port {port}" if address is None else f"port {port} of {address}"
    request.admit()
    port_sockets = request.source.sockets(request.look, SocketQuery(ports=frozenset({port})))
    by_inode = {socket.inode: socket for socket in sockets_at_address(list(port_sockets), address) if socket.inode}
    holders, unread_count = [], 0
    query = ProcessQuery(frozenset({"sockets", "comm", "start"}))
    for process in request.read_masked(query) if by_inode else ():
        unread_count += "sockets" in (process.unread or ())
        held = tuple(by_inode[inode] for inode in process.sockets or () if inode in by_inode)
        if held:
            holders.append(Candidate(process.pid, process.start, held))
    if holders:
        return sorted(holders)
    if not request.visibility.everything:
        raise NotFoundError(
            f"no process of yours holds {what}", Hint(HintCode.GET_RIGHTS, also=" to include other users' processes")
        )
    if by_inode and unread_count:
        reason = f"cannot find the holder of {what}: the open files of {unread_count} processes cannot be read"
        raise AccessDeniedError(reason, Hint(HintCode.GET_RIGHTS, also="; root needs CAP_SYS_PTRACE"))
    if by_inode:
        raise NotFoundError(
            f"no process holds {what}: its socket is the kernel's, or just being passed on", "try again"
        )
    raise NotFoundError(f"no socket listens on {what} or is connected through it", "see `ss -tulpn`")
