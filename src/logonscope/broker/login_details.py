"""Details of logon sessions: where a login came from, how it authenticated, and what it uses.

Details are read on request. If the login record has no address, most operations read the origin without a request, too.
Each detail is read for all logon sessions of an answer at once, and only for those that the caller may see.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from logonscope.answers.logon_session import Details, LogonSession
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.machine import AuthenticationQuery, Leader, Owner
from logonscope.providers.helpers.text import clean_session
from logonscope.providers.helpers.usage import sum_usage

if TYPE_CHECKING:
    from logonscope.facts import Authentication


class DescribedSession(NamedTuple):
    """A logon session, with the owner and the processes that its values were read from."""

    session: LogonSession
    owner: Owner
    members: Sequence[Process]  # for the detail "usage": all processes of the logon session, with USAGE_FACTS


def add_details(
    request: Request, described: Sequence[DescribedSession], details: Details, *, read_missing_origins: bool = False
) -> list[LogonSession]:
    """Return the logon sessions with these details, as far as they are known.

    Args:
        request: the request.
        described: the logon sessions.
        details: the details of each.
        read_missing_origins: read the origin of each login whose record has no address, even without the detail
            "origin".
    """
    ownership = request.ownership
    sessions = [row.session for row in described]
    # Only ssh logins have an origin and an authentication, which are found by the leader. ``leaders`` has None for all
    # other logon sessions.
    leaders = [ownership.network_leader(row.owner, row.members) for row in described]
    if "origin" in details:
        sessions = _add_origins(request, sessions, leaders)
    elif read_missing_origins:
        leaders_without_address = [
            leader if session.remote_address is None else None
            for session, leader in zip(sessions, leaders, strict=True)
        ]
        sessions = _add_origins(request, sessions, leaders_without_address)
    if "authentication" in details:
        sessions = _add_authentications(request, sessions, leaders)
    if "usage" in details:
        sessions = [
            session._replace(usage=sum_usage(row.members, request.machine))
            for session, row in zip(sessions, described, strict=True)
        ]
    return sessions


def _add_origins(
    request: Request, sessions: Sequence[LogonSession], leaders: Sequence[Leader | None]
) -> list[LogonSession]:
    pids = frozenset(leader.pid for leader in leaders if leader is not None and leader.start is not None)
    held_by_pid = request.source.held_sockets(request.look, pids)
    with_origin = request.ownership.with_origin
    return [
        session if leader is None else clean_session(with_origin(session, leader, held_by_pid.get(leader.pid)))
        for session, leader in zip(sessions, leaders, strict=True)
    ]


def _add_authentications(
    request: Request, sessions: Sequence[LogonSession], leaders: Sequence[Leader | None]
) -> list[LogonSession]:
    queries = [AuthenticationQuery(leader.pid, leader.parent, leader.start) for leader in leaders if leader]
    lines_by_pid: dict[int | None, list[Authentication]] = {}
    for line in request.source.authentications(request.look, queries):
        lines_by_pid.setdefault(line.pid, []).append(line)
    with_authentication = request.ownership.with_authentication
    return [
        session
        if leader is None
        else clean_session(with_authentication(session, leader, _lines_of(leader, lines_by_pid)))
        for session, leader in zip(sessions, leaders, strict=True)
    ]


def _lines_of(leader: Leader, lines_by_pid: "Mapping[int | None, list[Authentication]]") -> "list[Authentication]":
    """Return the lines of a leader and of its parent."""
    return [line for pid in (leader.pid, leader.parent) for line in lines_by_pid.get(pid, ())]
