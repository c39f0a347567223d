"""Which logon sessions are there? Each with its values, their sources, and, as a tree, its processes."""

from logonscope.answers import LogonSession, LogonTree
from logonscope.broker.session_processes import ROW, row_maker
from logonscope.broker.view import Broker, View, gather
from logonscope.facts import Process
from logonscope.machine import Needs, Owner
from logonscope.ownership import described as described_by
from logonscope.providers.helpers.text import fit

FACTS = frozenset({"ses", "loginuid", "comm", "uids"})
"""What describing a logon session asks of each of its processes."""

MOST_ARGUMENTS = 32_768
"""Bytes: every process of the host is held at once, and anybody can start many with long arguments."""


def sessions(broker: Broker, which: str | None = None) -> list[LogonSession]:
    """Return the logon sessions that the caller sees, the System session first, then by start."""
    view = gather(broker, Needs(process=FACTS), which)
    return [session for session, _ in described(view)]


def tree(broker: Broker, which: str | None = None) -> list[LogonTree]:
    """Return each logon session with its processes; last those whose logon session the caller may not see."""
    view = gather(broker, Needs(process=ROW, cmdline_bytes=MOST_ARGUMENTS), which, strays=True)
    row = row_maker(view.snapshot.machine, view.snapshot.accounts)
    trees = [LogonTree(session, tuple(row(*pair) for pair in members)) for session, members in described(view)]
    hidden = tuple(row(process, owner) for process, owner in view.owned if owner.logon is None)
    return [*trees, LogonTree(None, hidden)] if hidden else trees


def described(view: View) -> list[tuple[LogonSession, list[tuple[Process, Owner]]]]:
    """Return the logon sessions of a view, each with its processes, the System session first, then by start."""
    found = described_by(view.owned, view.snapshot.machine, view.snapshot.accounts)
    return [(fit(session), members) for session, members in found]
