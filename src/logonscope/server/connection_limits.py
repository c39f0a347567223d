"""Connection limits, total and per client. Connections over a limit get 503, or are closed.

The network and the unix socket have separate limits. A client of the network is an address (IPv6: a /64, as for failed
authentications), a client of the unix socket is a uid. Root on the unix socket has no limit, so that an administrator
can always connect. A connection counts from its accept, TLS handshake included.

At the total limit, a new connection may replace an unauthenticated one. Candidates are the oldest unauthenticated
connections; of these, one is chosen whose client has the most connections. If the client of the new connection would
then have more connections than the client of the chosen one has now, the new connection is rejected.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple
from weakref import WeakSet

from logonscope.log_intervals import LogIntervals
from logonscope.server.auth.throttle import client_network
from logonscope.server.connection import Connection

MAX_REJECTED = 32
"""Connections over a limit that may get 503 at the same time; more are closed without a response."""

MIN_AGE_SECONDS = 1.0
"""Seconds. A connection of this age may be replaced if its client has at least as many connections as the new client.

A younger connection is replaced only if its client has more. The new connection itself counts for the new client.
"""

MAX_COMPARED = 64
"""Unauthenticated connections that are compared to choose the one to replace: during a flood this happens often."""

_log = logging.getLogger(__name__)


class Client(NamedTuple):
    """Where a connection comes from: over the network or not, and the name of the address or user."""

    is_network: bool
    name: str


ROOT = Client(is_network=False, name="uid 0")


class UnauthenticatedConnection(NamedTuple):
    """A connection that had not authenticated when it was last checked, its client, and when it was accepted."""

    connection: Connection
    client: Client
    since: float


class ConnectionLimits:
    """Counts the open connections; used from one thread."""

    def __init__(self, max_connections: int, max_per_client: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the limits.

        Args:
            max_connections: the limit of all connections of the network; the unix socket may have as many again.
            max_per_client: the limit of the connections of one client.
            clock: returns seconds that only grow.
        """
        self._max_connections, self._max_per_client, self._clock = max_connections, max_per_client, clock
        self._client_counts: Counter[Client] = Counter()
        self._total_counts: Counter[bool] = Counter()  # by is_network: all of the network, all of the unix socket
        self._unauthenticated: dict[Connection, UnauthenticatedConnection] = {}  # the oldest first
        self._uncounted: WeakSet[Connection] = WeakSet()  # no longer counted, though perhaps not closed yet
        self._rejected_count = 0
        self._log_intervals = LogIntervals(clock)  # of the messages about each limit

    def add_connection(self, connection: Connection) -> bool:
        """Count a connection until it closes; return False, and do not count it, if it is over a limit."""
        client = _client_of(connection)
        if client != ROOT:
            if self._client_counts[client] >= self._max_per_client:
                return self._reject(client, "max_connections_per_address", self._max_per_client)
            if self._total_counts[client.is_network] >= self._max_connections and not self._make_room(client):
                return self._reject(client, "max_connections", self._max_connections)
        # Root is counted, though it has no limit: `_stop_counting` subtracts every connection.
        self._client_counts[client] += 1
        self._total_counts[client.is_network] += 1
        self._unauthenticated[connection] = UnauthenticatedConnection(connection, client, self._clock())
        connection.on_close.append(partial(self._stop_counting, connection, client))
        return True

    def may_answer(self, connection: Connection) -> bool:
        """Return whether a connection over a limit may get 503; if it may, count the connection until it closes."""
        if self._rejected_count >= MAX_REJECTED:
            return False
        self._rejected_count += 1
        connection.on_close.append(self._forget_rejected)
        return True

    def _forget_rejected(self) -> None:
        self._rejected_count -= 1

    def _make_room(self, new_client: Client) -> bool:
        """Close one of the oldest unauthenticated connections: that of the client with the most connections.

        Return False if none may be closed for the new client.
        """
        oldest = [*islice(self._replaceable_connections(is_network=new_client.is_network), MAX_COMPARED)]
        if not oldest:
            return False
        replaced = max(oldest, key=self._connection_count)  # of several with the same count, the oldest
        # The client of the replaced connection has to have more connections than the new client will have, or as many
        # if the replaced connection is older than MIN_AGE_SECONDS. Otherwise a few addresses with many connections
        # would displace addresses that have one.
        is_young = self._clock() - replaced.since < MIN_AGE_SECONDS
        if self._connection_count(replaced) <= self._client_counts[new_client] + is_young:
            return False
        self._stop_counting(replaced.connection, replaced.client)
        replaced.connection.abort()
        return True

    def _replaceable_connections(self, *, is_network: bool) -> Iterator[UnauthenticatedConnection]:
        """Yield the unauthenticated connections, the oldest first; drop those that have authenticated."""
        for candidate in [*self._unauthenticated.values()]:
            if candidate.connection.is_authenticated:
                del self._unauthenticated[candidate.connection]
            elif candidate.client.is_network is is_network and candidate.client != ROOT:
                yield candidate

    def _connection_count(self, candidate: UnauthenticatedConnection) -> int:
        """Return how many connections the client of a connection has."""
        return self._client_counts[candidate.client]

    def _stop_counting(self, connection: Connection, client: Client) -> None:
        """Stop counting a connection; a second call, when a replaced connection closes, does nothing."""
        if connection in self._uncounted:
            return
        self._uncounted.add(connection)
        self._unauthenticated.pop(connection, None)
        self._total_counts[client.is_network] -= 1
        self._client_counts[client] -= 1
        if not self._client_counts[client]:
            del self._client_counts[client]

    def _reject(self, client: Client, limit: str, number: int) -> bool:
        """Log that a limit is reached, at most once a minute for each limit; return False."""
        if self._log_intervals.is_due(limit):
            _log.warning("connection from %s rejected: %s = %d reached", client.name, limit, number)
        return False


def _client_of(connection: Connection) -> Client:
    peer = connection.peer
    if peer.credentials is not None:
        # The same uid in other namespaces is another client: it cannot use up the limit of this host's user, and root
        # in a container has a limit.
        suffix = "" if peer.credentials.shares_namespaces else " of other namespaces"
        return Client(is_network=False, name=f"uid {peer.credentials.uid}{suffix}")
    return Client(is_network=True, name=client_network(peer.address))
