"""Which logon sessions are there? Each with its values, their sources, and, as a tree, its processes."""

from datetime import UTC, datetime

from logonscope.broker.session_processes import ROW, row_maker
from logonscope.broker.text import fit
from logonscope.broker.view import Broker, View, gather
from logonscope.facts import LogonSession, LogonTree, Needs, Owner, Process
from logonscope.ownership import SYSTEM_LOGON_ID, logon_session

_FACTS = frozenset({"ses", "loginuid", "comm", "uids"})
MOST_ARGUMENTS = 32_768
"""Bytes: every process of the host is held at once, and anybody can start many with long arguments."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def sessions(broker: Broker, which: str | None = None) -> list[LogonSession]:
    """Return the logon sessions that the caller sees, the System session first, then by start."""
    view = gather(broker, Needs(process=_FACTS), which)
    return [session for session, _ in described(view)]


def tree(broker: Broker, which: str | None = None) -> list[LogonTree]:
    """Return each logon session with its processes; last those whose logon session the caller may not see."""
    view = gather(broker, Needs(process=ROW, cmdline_bytes=MOST_ARGUMENTS), which)
    row = row_maker(view.snapshot.machine, view.snapshot.accounts)
    trees = [LogonTree(session, tuple(row(*pair) for pair in members)) for session, members in described(view)]
    hidden = tuple(row(process, owner) for process, owner in view.owned if owner.logon is None)
    return [*trees, LogonTree(None, hidden)] if hidden else trees


def described(view: View) -> list[tuple[LogonSession, list[tuple[Process, Owner]]]]:
    """Return the logon sessions of a view, each with its processes, the System session first, then by start."""
    members: dict[str, list[tuple[Process, Owner]]] = {}
    for process, owner in view.owned:
        if owner.logon is not None:
            members.setdefault(owner.logon, []).append((process, owner))
    found = []
    for owned in members.values():
        _, owner = min(owned, key=lambda pair: pair[1].evidence != "audit")
        processes = [process for process, _ in owned]
        session = logon_session(owner, processes, view.snapshot.machine, view.snapshot.accounts)
        found.append((fit(session), owned))
    return sorted(found, key=lambda pair: _order(pair[0]))


def _order(session: LogonSession) -> tuple[bool, datetime, int]:
    return session.logon_id != SYSTEM_LOGON_ID, session.start or _EPOCH, int(session.logon_id)
