"""Which login does one process come from? Follows its parents up to the login, and describes the logon session by them.

That costs the process, its parents and what is right below the login's leader: the same on a host of fifty processes
and of fifty thousand.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from logonscope.answers import LogonSession
from logonscope.broker.access import limit
from logonscope.broker.session_processes import ROW
from logonscope.broker.view import Broker, logins_of
from logonscope.facts import Process
from logonscope.machine import Needs, Owner, Snapshot
from logonscope.ownership import join, logon_session, owners
from logonscope.ownership.sessions import is_login_program

LONGEST_CHAIN = 1000
"""Parents that are followed: a chain longer than this is cut at the login's side."""

MOST_BELOW_A_LEADER = 64
"""Processes below a login's leader that are looked at for the terminal it gave."""

KEY = ROW | {"cgroup"}
"""The facts of the process itself."""

ANCESTOR = KEY - {"cmdline", "exe"}
"""The facts of its parents, where they are shown."""

_TERMINAL = frozenset({"comm", "children", "uids"})


class Logon(NamedTuple):
    """The logon session of a process, and the chain that leads from the login to the process, itself included."""

    session: LogonSession
    chain: tuple[tuple[Process, Owner], ...]


def logon_of(
    broker: Broker,
    snapshot: Snapshot,
    process: Process,
    decide: Callable[[Process], Owner] | None = None,
    facts: frozenset[str] = ANCESTOR,
) -> Logon:
    """Describe the logon session of a process; whether the caller may see it is decided before.

    Args:
        broker: the source.
        snapshot: the look that the process is of.
        process: the process, with the facts that a logon session is described by, and its cgroup.
        decide: what names owners, where that is known already.
        facts: of its parents; those that a logon session is described by, and the cgroup, at least.
    """
    decide = decide or owners(join(logins_of(broker, process)))
    owner = decide(process)
    chain = [*reversed(list(_chain(broker, process, decide, facts))), (process, owner)]
    beginning, told = _beginning(broker, owner, [link for link, _ in chain])
    members = [*beginning, *(link for link, _ in chain)]
    session = logon_session(owner, members, snapshot.machine, snapshot.accounts, whole=False, terminal_told=told)
    return Logon(session, tuple(chain))


def _chain(
    broker: Broker, process: Process, decide: Callable[[Process], Owner], facts: frozenset[str]
) -> Iterator[tuple[Process, Owner]]:
    """Yield the parents of a process as long as they are of its logon session, nearest first.

    Where the arguments of one hang, those of the others are not tried: names stay as the kernel cuts them.
    """
    logon, child, seen = decide(process).logon, process, {process.pid}
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
    leader = login.process if login else next(filter(is_login_program, chain[:1]), None)
    if leader is None or (login and login.tty):
        return [], True
    found, told = [leader], True
    waiting = [process for process in (_read(broker, leader.pid, _TERMINAL),) if process]
    while waiting and len(found) < MOST_BELOW_A_LEADER:
        process = waiting.pop(0)
        if process.tty_nr or process.comm != leader.comm:
            continue
        told = told and process.children is not None
        children = (process.children or ())[: MOST_BELOW_A_LEADER - len(found)]
        below = [child for pid in children if (child := _read(broker, pid, _TERMINAL))]
        found += below
        waiting += below
    known = {link.pid for link in chain}
    return [process for process in found if process.pid not in known], told


def _read(broker: Broker, pid: int, facts: frozenset[str]) -> Process | None:
    needs = limit(broker.caller, Needs(process=facts, pids=frozenset({pid}))).needs
    return next(iter(broker.source.observe(needs).processes), None)
