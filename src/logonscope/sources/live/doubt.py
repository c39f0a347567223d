"""Doubt about processes of the live index: which differ from /proc, and whose children may have another owner."""

from logonscope.sources.live.entries import Entry, ReadFacts

UNKNOWN, MIXED, MANAGER, DIFFERING_CHILD = 1, 2, 4, 8
"""Parts of Entry.doubt.

UNKNOWN: its logon is not known; MIXED: its threads have different logons; MANAGER: it is a service manager;
DIFFERING_CHILD: added once for each child whose logon can be another one.
"""


def differs_from(entry: Entry | None, facts: ReadFacts | None) -> bool:
    """Return whether a process of the index is another one, or has other facts, than what was read of its pid."""
    if entry is None or facts is None:
        return entry is not None or facts is not None
    place = entry.place
    if facts.is_zombie and not entry.ended:
        return True
    return (entry.start, entry.parent, place.ses, place.loginuid, place.cgroup) != facts[:5]


def can_differ(child: Entry, parent: Entry) -> bool:
    """Return whether children of one of the two can have another owner than children of the other."""
    place, parent_place = child.place, parent.place
    if place is not parent_place and (place.ses != parent_place.ses or place.cgroup != parent_place.cgroup):
        return True
    return bool((child.doubt | parent.doubt) & UNKNOWN) or bool(child.doubt & MIXED)
