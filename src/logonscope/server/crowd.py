"""How many connections are there, and how many has one address? Whoever would be one too many is told so, and leaves.

The network and the unix socket are counted apart, by address (as failures are, IPv6 by /64) and by uid, and root of
this machine is never one too many: nobody can lock out whoever is to mend it.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from logonscope.server.auth.throttle import place_of
from logonscope.server.connection import Connection

QUIET = 60.0
"""Seconds between two lines of the log about one limit."""

_log = logging.getLogger(__name__)


class Origin(NamedTuple):
    """Where a connection comes from: over the network or not, and who or what is there."""

    network: bool
    who: str


ROOT = Origin(network=False, who="uid 0")


class Crowd:
    """Counts who is connected; for one thread."""

    def __init__(self, most: int, most_of_one: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how many there may be, and how many of them may come from one address or be one user's."""
        self._most, self._most_of_one, self._clock = most, most_of_one, clock
        self._here: Counter[Origin | bool] = Counter()
        self._told: dict[str, float] = {}

    def enter(self, connection: Connection) -> bool:
        """Count one more until it ends; False: it is one too many, and is not counted."""
        origin = _origin(connection)
        if origin != ROOT:
            if self._here[origin] >= self._most_of_one:
                return self._refuse(origin, "max_connections_per_address", self._most_of_one)
            if self._here[origin.network] >= self._most:
                return self._refuse(origin, "max_connections", self._most)
        self._here.update((origin, origin.network))
        connection.on_close.append(lambda: self._leave(origin))
        return True

    def _leave(self, origin: Origin) -> None:
        self._here.subtract((origin, origin.network))
        if not self._here[origin]:
            del self._here[origin]

    def _refuse(self, origin: Origin, limit: str, number: int) -> bool:
        now = self._clock()
        if now - self._told.get(limit, -QUIET) >= QUIET:
            self._told[limit] = now
            _log.warning("%s has one connection too many (%s = %d), and is answered 503", origin.who, limit, number)
        return False


def _origin(connection: Connection) -> Origin:
    peer = connection.peer
    if peer.credentials is not None:
        return Origin(network=False, who=f"uid {peer.credentials.uid}")
    return Origin(network=True, who=place_of(peer.address))
