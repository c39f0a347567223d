"""Doubt of the live index: why a child of a process may have another owner than the process."""

from logonscope.sources.live.entries import Entry

UNKNOWN, MIXED, MANAGER, DIFFERING_CHILD = 1, 2, 4, 8
"""Parts of Entry.doubt: its logon is not known; its threads differ; it is a service manager; for each such child."""


def differs(child: Entry, parent: Entry) -> bool:
    """Return whether children of one of the two can have another owner than children of the other."""
    place, parent_place = child.place, parent.place
    if place is not parent_place and (place.ses != parent_place.ses or place.cgroup != parent_place.cgroup):
        return True
    return bool((child.doubt | parent.doubt) & UNKNOWN) or bool(child.doubt & MIXED)
