"""Operations on logon sessions: their descriptions, and trees of their processes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import LogonTree
from logonscope.broker.logon_of_process import describe
from logonscope.broker.request import Owned, Request, by_logon
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.broker.session_selector import Which
from logonscope.machine import ProcessQuery
from logonscope.providers.helpers.usage import USAGE_FACTS, sum_usage

MOST_ARGUMENTS = 32_768
"""Bytes a process. All processes are held in memory at once, and any user can start many with long arguments."""

Described = tuple[LogonSession, list[Owned]]
"""A logon session and the processes that it owns."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def sessions(request: Request, which: Which = None, *, with_usage: bool = False) -> list[LogonSession]:
    """Return the logon sessions that the caller may see, the System session first, then by start.

    Args:
        request: the request.
        which: only these logon sessions.
        with_usage: also read and sum up the resources of their processes, which takes two more files of each.
    """
    query = session_query(request, with_usage=with_usage)
    owned = request.read(query, which, order="processes first", include_in_sessions_of_others=False)
    return [
        add_usage(request, *described) if with_usage else described[0]
        for described in describe_sessions(request, owned.pairs)
    ]


def session_query(request: Request, *, with_usage: bool) -> ProcessQuery:
    """Return the query for the processes that describe logon sessions, with or without their resources."""
    facts = request.ownership.description_facts
    return ProcessQuery(facts | USAGE_FACTS if with_usage else facts)


def add_usage(request: Request, session: LogonSession, pairs: Sequence[Owned]) -> LogonSession:
    """Return a logon session with the resources that its processes use."""
    return session._replace(usage=sum_usage([process for process, _ in pairs], request.machine))


def tree(request: Request, which: Which = None) -> list[LogonTree]:
    """Return each logon session with its processes; the last entry has those whose logon session is hidden."""
    query = ProcessQuery(row_facts(request) | request.ownership.description_facts, max_cmdline_bytes=MOST_ARGUMENTS)
    pairs = list(request.read(query, which, order="processes first").pairs)
    trees = [
        LogonTree(session, tuple(process_row(request, *pair) for pair in members))
        for session, members in describe_sessions(request, pairs)
    ]
    hidden = tuple(process_row(request, *pair) for pair in pairs if pair[1].logon_id is None)
    return [*trees, LogonTree(None, hidden)] if hidden else trees


def describe_sessions(request: Request, owned: Iterable[Owned]) -> list[Described]:
    """Group processes into described logon sessions, the System session first, then by start."""
    system = request.ownership.system_owner.logon_id
    sessions_with_pairs = [(session_of_members(request, pairs), pairs) for pairs in by_logon(owned).values()]
    return sorted(sessions_with_pairs, key=partial(_sort_key, system))


def session_of_members(request: Request, pairs: Sequence[Owned]) -> LogonSession:
    """Describe a logon session from all of its processes."""
    owner = request.ownership.strongest_owner(owner for _, owner in pairs)
    members = [process for process, _ in pairs]
    # all members are at hand here: rows that ask for the same session later need not read them again
    if not request.ownership.has_record(owner):
        request.note_members(owner, members)
    return describe(request, owner, members)


def _sort_key(system: str | None, session_with_pairs: Described) -> tuple[bool, datetime, int]:
    session, _ = session_with_pairs
    return session.logon_id != system, session.start or _EPOCH, int(session.logon_id)
