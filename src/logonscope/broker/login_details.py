"""Details of logon sessions: where a login came from, how it authenticated, and what it uses. All only on request.

They are read of all logon sessions of an answer at once, and only of those that the caller may see.
"""

from collections.abc import Sequence
from typing import NamedTuple

from logonscope.answers.logon_session import Details, LogonSession
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.machine import AuthenticationQuery, Leader, Owner, ProcessQuery, Selection
from logonscope.providers.helpers.text import fit
from logonscope.providers.helpers.usage import USAGE_FACTS, sum_usage


class DescribedSession(NamedTuple):
    """A described logon session, and what it was described from."""

    session: LogonSession
    owner: Owner
    members: Sequence[Process]  # for the detail "usage": all, with USAGE_FACTS


def add_details(
    request: Request, described: Sequence[DescribedSession], details: Details, *, missing_origins: bool = False
) -> list[LogonSession]:
    """Return the logon sessions with these details, as far as they are known.

    Args:
        request: the request.
        described: the logon sessions.
        details: the details of each.
        missing_origins: read the origin in any case where no login record has the address.
    """
    ownership = request.ownership
    sessions = [row.session for row in described]
    # only a leader that came over a network has details: None for all other logon sessions
    leaders = [ownership.network_leader(row.owner, row.members) for row in described]
    if "origin" in details:
        sessions = _add_origins(request, sessions, leaders)
    elif missing_origins:
        unknown = [
            leader if session.remote_address is None else None
            for session, leader in zip(sessions, leaders, strict=True)
        ]
        sessions = _add_origins(request, sessions, unknown)
    if "authentication" in details:
        sessions = _add_authentications(request, sessions, leaders)
    if "usage" in details:
        sessions = [
            session._replace(usage=sum_usage(row.members, request.machine))
            for session, row in zip(sessions, described, strict=True)
        ]
    return sessions


def read_usage_members(request: Request, owner: Owner) -> list[Process]:
    """Read all processes of a logon session, with the facts of the detail "usage"."""
    query = ProcessQuery(request.ownership.description_facts | USAGE_FACTS)
    selection = Selection(logon_ids=frozenset(() if owner.logon_id is None else {owner.logon_id}))
    owned = request.read(query, selection, order="processes first", include_in_sessions_of_others=False)
    return [process for process, _ in owned.pairs]


def _add_origins(
    request: Request, sessions: Sequence[LogonSession], leaders: Sequence[Leader | None]
) -> list[LogonSession]:
    pids = frozenset(leader.pid for leader in leaders if leader is not None and leader.start is not None)
    held = request.source.held_sockets(request.look, pids)
    with_origin = request.ownership.with_origin
    return [
        session if leader is None else fit(with_origin(session, leader, held.get(leader.pid)))
        for session, leader in zip(sessions, leaders, strict=True)
    ]


def _add_authentications(
    request: Request, sessions: Sequence[LogonSession], leaders: Sequence[Leader | None]
) -> list[LogonSession]:
    queries = [
        AuthenticationQuery(leader.pid, leader.parent, leader.start, leader.recorded) for leader in leaders if leader
    ]
    lines = request.source.authentications(request.look, queries)
    with_authentication = request.ownership.with_authentication
    return [
        session if leader is None else fit(with_authentication(session, leader, lines))
        for session, leader in zip(sessions, leaders, strict=True)
    ]
