"""Which logon sessions are there? Each with its values, their sources, and, as a tree, its processes."""

from collections.abc import Iterator
from datetime import UTC, datetime

from logonscope.broker.session_processes import ROW, row_maker
from logonscope.broker.view import Broker, View, gather
from logonscope.facts import LogonSession, LogonTree, Needs, Owner, Process
from logonscope.ownership import logon_session

_FACTS = frozenset({"ses", "loginuid", "cgroup", "comm"})
_EPOCH = datetime.fromtimestamp(0, UTC)


def sessions(broker: Broker, which: str | None = None) -> list[LogonSession]:
    """Return the logon sessions that the caller sees, the System session first, then by start."""
    view = gather(broker, Needs(process=_FACTS), which)
    return sorted((session for session, _ in _described(view)), key=_order)


def tree(broker: Broker, which: str | None = None) -> list[LogonTree]:
    """Return each logon session with its processes; last those whose logon session the caller may not see."""
    view = gather(broker, Needs(process=ROW), which)
    row = row_maker(view.snapshot.machine, view.snapshot.accounts)
    described = sorted(_described(view), key=lambda pair: _order(pair[0]))
    trees = [LogonTree(session, tuple(row(*pair) for pair in members)) for session, members in described]
    hidden = tuple(row(process, owner) for process, owner in view.owned if owner.logon is None)
    return [*trees, LogonTree(None, hidden)] if hidden else trees


def _described(view: View) -> Iterator[tuple[LogonSession, list[tuple[Process, Owner]]]]:
    members: dict[str, list[tuple[Process, Owner]]] = {}
    for process, owner in view.owned:
        if owner.logon is not None:
            members.setdefault(owner.logon, []).append((process, owner))
    for owned in members.values():
        described = [process for process, _ in owned]
        _, owner = min(owned, key=lambda pair: pair[1].evidence != "audit")
        yield logon_session(owner, described, view.snapshot.machine, view.snapshot.accounts), owned


def _order(session: LogonSession) -> tuple[datetime, int]:
    return session.start or _EPOCH, int(session.logon_id)
