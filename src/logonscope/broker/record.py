"""What does a recording hold? Everything that any question could ask, of what the caller may see."""

from logonscope.broker.view import Broker, View, stream
from logonscope.facts import FACTS
from logonscope.machine import PARTIAL, Needs, Snapshot, Trouble

MOST_ARGUMENTS = 8 << 20
"""Bytes: more than the kernel allows a process (execve(2): 6 MiB)."""


def recordable(broker: Broker) -> Snapshot:
    """Return a snapshot with every fact; to anyone but an administrator, of what is its own alone."""
    needs = Needs(
        process=FACTS, cmdline_bytes=MOST_ARGUMENTS, logins=True, all_sockets=True, all_users=True, all_groups=True,
        platform=True, vitals=True,
    )  # fmt: skip
    view = stream(broker, needs)
    if view.sight.everything:
        return view.snapshot._replace(processes=(process for process, _ in view.owned))
    return _own(view, broker.caller.name)


def _own(view: View, name: str) -> Snapshot:
    """Keep what the caller may see, and say in the recording that this is all it holds."""
    snapshot = view.snapshot
    processes = [process for process, _ in view.owned]
    held = {inode for process in processes for inode in process.sockets or ()}
    partial = Trouble(PARTIAL, f"made by {name}: it holds its own logon sessions alone", "record with sudo")
    return snapshot._replace(
        processes=processes,
        logins=tuple(login for login in snapshot.logins if view.sight.login(login)),
        sockets=tuple(found for found in snapshot.sockets if found.inode in held),
        troubles=[*snapshot.troubles, partial],
    )
