"""The logon session of one process: the chain of its parents up to the login, and the session's description.

If the login has a record, only the process, its parents and the processes below the login's leader are read: the cost
does not depend on the size of the host. Without a record, or for the detail "usage", all processes of the logon session
are read, and one small file of every process on the host to find them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.broker.request import ProcessWithOwner, Request
from logonscope.facts import Process
from logonscope.machine import Facts, LogonIndex, Owner, ProcessQuery
from logonscope.providers.helpers.text import clean_session

MAX_BELOW_A_LEADER = 1000
"""Maximum number of processes, the leader included, that are read to find the terminal of its login."""

_TERMINAL_FACTS = frozenset({"comm", "ppid", "tty_nr", "start", "children", "uids"})


class Logon(NamedTuple):
    """The logon session of a process, and the chain of processes from the login to the process, which comes last.

    A logon session can begin inside others, its outer logon sessions. ``outer_parents`` has one process of each outer
    logon session: the parent that is nearest to the chain.
    """

    session: LogonSession
    chain: tuple[ProcessWithOwner, ...]
    outer_parents: tuple[Process, ...] = ()


def logon_of(
    request: Request,
    process: Process,
    owner: Owner,
    logon_index: LogonIndex,
    facts: Facts,
    *,
    details: Details = NO_DETAILS,
    read_missing_origin: bool = False,
) -> Logon:
    """Describe the logon session of a process; the calling function must have checked that the caller may see it.

    Args:
        request: the request.
        process: the process, with the facts that describe its logon session.
        owner: the owner of the process.
        logon_index: the index that determines owners.
        facts: the facts to read of the parents; at least those that determine owners and describe a logon session.
        details: what else is read of the logon session.
        read_missing_origin: without the detail "origin", read the origin if no login record has the address.
    """
    parents, outer_parents = _read_parents(request, process, owner, logon_index, facts)
    chain = [*reversed(parents), (process, owner)]
    has_record, terminal_read = request.ownership.has_record(owner), True
    all_members: list[Process] = []
    # With a record, the processes below the leader describe the session, and only the detail "usage" needs all members.
    if "usage" in details or not has_record:
        all_members = request.read_members(owner, description_facts(request, details))
    if has_record:
        members, terminal_read = _read_below_leader(request, owner, logon_index)
    else:
        members = _with_process(all_members, process)
        request.note_logged_out(owner, members)
    session = describe(request, owner, members, members_are_complete=False, terminal_read=terminal_read)
    # most logon sessions came over no network, and have no origin to read
    is_origin_missing = (
        read_missing_origin
        and session.remote_address is None
        and request.ownership.network_leader(owner, members) is not None
    )
    if (details or is_origin_missing) and owner.logon_id is not None:
        from logonscope.broker import login_details  # noqa: PLC0415 -- seldom asked for

        described = [login_details.DescribedSession(session, owner, all_members if "usage" in details else members)]
        (session,) = login_details.add_details(request, described, details, read_missing_origins=is_origin_missing)
    return Logon(session, tuple(chain), tuple(outer_parents))


def description_facts(request: Request, details: Details) -> Facts:
    """Return the facts of processes that describe logon sessions; the detail "usage" adds facts of one more file."""
    facts = request.ownership.description_facts
    if "usage" in details:
        from logonscope.providers.helpers.usage import USAGE_FACTS  # noqa: PLC0415 -- seldom asked for

        facts |= USAGE_FACTS
    return facts


def describe(
    request: Request,
    owner: Owner,
    members: Sequence[Process],
    *,
    members_are_complete: bool = True,
    terminal_read: bool = True,
) -> LogonSession:
    """Describe a logon session from its processes, with cleaned texts; arguments as in ``Ownership.describe``."""
    logon_container = request.foreign.logon_container(owner, members)
    uid = request.ownership.login_uid(owner, members)
    user = None if logon_container.is_foreign else request.accounts.login_name(uid, owner.login)
    session = request.ownership.describe(
        owner, members, request.machine, user, members_are_complete=members_are_complete, terminal_read=terminal_read
    )
    session = session._replace(is_foreign=logon_container.is_foreign)
    if logon_container.container is not None:
        container_id, runtime, pod_uid = logon_container.container
        session = session._replace(container_id=container_id, container_runtime=runtime, pod_uid=pod_uid)
    return clean_session(session)


def read_masked_parents(
    request: Request, process: Process, logon_index: LogonIndex, facts: Facts
) -> list[ProcessWithOwner]:
    """Return the parents of a process, farthest first, of any logon session, as far as the caller may see them."""
    view = request.visibility.view
    parents = [(parent, logon_index.owner(parent)) for parent in _read_ancestors(request, process, facts)]
    pairs = (view(parent, owner, facts, include_hidden=True) for parent, owner in reversed(parents))
    return [pair for pair in pairs if pair is not None]


def _read_parents(
    request: Request, process: Process, owner: Owner, logon_index: LogonIndex, facts: Facts
) -> tuple[list[ProcessWithOwner], list[Process]]:
    """Return the parents of a process in its own logon session, nearest first, and its outer parents: see Logon.

    The System session is never an outer logon session, and has none.
    """
    parents, outer_parents = list[ProcessWithOwner](), list[Process]()
    logon_id, system_id = owner.logon_id, request.ownership.system_owner.logon_id
    for parent in _read_ancestors(request, process, facts):
        parents_owner = logon_index.owner(parent)
        if parents_owner.logon_id != logon_id:
            logon_id = parents_owner.logon_id
            if logon_id is None or system_id in {logon_id, owner.logon_id}:
                break
            outer_parents.append(parent)
        elif not outer_parents:
            parents.append((parent, parents_owner))
    return parents, outer_parents


def _read_ancestors(request: Request, process: Process, facts: Facts) -> Iterator[Process]:
    """Yield the parent of a process, its grandparent and so on, until one has ended or cannot be read."""
    if not process.ppid:
        return
    # The kernel can block a reader of a process's arguments, which complete its name. If the arguments of this process
    # could not be read, those of its parents are not read: each reading may take the whole timeout.
    if {"name", "cmdline"}.intersection(process.unread or ()):
        facts -= {"name"}
    child = process
    query = ProcessQuery(
        request.visibility.with_access_facts(facts), pids=frozenset({process.ppid}), with_ancestors=True
    )
    for parent in request.read_unmasked(query):
        # if a parent started after its child, the real parent has ended, and its pid was reused
        if parent.pid == process.pid or (parent.start or 0) > (child.start or 0):
            return
        yield parent
        child = parent


def _with_process(members: Sequence[Process], process: Process) -> list[Process]:
    """Return the members, and ``process`` if they lack it: the process may have ended before the members were read."""
    return [*members] if any(member.pid == process.pid for member in members) else [*members, process]


def _read_below_leader(request: Request, owner: Owner, logon_index: LogonIndex) -> tuple[list[Process], bool]:
    """Read the leader of a login and its descendants, down to those that may have the login's terminal.

    Returns the processes, and whether the children of every process could be read: a kernel without
    CONFIG_PROC_CHILDREN does not list them.
    """
    login = owner.login
    # no search if the record names the terminal, or if the leader is not known
    if login is None or login.process is None or login.tty:
        return [], True
    children_readable, leader = True, login.process
    members, level = [leader], _read_members(request, [leader.pid], owner, logon_index)
    # Neither the leader of an ssh login nor its child of the same name has a terminal; the shell below them has it. So
    # the search goes down, a level at a time, until a process has a terminal or is another program.
    while level and len(members) < MAX_BELOW_A_LEADER:
        if any(process.tty_nr or process.comm != leader.comm for process in level):
            break
        children_readable = children_readable and all(process.children is not None for process in level)
        child_pids = [pid for process in level for pid in process.children or ()]
        level = _read_members(request, child_pids[: MAX_BELOW_A_LEADER - len(members)], owner, logon_index)
        members += level
    return members, children_readable


def _read_members(request: Request, pids: Sequence[int], owner: Owner, logon_index: LogonIndex) -> list[Process]:
    """Read the processes with these pids, as far as they exist and belong to the owner's logon session."""
    if not pids:
        return []
    facts = request.visibility.with_access_facts(_TERMINAL_FACTS | request.ownership.owner_facts)
    processes = request.read_unmasked(ProcessQuery(facts, pids=frozenset(pids)))
    return [process for process in processes if logon_index.owner(process).logon_id == owner.logon_id]
