"""Logon sessions: each with its values, their sources, and, as a tree, its processes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree
from logonscope.broker.logon_of_process import describe
from logonscope.broker.request import Owned, Request, by_logon
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.broker.session_selector import Which
from logonscope.machine import ProcessQuery

MOST_ARGUMENTS = 32_768
"""Bytes: every process of the host is held at once, and anybody can start many with long arguments."""

Described = tuple[LogonSession, list[Owned]]
"""A logon session and the processes that it owns."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def sessions(request: Request, which: Which = None) -> list[LogonSession]:
    """Return the logon sessions that the caller sees, the System session first, then by start."""
    query = ProcessQuery(request.ownership.describing)
    owned = request.read(query, which, order="processes first", strays=False)
    return [session for session, _ in described(request, owned.pairs)]


def tree(request: Request, which: Which = None) -> list[LogonTree]:
    """Return each logon session with its processes; last those whose logon session the caller may not see."""
    query = ProcessQuery(row_facts(request) | request.ownership.describing, cmdline_bytes=MOST_ARGUMENTS)
    pairs = list(request.read(query, which, order="processes first").pairs)
    trees = [
        LogonTree(session, tuple(process_row(request, *pair) for pair in members))
        for session, members in described(request, pairs)
    ]
    hidden = tuple(process_row(request, *pair) for pair in pairs if pair[1].logon is None)
    return [*trees, LogonTree(None, hidden)] if hidden else trees


def described(request: Request, owned: Iterable[Owned]) -> list[Described]:
    """Return the logon sessions of these processes, each with its own; the System session first, then by start."""
    system = request.ownership.system.logon
    found = [(session_of_members(request, pairs), pairs) for pairs in by_logon(owned).values()]
    return sorted(found, key=lambda pair: _order(pair[0], system))


def session_of_members(request: Request, pairs: Sequence[Owned]) -> LogonSession:
    """Describe the logon session of all its processes."""
    owner = request.ownership.strongest(owner for _, owner in pairs)
    members = [process for process, _ in pairs]
    if not request.ownership.is_recorded(owner):
        request.note_members(owner, members)
    return describe(request, owner, members)


def _order(session: LogonSession, system: str | None) -> tuple[bool, datetime, int]:
    return session.logon_id != system, session.start or _EPOCH, int(session.logon_id)
