"""Operations on logon sessions: their descriptions, and trees of their processes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.answers.session_process import LogonTree, SessionProcess
from logonscope.broker.login_details import DescribedSession, add_details
from logonscope.broker.logon_of_process import describe, description_facts
from logonscope.broker.request import ProcessWithOwner, Request, group_by_logon_id
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.broker.session_selector import Which
from logonscope.machine import ProcessQuery

MAX_CMDLINE_BYTES = 32_768
"""Maximum bytes of the arguments of each process of a tree.

All processes are held in memory at once, and any user can start many with long arguments.
"""

SessionWithMembers = tuple[LogonSession, list[ProcessWithOwner]]
"""A logon session and the processes that it owns."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def sessions(request: Request, which: Which = None, details: Details = NO_DETAILS) -> list[LogonSession]:
    """Return the logon sessions that the caller may see, with ``details``; the System session first, then by start.

    The origin of a login is also read without the detail "origin", if the record of the login has no address.
    """
    query = ProcessQuery(description_facts(request, details))
    read_result = request.read(query, which, read_order="processes first", include_own_in_sessions_of_others=False)
    return [session for session, _ in describe_sessions(request, read_result.pairs, details, read_missing_origins=True)]


def tree(request: Request, which: Which = None) -> list[LogonTree]:
    """Return each logon session with its processes.

    If there are processes of hidden or unknown logon sessions, a last tree has them.
    """
    query = ProcessQuery(row_facts(request) | request.ownership.description_facts, max_cmdline_bytes=MAX_CMDLINE_BYTES)
    pairs = list(request.read(query, which, read_order="processes first").pairs)
    described = describe_sessions(request, pairs)
    without_session = [pair for pair in pairs if pair[1].logon_id is None]
    # each process is dropped once its row is made, so that memory never holds all processes and all rows at once
    pairs.clear()
    trees = [LogonTree(session, _make_rows(request, members)) for session, members in described]
    return [*trees, LogonTree(None, _make_rows(request, without_session))] if without_session else trees


def _make_rows(request: Request, pairs: list[ProcessWithOwner]) -> tuple[SessionProcess, ...]:
    """Return the rows of processes, in the order of the list; each process is removed from it once its row is made."""
    pairs.reverse()
    rows = []
    while pairs:
        rows.append(process_row(request, *pairs.pop()))
    return tuple(rows)


def describe_sessions(
    request: Request,
    processes: Iterable[ProcessWithOwner],
    details: Details = NO_DETAILS,
    *,
    read_missing_origins: bool = False,
) -> list[SessionWithMembers]:
    """Group processes into described logon sessions, the System session first, then by start.

    Args:
        request: the request.
        processes: the processes with their owners, and with the facts that ``description_facts`` returns.
        details: what else is read of each logon session.
        read_missing_origins: without the detail "origin", read the origin of each login whose record has no address.
    """
    system = request.ownership.system_owner.logon_id
    members = list(group_by_logon_id(processes).values())
    described = [_describe_members(request, pairs) for pairs in members]
    sessions = [row.session for row in described]
    if details or read_missing_origins:
        sessions = add_details(request, described, details, read_missing_origins=read_missing_origins)
    return sorted(zip(sessions, members, strict=True), key=partial(_sort_key, system))


def _describe_members(request: Request, pairs: Sequence[ProcessWithOwner]) -> DescribedSession:
    """Describe a logon session from all of its processes."""
    owner = request.ownership.strongest_owner(owner for _, owner in pairs)
    members = [process for process, _ in pairs]
    # all members have been read here: rows that need the state of this session later need not read them again
    if not request.ownership.has_record(owner):
        request.note_logged_out(owner, members)
    return DescribedSession(describe(request, owner, members), owner, members)


def _sort_key(system: str | None, session_with_pairs: SessionWithMembers) -> tuple[bool, datetime, int]:
    session, _ = session_with_pairs
    return session.logon_id != system, session.start or _EPOCH, int(session.logon_id)
