"""Whose process is that?

One process key costs the process, its parents up to the login, and the login's record: the same whether the host runs
fifty other processes or fifty thousand.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from logonscope.broker.access import limit
from logonscope.broker.session_processes import ROW, row_maker
from logonscope.broker.text import fit
from logonscope.broker.view import LOGINS, Broker
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.facts import NO_PROCESSES, UNSET, Login, Needs, Owner, Process, SessionOf, Snapshot, Socket, Whose
from logonscope.ownership import join, login_of_cgroup, logon_session, owners
from logonscope.ownership.join import is_manager, kernel_id
from logonscope.ownership.logon_type import LOGIN_PROGRAMS

LONGEST_CHAIN = 1000
"""Parents that are followed: a chain longer than this is cut at the login's side."""

MOST_BELOW_A_LEADER = 64
"""Processes below a login's leader that are looked at for the terminal it gave."""

_KEY = ROW | {"cgroup", "tgid"}
_ANCESTOR = _KEY - {"cmdline", "exe"}
_TERMINAL = frozenset({"comm", "children", "uids"})


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
    decide = owners(join(_logins(broker, process)))
    owner = decide(process)
    if owner.logon is None:
        reason = ", ".join(sorted(set((process.unread or {"": "hidden"}).values())))
        raise AccessDeniedError(f"process {process.pid} cannot be read: {reason}", "run `logonscope doctor`")
    if not sight.session(process, owner):
        raise AccessDeniedError(f"process {process.pid} runs in a logon session that is not yours", "use sudo")
    chain = [*reversed(list(_chain(broker, process, decide))), (process, owner)]
    beginning, told = _beginning(broker, owner, [link for link, _ in chain])
    members = [*beginning, *(link for link, _ in chain)]
    machine, accounts = snapshot.machine, snapshot.accounts
    row = row_maker(machine, accounts)
    return Whose(
        target=target,
        pid=process.pid,
        logon_id=owner.logon,
        evidence=owner.evidence,
        session=fit(logon_session(owner, members, machine, accounts, whole=False, terminal_told=told)),
        process=row(sight.shown(process), owner),
        chain=tuple(row(sight.shown(link), owned) for link, owned in chain),
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


def _logins(broker: Broker, process: Process) -> tuple[Login, ...]:
    """Read the few login records that can speak for this process; all of them only where those do not."""
    placed = login_of_cgroup(process.cgroup or "")
    kernel = process.ses if process.ses != UNSET else None
    ids = {login_id for login_id in (placed, kernel and str(kernel)) if login_id}
    if not ids and not re.match(r"/c?[0-9]+(/|$)", process.cgroup or ""):  # elogind's cgroups have one component
        return ()
    observe = broker.source.observe
    few = observe(LOGINS._replace(login_ids=frozenset(ids))).logins
    numbered = any(kernel and kernel_id(login) == kernel and login.id == str(kernel) for login in few)
    without_id = any(kernel is None and kernel_id(login) is None and login.id == placed for login in few)
    if (numbered or without_id) and not any(map(is_manager, few)):  # a manager may have a session's record besides
        return few
    return observe(LOGINS).logins


def _chain(broker: Broker, process: Process, decide: Callable[[Process], Owner]) -> Iterator[tuple[Process, Owner]]:
    """Yield the parents of a process as long as they are of its logon session, nearest first.

    Where the arguments of one hang, those of the others are not tried: names stay as the kernel cuts them.
    """
    logon, child, seen, facts = decide(process).logon, process, {process.pid}, _ANCESTOR
    while child.ppid and child.ppid not in seen and len(seen) < LONGEST_CHAIN:
        if {"name", "cmdline"}.intersection(child.unread or ()):
            facts -= {"name"}
        parent = _read(broker, child.ppid, facts)
        if parent is None or (parent.start or 0) > (child.start or 0):
            return
        owner = decide(parent)
        if owner.logon != logon:
            return
        yield parent, owner
        seen.add(parent.pid)
        child = parent


def _beginning(broker: Broker, owner: Owner, chain: list[Process]) -> tuple[list[Process], bool]:
    """Return the leader and what is right below it, as far as it is not in the chain: one has the login's terminal.

    And whether that can be told: a kernel without CONFIG_PROC_CHILDREN does not say what is below a process.
    """
    login = owner.login
    leader = login.process if login else next((link for link in chain[:1] if link.comm in LOGIN_PROGRAMS), None)
    if leader is None or (login and login.tty):
        return [], True
    found, told = [leader], True
    waiting = [process for process in (_read(broker, leader.pid, _TERMINAL),) if process]
    while waiting and len(found) < MOST_BELOW_A_LEADER:
        process = waiting.pop(0)
        if process.tty_nr or process.comm != leader.comm:
            continue
        told = told and process.children is not None
        below = [child for pid in process.children or () if (child := _read(broker, pid, _TERMINAL))]
        found += below
        waiting += below
    known = {link.pid for link in chain}
    return [process for process in found if process.pid not in known], told


def _read(broker: Broker, pid: int, facts: frozenset[str]) -> Process | None:
    needs = limit(broker.caller, Needs(process=facts, pids=frozenset({pid}))).needs
    return next(iter(broker.source.observe(needs).processes), None)


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
