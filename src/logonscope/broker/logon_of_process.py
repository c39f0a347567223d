"""The login that one process comes from: its parents up to the login, and the login's description.

Where the login has a record that costs the process, its parents and what is right below the login's leader: the same on
a host of fifty processes and of fifty thousand. Without a record, all processes of the logon session describe it, and
one small file of every process says which those are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.request import Owned, Request
from logonscope.facts import Process
from logonscope.machine import Facts, LogonIndex, Owner, ProcessQuery, Selection
from logonscope.providers.helpers.text import fit

MOST_BELOW_A_LEADER = 1000
"""Processes below a login's leader that are looked at for the terminal it gave."""

_TERMINAL = frozenset({"comm", "ppid", "tty_nr", "start", "children", "uids"})


class Logon(NamedTuple):
    """The logon session of a process, and the chain that leads from the login to the process, itself included."""

    session: LogonSession
    chain: tuple[Owned, ...]


def logon_of(request: Request, process: Process, owner: Owner, logons: LogonIndex, facts: Facts) -> Logon:
    """Describe the logon session of a process; whether the caller may see it is decided before.

    Args:
        request: the question.
        process: the process, with the facts that describe its logon session.
        owner: the process's owner.
        logons: what names owners.
        facts: of its parents; those that name owners and describe a logon session, at least.
    """
    chain = [*reversed(_parents(request, process, owner, logons, facts)), (process, owner)]
    if not request.ownership.is_recorded(owner):
        return Logon(_without_record(request, process, owner), tuple(chain))
    below, terminal_read = _below_leader(request, owner, logons)
    session = describe(request, owner, below, whole=False, terminal_read=terminal_read)
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


def _parents(request: Request, process: Process, owner: Owner, logons: LogonIndex, facts: Facts) -> list[Owned]:
    """Return the parents of a process as far as they belong to its logon session, nearest first."""
    found: list[Owned] = []
    if not process.ppid:
        return found
    if {"name", "cmdline"}.intersection(process.unread or ()):
        facts -= {"name"}  # where the arguments of one hang, those of its parents are not tried
    child = process
    asked = ProcessQuery(request.visibility.deciding(facts), pids=frozenset({process.ppid}), parents=True)
    for parent in request.source.processes(request.look, asked):
        if parent.pid == process.pid or (parent.start or 0) > (child.start or 0):
            break  # the pid was given out again
        parents_owner = logons.owner(parent)
        if parents_owner.logon != owner.logon:
            break
        found.append((parent, parents_owner))
        child = parent
    return found


def _without_record(request: Request, process: Process, owner: Owner) -> LogonSession:
    """Describe a logon session that no login record describes: by all of its processes."""
    if owner.logon is None:
        return describe(request, owner, [process], whole=False)
    query = ProcessQuery(request.ownership.describing)
    selection = Selection(logon_ids=frozenset({owner.logon}))
    pairs = request.read(query, selection, order="processes first", strays=False).pairs
    members = {member.pid: member for member, _ in pairs}
    members.setdefault(process.pid, process)
    request.note_members(owner, members.values())
    return describe(request, owner, list(members.values()), whole=False)  # counts are not asked for


def _below_leader(request: Request, owner: Owner, logons: LogonIndex) -> tuple[list[Process], bool]:
    """Return the leader of a login and the processes below it down to those that may have the login's terminal.

    And whether that can be read: a kernel without CONFIG_PROC_CHILDREN does not say what is below a process.
    """
    login = owner.login
    if login is None or login.process is None or login.tty:
        return [], True
    readable, leader = True, login.process
    found, generation = [leader], _read(request, [leader.pid], owner, logons)
    while generation and len(found) < MOST_BELOW_A_LEADER:
        if any(process.tty_nr or process.comm != leader.comm for process in generation):
            break
        readable = readable and all(process.children is not None for process in generation)
        children = [pid for process in generation for pid in process.children or ()]
        generation = _read(request, children[:MOST_BELOW_A_LEADER], owner, logons)
        found += generation
    return found, readable


def _read(request: Request, pids: Sequence[int], owner: Owner, logons: LogonIndex) -> list[Process]:
    """Return those of the processes that are there and belong to a logon session."""
    if not pids:
        return []
    facts = request.visibility.deciding(_TERMINAL | request.ownership.facts)
    asked = ProcessQuery(facts, pids=frozenset(pids))
    found = request.source.processes(request.look, asked)
    return [process for process in found if logons.owner(process).logon == owner.logon]
