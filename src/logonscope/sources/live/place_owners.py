"""The owner of each place, and the places of each owner. An update looks only at places that were added or dropped."""

from collections.abc import Iterable

from logonscope.facts import Process
from logonscope.machine import LogonIndex, Owner
from logonscope.sources.live.entries import Place
from logonscope.sources.live.places import Places

MAX_TOUCHED = 4096
"""Maximum number of logon sessions that are listed as touched, which means that they got or lost a place.

If there are more before the next ``take_touched``, all count as touched.
"""


class PlaceOwners:
    """The owner of each place in the live index, and the places of each owner."""

    def __init__(self) -> None:
        self._places: Places | None = None
        self._logons: LogonIndex | None = None
        self._owners: dict[Place, Owner] = {}
        self._by_logon: dict[str | None, set[Place]] = {}
        self._touched: set[str] | None = None  # None: all count as touched

    def __repr__(self) -> str:
        return f"<PlaceOwners of {len(self._by_logon)} logon sessions>"

    def update(self, places: Places, logons: LogonIndex) -> None:
        """Update the owners of the places that were added or dropped.

        All owners are determined anew if the logins or the index were replaced since the last call, or too many places
        have changed.
        """
        changes = places.take_changes()
        if changes is None or places is not self._places or logons is not self._logons:
            self._places, self._logons = places, logons
            self._owners, self._by_logon, self._touched = {}, {}, None
            changes = list(places)
        for place in changes:
            if not place.pids:
                self._remove(place)
            elif place not in self._owners:
                self._add(place, logons.owner(Process(0, ses=place.ses, cgroup=place.cgroup)))

    def places(self, logon_ids: Iterable[str | None]) -> list[Place]:
        """Return the places of logon sessions; with None among the ids, also the places whose owner is not known."""
        return [place for logon_id in logon_ids for place in self._by_logon.get(logon_id, ())]

    def pids(self, logon_id: str) -> set[int]:
        """Return the pids of the processes of a logon session."""
        return set[int]().union(*(place.pids for place in self._by_logon.get(logon_id, ())))

    def owner(self, logon_id: str) -> Owner | None:
        """Return the Owner of any process of a logon session; None if the logon session has no process."""
        return next((self._owners[place] for place in self._by_logon.get(logon_id, ())), None)

    def logon_ids(self) -> list[str]:
        """Return the LogonIds of all logon sessions that have a process."""
        return [logon_id for logon_id in self._by_logon if logon_id is not None]

    def take_touched(self) -> set[str] | None:
        """Return the LogonIds of logon sessions that got or lost a place since the last call; None: all may have."""
        touched, self._touched = self._touched, set()
        return touched

    def _add(self, place: Place, owner: Owner) -> None:
        self._owners[place] = owner
        self._by_logon.setdefault(owner.logon_id, set()).add(place)
        self._touch(owner.logon_id)

    def _remove(self, place: Place) -> None:
        owner = self._owners.pop(place, None)
        if owner is None:
            return  # the place was added and dropped between two calls
        places = self._by_logon[owner.logon_id]
        places.discard(place)
        if not places:
            del self._by_logon[owner.logon_id]
        self._touch(owner.logon_id)

    def _touch(self, logon_id: str | None) -> None:
        if self._touched is not None and logon_id is not None:
            self._touched.add(logon_id)
            if len(self._touched) > MAX_TOUCHED:
                self._touched = None
