"""Doubt about processes of the live index: whether they differ from /proc, or their children may have other owners."""

from collections.abc import Iterator, Mapping

from logonscope.sources.live.entries import Entry, Reading, Unread
from logonscope.sources.live.places import Children

MAX_CHAIN_LENGTH = 100
"""Maximum number of ancestors that are checked, and of generations of children that are read again after
a write of a login uid, or a move to another cgroup."""

UNKNOWN, MIXED, MANAGER, DIFFERING_CHILD = 1, 2, 4, 8
"""Parts of Entry.doubt, about a process.

UNKNOWN: its kernel id or cgroup is not known; MIXED: its threads may have different kernel ids and login uids; MANAGER:
it is a service manager or init; DIFFERING_CHILD: added once for each child that can have a different owner.
"""


def differs_from(entry: Entry | None, facts: Reading) -> bool:
    """Return whether an entry of the index (None: no entry) differs from the facts that were read from /proc.

    A reading that hangs proves nothing.
    """
    if isinstance(facts, Unread):
        return False
    if entry is None or facts is None:
        return entry is not None or facts is not None
    place = entry.place
    if facts.is_zombie and not entry.ended:
        return True
    return (entry.start, entry.parent, place.ses, place.loginuid, place.cgroup) != facts[:5]


def can_differ(child: Entry, parent: Entry) -> bool:
    """Return whether a child and its parent can have different owners.

    If so, the owner of a new process is not known from its parent: the child itself may have forked the new process as
    its sibling (CLONE_PARENT).
    """
    place, parent_place = child.place, parent.place
    if place is not parent_place and (place.ses != parent_place.ses or place.cgroup != parent_place.cgroup):
        return True
    return bool((child.doubt | parent.doubt) & UNKNOWN) or bool(child.doubt & MIXED)


def count_in_parent(entries: Mapping[int, Entry], entry: Entry, sign: int) -> None:
    """Count a process in the doubt of its parent, if the two can have different owners; sign -1 undoes it."""
    parent = entries.get(entry.parent)
    if parent is None or (parent.place is entry.place and not parent.doubt and not entry.doubt):
        return  # the most frequent case
    if parent is not entry and can_differ(entry, parent):
        parent.doubt += sign * DIFFERING_CHILD


def count_relatives(entries: Mapping[int, Entry], children: Children, entry: Entry, sign: int) -> None:
    """Count a process in the doubt of its parent, and its differing children in its own doubt; sign -1 undoes it."""
    count_in_parent(entries, entry, sign)
    for pid in children.of(entry.pid):
        child = entries.get(pid)
        if child is not None and child is not entry and can_differ(child, entry):
            entry.doubt += sign * DIFFERING_CHILD


def change_doubt(entries: Mapping[int, Entry], entry: Entry, doubt: int) -> None:
    """Set the doubt about a process, and count it anew in its parent."""
    count_in_parent(entries, entry, -1)
    entry.doubt = doubt
    count_in_parent(entries, entry, 1)


def differing_ancestors(entries: Mapping[int, Entry], children: Children, entry: Entry) -> Iterator[int]:
    """Yield the pids of the ancestors that may adopt the children of an ended process.

    An ancestor that has the kernel id and cgroup of all these children is left out.
    """
    orphans = (entries.get(pid) for pid in children.of(entry.pid))
    child_places = {(child.place.ses, child.place.cgroup) for child in orphans if child is not None}
    # the nearest ancestor that is a subreaper adopts them, but which ancestors are subreapers is not known
    ancestor, steps = entries.get(entry.parent), 0
    while ancestor is not None and steps < MAX_CHAIN_LENGTH:
        if child_places != {(ancestor.place.ses, ancestor.place.cgroup)}:
            yield ancestor.pid
        ancestor, steps = entries.get(ancestor.parent), steps + 1
