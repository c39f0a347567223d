"""What does a recording hold? Everything that any question could ask, of what the caller may see."""

from logonscope.broker.view import Broker, stream
from logonscope.facts import FACTS, Needs, Snapshot

MOST_ARGUMENTS = 8 << 20
"""Bytes: more than the kernel allows a process (execve(2): 6 MiB)."""


def recordable(broker: Broker) -> Snapshot:
    """Return a snapshot with every fact; to anyone but an administrator, of what is its own alone."""
    view = stream(broker, Needs(process=FACTS, cmdline_bytes=MOST_ARGUMENTS, logins=True, all_sockets=True))
    snapshot = view.snapshot
    if not broker.caller.administrator:
        mine = tuple(login for login in snapshot.logins if login.uid == broker.caller.uid)
        snapshot = snapshot._replace(logins=mine, sockets=())
    return snapshot._replace(processes=(process for process, _ in view.owned))
