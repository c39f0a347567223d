"""Connection limits, total and per client address. Connections over a limit get 503, or are closed.

The network and the unix socket are counted apart, by address (as failures are, IPv6 by /64) and by uid, and root of
this machine is never refused, so that nobody can lock out an administrator. A connection counts from its accept on,
TLS handshake included. Where all are taken, a connection without authentication gives way to a new one: the oldest of
the address or user that has the most of them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple
from weakref import WeakSet

from logonscope.server.auth.throttle import place_of
from logonscope.server.connection import Connection

MOST_REFUSED = 32
"""Connections over a limit that are answered 503 at once; more are closed without an answer."""

YOUNG = 1.0
"""Seconds that a connection without authentication has before it gives way to another."""

MOST_COMPARED = 64
"""Connections without authentication that are compared to find the one that gives way; a flood makes it often."""

QUIET = 60.0
"""Seconds between two lines of the log about one limit."""

_log = logging.getLogger(__name__)


class Origin(NamedTuple):
    """Where a connection comes from: over the network or not, and who or what is there."""

    network: bool
    who: str


ROOT = Origin(network=False, who="uid 0")


class Stranger(NamedTuple):
    """A connection that came without authentication, and when."""

    connection: Connection
    origin: Origin
    since: float


class Crowd:
    """Counts who is connected; for one thread."""

    def __init__(self, most: int, most_of_one: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how many there may be, and how many of them may come from one address or be one user's."""
        self._most, self._most_of_one, self._clock = most, most_of_one, clock
        self._here: Counter[Origin | bool] = Counter()
        self._strangers: dict[Connection, Stranger] = {}  # without authentication, the oldest first
        self._gone: WeakSet[Connection] = WeakSet()  # counted off
        self._refused = 0
        self._told: dict[str, float] = {}

    def enter(self, connection: Connection) -> bool:
        """Count one more until it ends; False: it is one too many, and is not counted."""
        origin = _origin(connection)
        if origin != ROOT:
            if self._here[origin] >= self._most_of_one:
                return self._refuse(origin, "max_connections_per_address", self._most_of_one)
            if self._here[origin.network] >= self._most and not self._make_room(origin):
                return self._refuse(origin, "max_connections", self._most)
        self._here.update((origin, origin.network))
        self._strangers[connection] = Stranger(connection, origin, self._clock())
        connection.on_close.append(lambda: self._leave(connection, origin))
        return True

    def may_answer(self, connection: Connection) -> bool:
        """Return whether a connection over a limit may stay for its 503; it counts as one of these until it ends."""
        if self._refused >= MOST_REFUSED:
            return False
        self._refused += 1
        connection.on_close.append(self._answered)
        return True

    def _answered(self) -> None:
        self._refused -= 1

    def _make_room(self, newcomer: Origin) -> bool:
        """Close a connection without authentication, of the origin that has the most among the oldest of these.

        That has to be more than the newcomer's origin will have, or as many once the connection had its time: else a
        few addresses with many connections would drive out whoever has one.
        """
        oldest = [*islice(self._strangers_from(network=newcomer.network), MOST_COMPARED)]
        if not oldest:
            return False
        victim = max(oldest, key=self._connections_beside)  # of several, the oldest
        is_young = self._clock() - victim.since < YOUNG
        if self._connections_beside(victim) <= self._here[newcomer] + is_young:
            return False
        self._leave(victim.connection, victim.origin)
        victim.connection.abort()
        return True

    def _strangers_from(self, *, network: bool) -> Iterator[Stranger]:
        """Yield connections without authentication, the oldest first; forget the others."""
        for stranger in [*self._strangers.values()]:
            if stranger.connection.is_authenticated:
                del self._strangers[stranger.connection]
            elif stranger.origin.network is network and stranger.origin != ROOT:
                yield stranger

    def _connections_beside(self, stranger: Stranger) -> int:
        """Return how many connections its origin has."""
        return self._here[stranger.origin]

    def _leave(self, connection: Connection, origin: Origin) -> None:
        if connection in self._gone:
            return
        self._gone.add(connection)
        self._strangers.pop(connection, None)
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
