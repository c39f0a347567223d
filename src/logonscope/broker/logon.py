"""The login that one process comes from: its parents up to the login, and the logon session described by them.

That costs the process, its parents and what is right below the login's leader: the same on a host of fifty processes
and of fifty thousand.
"""

from collections.abc import Sequence
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.request import Owned, Request
from logonscope.facts import Process
from logonscope.machine import Facts, LogonIndex, Owner, ProcessQuery
from logonscope.providers.helpers.text import fit

MOST_BELOW_A_LEADER = 64
"""Processes below a login's leader that are looked at for the terminal it gave."""

_TERMINAL = frozenset({"comm", "ppid", "tty_nr", "start", "children", "uids"})


class Logon(NamedTuple):
    """The logon session of a process, and the chain that leads from the login to the process, itself included."""

    session: LogonSession
    chain: tuple[Owned, ...]


def logon_of(request: Request, process: Process, logons: LogonIndex, facts: Facts) -> Logon:
    """Describe the logon session of a process; whether the caller may see it is decided before.

    Args:
        request: the question.
        process: the process, with the facts that name its owner and describe its logon session.
        logons: what names owners.
        facts: of its parents; those that name owners and describe a logon session, at least.
    """
    owner = logons.owner(process)
    chain = [*reversed(_parents(request, process, logons, facts)), (process, owner)]
    beginning, terminal_read = _beginning(request, owner, [link for link, _ in chain])
    members = [*beginning, *(link for link, _ in chain)]
    session = describe(request, owner, members, whole=False, terminal_read=terminal_read)
    return Logon(session, tuple(chain))


def describe(
    request: Request, owner: Owner, members: Sequence[Process], *, whole: bool = True, terminal_read: bool = True
) -> LogonSession:
    """Describe a logon session from its processes, its text made fit for an answer; arguments as in Ownership."""
    user = request.accounts.name(request.ownership.login_uid(owner, members))
    session = request.ownership.describe(
        owner, members, request.machine, user, whole=whole, terminal_read=terminal_read
    )
    return fit(session)


def _parents(request: Request, process: Process, logons: LogonIndex, facts: Facts) -> list[Owned]:
    """Return the parents of a process as far as they belong to its logon session, nearest first."""
    found: list[Owned] = []
    if not process.ppid:
        return found
    if {"name", "cmdline"}.intersection(process.unread or ()):
        facts -= {"name"}  # where the arguments of one hang, those of its parents are not tried
    logon, child = logons.owner(process).logon, process
    asked = ProcessQuery(request.visibility.deciding(facts), pids=frozenset({process.ppid}), parents=True)
    for parent in request.source.processes(request.look, asked):
        if parent.pid == process.pid or (parent.start or 0) > (child.start or 0):
            break  # the pid was given out again
        owner = logons.owner(parent)
        if owner.logon != logon:
            break
        found.append((parent, owner))
        child = parent
    return found


def _beginning(request: Request, owner: Owner, chain: Sequence[Process]) -> tuple[list[Process], bool]:
    """Return the leader and what is right below it, as far as it is not in the chain: one has the login's terminal.

    And whether that can be read: a kernel without CONFIG_PROC_CHILDREN does not say what is below a process.
    """
    login = owner.login
    leader = login.process if login else next(filter(request.ownership.is_login_program, chain[:1]), None)
    if leader is None or (login and login.tty):
        return [], True
    found, readable = [leader], True
    waiting = _read(request, [leader.pid])
    while waiting and len(found) < MOST_BELOW_A_LEADER:
        process = waiting.pop(0)
        if process.tty_nr or process.comm != leader.comm:
            continue
        readable = readable and process.children is not None
        below = _read(request, (process.children or ())[: MOST_BELOW_A_LEADER - len(found)])
        found += below
        waiting += below
    known = {link.pid for link in chain}
    return [process for process in found if process.pid not in known], readable


def _read(request: Request, pids: Sequence[int]) -> list[Process]:
    """Return those of the processes that are there, in the order of their pids in the list."""
    if not pids:
        return []
    asked = ProcessQuery(request.visibility.deciding(_TERMINAL), pids=frozenset(pids))
    by_pid = {process.pid: process for process in request.source.processes(request.look, asked)}
    return [by_pid[pid] for pid in pids if pid in by_pid]
