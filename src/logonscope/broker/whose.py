"""Whose process is that?

One process key costs the process, its parents up to the login, and the login's record: the same whether the host runs
fifty other processes or fifty thousand.
"""

import re
from collections.abc import Callable, Iterator

from logonscope.broker.access import limit
from logonscope.broker.session_processes import ROW, row_maker
from logonscope.broker.view import LOGINS, Broker
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotFoundError
from logonscope.facts import UNSET, Login, Needs, Owner, Process, SessionOf, Snapshot, Socket, Whose
from logonscope.ownership import join, login_of_cgroup, logon_session, owners
from logonscope.ownership.join import is_manager, kernel_id

LONGEST_CHAIN = 1000
"""Parents that are followed: a chain longer than this is cut at the login's side."""

_ANCESTOR = ROW - {"cmdline", "exe"}


def whose(broker: Broker, target: str) -> list[Whose]:
    """Say whose a process is: by pid, by name, or by ":PORT" that it listens on or is connected through.

    Raises:
        NotFoundError: no such process, or nobody holds that port.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
        InvalidParameterError: the target has no meaning.
    """
    sockets: dict[int, tuple[Socket, ...]] = {}
    if target.startswith(":"):
        sockets = _holders(broker, target)
        pids = sorted(sockets)
    elif re.fullmatch("[0-9]+", target):
        pids = [_pid(target)]
    else:
        pids = _named(broker, target)
    found, refused = [], 0
    for pid in pids:
        try:
            found.append(_answer(broker, target, pid, sockets.get(pid, ())))
        except AccessDeniedError:
            refused += 1
        except NotFoundError:
            if len(pids) == 1:
                raise
    if not found and refused:
        raise AccessDeniedError(f"{_say(target)} runs in a logon session that is not yours", "use sudo")
    if not found:
        raise NotFoundError(f"{_say(target)} is no longer running", "ask again")
    return found


def session_of(broker: Broker, pid: int) -> SessionOf:
    """Return the logon session of a process and the evidence for it.

    Raises:
        NotFoundError: there is no such process.
        AccessDeniedError: there is one, but its logon session is not the caller's to see.
    """
    answer = _answer(broker, str(pid), pid, ())
    return SessionOf(answer.session, answer.evidence)


def _answer(broker: Broker, target: str, pid: int, sockets: tuple[Socket, ...]) -> Whose:
    sight = limit(broker.caller, Needs(process=ROW, pids=frozenset({pid})))
    snapshot, process = _process(broker, sight.needs)
    decide = owners(join(_logins(broker, process)))
    owner = decide(process)
    if owner.logon is None:
        raise AccessDeniedError(f"process {pid} cannot be read: /proc hides it (hidepid)", "use sudo")
    if not sight.session(process, owner):
        raise AccessDeniedError(f"process {pid} runs in a logon session that is not yours", "use sudo")
    chain = list(_chain(broker, process, decide))
    members = [*reversed(chain), process]
    if owner.login and owner.login.process:
        members.insert(0, owner.login.process)
    row = row_maker(snapshot.machine, snapshot.accounts)
    return Whose(
        target=target,
        pid=pid,
        logon_id=owner.logon,
        evidence=owner.evidence,
        process=row(sight.shown(process), owner),
        session=logon_session(owner, members, snapshot.machine, snapshot.accounts, whole=False),
        chain=tuple(row(sight.shown(link), owner) for link in [*reversed(chain), process]),
        sockets=sockets,
    )


def _process(broker: Broker, needs: Needs) -> tuple[Snapshot, Process]:
    snapshot = broker.source.observe(needs)
    process = next(iter(snapshot.processes), None)
    if process is None:
        (pid,) = needs.pids or (0,)
        raise NotFoundError(f"no process {pid}", "see `logonscope ps`; a process that has ended leaves no trace")
    return snapshot, process


def _logins(broker: Broker, process: Process) -> tuple[Login, ...]:
    """Read the few login records that can speak for this process; all of them only where those do not."""
    placed = login_of_cgroup(process.cgroup or "")
    kernel = process.ses if process.ses != UNSET else None
    ids = {login_id for login_id in (placed, kernel and str(kernel)) if login_id}
    if not ids and not _elogind(process):
        return ()
    observe = broker.source.observe
    few = observe(LOGINS._replace(login_ids=frozenset(ids))).logins
    for login in few:
        numbered = login.id == str(kernel) and kernel_id(login) == kernel
        if numbered or (kernel and is_manager(login) and kernel_id(login) == kernel):
            return few
        if kernel is None and kernel_id(login) is None and login.id == placed:
            return few
    return observe(LOGINS).logins


def _elogind(process: Process) -> bool:
    """Tell whether the cgroup can be a login's of elogind: one component below the root."""
    return re.match(r"/(c?[0-9]+)(/|$)", process.cgroup or "") is not None


def _chain(broker: Broker, process: Process, decide: Callable[[Process], Owner]) -> Iterator[Process]:
    """Yield the parents of a process as long as they are of its logon session, nearest first."""
    logon, child, seen = decide(process).logon, process, {process.pid}
    while child.ppid and child.ppid not in seen and len(seen) < LONGEST_CHAIN:
        needs = limit(broker.caller, Needs(process=_ANCESTOR, pids=frozenset({child.ppid}))).needs
        parent = next(iter(broker.source.observe(needs).processes), None)
        if parent is None or (parent.start or 0) > (child.start or 0) or decide(parent).logon != logon:
            return
        yield parent
        seen.add(parent.pid)
        child = parent


def _pid(target: str) -> int:
    if len(target) > 10:
        raise InvalidParameterError(f"{target[:20]}... is no pid", "give a pid, a process name, or :PORT")
    return int(target)


def _named(broker: Broker, name: str) -> list[int]:
    needs = Needs(process=frozenset({"name"}), names=frozenset({name}))
    pids = sorted(process.pid for process in broker.source.observe(needs).processes)
    if not pids:
        raise NotFoundError(
            f"no process is named {name!r}", "give a pid, the exact name as in `logonscope ps`, or :PORT"
        )
    return pids


def _holders(broker: Broker, target: str) -> dict[int, tuple[Socket, ...]]:
    if not re.fullmatch(":[0-9]{1,5}", target) or not 0 < int(target[1:]) < 65536:
        raise InvalidParameterError(f"{target} is no port", "give :PORT with a number from 1 to 65535, as :8080")
    port = int(target[1:])
    observe = broker.source.observe
    at_port = observe(Needs(pids=frozenset(), ports=frozenset({port}))).sockets
    by_inode = {socket.inode: socket for socket in at_port if socket.inode}
    if not by_inode:
        raise NotFoundError(f"nothing listens on port {port} or is connected through it", "see `ss -tulpn`")
    holders = {}
    for process in observe(Needs(process=frozenset({"sockets"}))).processes:
        held = tuple(by_inode[inode] for inode in process.sockets or () if inode in by_inode)
        if held:
            holders[process.pid] = held
    if not holders:
        raise AccessDeniedError(
            f"whoever holds port {port} cannot be seen: its open files are not readable", "use sudo"
        )
    return holders


def _say(target: str) -> str:
    return f"what holds port {target[1:]}" if target.startswith(":") else f"process {target}"
