"""Places and children of the live index.

A place is the processes that share a kernel id, a login uid and a cgroup. Children are the processes of one parent.
"""

from collections.abc import Collection, Iterable, Iterator

from logonscope.machine import Membership
from logonscope.sources.live.entries import OwnerFacts, Place

MAX_CHANGES = 4096
"""Maximum number of places that are listed as added or dropped between two calls of ``take_changes``."""


class Places:
    """The places of the processes in the index, by kernel id.

    Most kernel ids have only one place, which is stored without a dictionary of its own.
    """

    def __init__(self) -> None:
        self._places: dict[int | None, Place | dict[OwnerFacts, Place]] = {}
        self._changes: list[Place] | None = None  # places that were added or dropped; None: not known

    def __repr__(self) -> str:
        return f"<Places of {len(self._places)} kernel ids>"

    def __iter__(self) -> Iterator[Place]:
        """Yield the places that have a process."""
        for places in self._places.values():
            if isinstance(places, Place):
                yield places
            else:
                yield from places.values()

    def of_kernel_id(self, kernel_id: int | None) -> Collection[Place]:
        """Return the places with a kernel id."""
        places = self._places.get(kernel_id, {})
        return (places,) if isinstance(places, Place) else places.values()

    def get(self, owner_facts: OwnerFacts) -> Place:
        """Return the place with these facts; a new place is stored only when a process is added to it."""
        places = self._places.get(owner_facts[0])
        place = places.get(owner_facts) if isinstance(places, dict) else places
        return place if place is not None and place.owner_facts == owner_facts else Place(*owner_facts)

    def add(self, place: Place, pid: int) -> Place:
        """Add a process to a place, or to an equal place that has a process already; return the place used."""
        owner_facts, places = place.owner_facts, self._places.get(place.ses)
        if isinstance(places, dict):
            kept_place = places.setdefault(owner_facts, place)
        elif places is None:
            kept_place = self._places[place.ses] = place
        elif places.owner_facts == owner_facts:
            kept_place = places
        else:
            self._places[place.ses] = {places.owner_facts: places, owner_facts: place}
            kept_place = place
        if not kept_place.pids:
            self._note_change(kept_place)
        kept_place.pids.add(pid)
        return kept_place

    def remove(self, place: Place, pid: int) -> None:
        """Remove a process; a place without processes is dropped."""
        place.pids.discard(pid)
        if place.pids:
            return
        places = self._places[place.ses]
        if isinstance(places, dict):
            del places[place.owner_facts]
        if not places or places is place:
            del self._places[place.ses]
        self._note_change(place)

    def take_changes(self) -> list[Place] | None:
        """Return the places that were added or dropped since the last call; a place can be in the list twice.

        None: any place may have been added or dropped.
        """
        changes, self._changes = self._changes, []
        return changes

    def _note_change(self, place: Place) -> None:
        if self._changes is None:
            return
        if len(self._changes) < MAX_CHANGES:
            self._changes.append(place)
        else:
            self._changes = None


def memberships_in(places: Iterable[Place]) -> list[Membership]:
    """Return the membership of each process in these places."""
    return [(pid, place.ses, place.cgroup) for place in places for pid in place.pids]


class Children:
    """The children of processes. Most parents have only one child, which is stored without a set."""

    def __init__(self) -> None:
        self.by_parent: dict[int, int | set[int]] = {}
        """Parent -> its only child, or its children."""

    def __repr__(self) -> str:
        return f"<Children of {len(self.by_parent)} parents>"

    def __contains__(self, parent: int) -> bool:
        return parent in self.by_parent

    def of(self, parent: int) -> Collection[int]:
        """Return the children of a process."""
        children = self.by_parent.get(parent, ())
        return (children,) if isinstance(children, int) else children

    def add(self, parent: int, child: int) -> None:
        """Add a child; a child that was added already stays."""
        children = self.by_parent.get(parent)
        if children is None:
            self.by_parent[parent] = child
        elif isinstance(children, set):
            children.add(child)
        elif children != child:
            self.by_parent[parent] = {children, child}

    def remove(self, parent: int, child: int) -> bool:
        """Remove a child; return whether the parent had this child."""
        children = self.by_parent.get(parent)
        if isinstance(children, set) and child in children:
            children.discard(child)
            if not children:
                del self.by_parent[parent]
            return True
        if children == child:
            del self.by_parent[parent]
            return True
        return False

    def pop(self, parent: int) -> Collection[int]:
        """Remove all children of a process, and return them."""
        children = self.of(parent)
        self.by_parent.pop(parent, None)
        return children
