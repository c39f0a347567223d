"""Delays and limits against password guessing. After FREE_FAILURES, each failure doubles the delay, up to MAX_DELAY.

Failures are counted for the client's address (IPv6: for its /64, which one customer has) and for the user name, because
attackers try one user from many addresses, and many users from one address.

For a pair of address and user that authenticated before, only the pair's own failures count. So others can lock out the
user there only from the same address, for example through the same proxy. At an address where the user did not
authenticate before, others who guess the user's password can delay the user, by at most MAX_DELAY, and once they have
used up USER_LIMIT, the user is rejected there. A success clears only the failures of its pair, so that an attacker's
own account does not help to guess the passwords of other users. Loopback is an address like any other: proxies and
local users share it.

Records are dropped if there are too many. Rejected attempts add no records, and pairs that authenticated before have
records of their own, so that attempts with many user names do not push these out.

Delays do not stop many attempts at once. So an attempt counts as a failure before its password is checked, and the
number of guesses is limited for an address and for a user: ADDRESS_LIMIT or USER_LIMIT at once (a burst), and then the
same number in each hour. Attempts over the limit are rejected; for a pair that authenticated before, only the pair's
own limit applies. The number of waiting attempts from one address is limited, too. Attempts that wait only because of
failures from other addresses do not count for this limit.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from logonscope.errors import ServerTooBusyError

FREE_FAILURES = 5
"""Number of failures without a delay: people mistype."""

MAX_DELAY = 10.0
"""The longest delay in seconds. Clients of WinRM wait up to 30 seconds (pywinrm: read_timeout_sec)."""

FORGIVEN_SECONDS = 900.0
"""Seconds without a failure after which earlier failures are cleared."""

MAX_WAITING = 8
"""Attempts of one address, or of a pair that has authenticated before, that can wait at the same time."""

ADDRESS_LIMIT = 30
"""Guesses allowed at once from one address, and for one pair; after that, the same number in an hour."""

USER_LIMIT = 60
"""Guesses allowed at once for one user, from all addresses; after that, the same number in an hour."""

HOUR = 3600.0

MAX_RECORDS = 10_000
"""Maximum number of records of each kind: addresses, users, pairs that authenticated before, and other pairs."""


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last_failure: float = 0.0  # time of the last failure
    has_succeeded: bool = False  # set for pairs only
    spent: float = 0.0  # guesses of the burst that are used up
    spent_time: float = 0.0  # time when ``spent`` was computed
    wait_ends: list[float] = field(default_factory=list)  # when each waiting attempt stops waiting

    def wait_seconds(self, now: float) -> float:
        """Clear failures that are too old, and return how many seconds the next attempt waits."""
        if now - self.last_failure > FORGIVEN_SECONDS:
            self.failures = 0
        # The exponent is bounded, since failures are not: 2.0 ** 1024 overflows.
        return min(MAX_DELAY, 2.0 ** min(self.failures - FREE_FAILURES, 30)) if self.failures >= FREE_FAILURES else 0.0

    def spent_by(self, now: float, limit: int) -> float:
        """Return how many guesses of the burst are used up; ``limit`` guesses are refilled in an hour."""
        self.spent = max(0.0, self.spent - (now - self.spent_time) * limit / HOUR)
        self.spent_time = now
        return self.spent


Key = TypeVar("Key", bound=Hashable)


class _Records(Generic[Key]):
    """Records of a bounded number of keys."""

    def __init__(self, max_records: int) -> None:
        self._max_records = max_records
        self._records: OrderedDict[Key, _Record] = OrderedDict()

    def find(self, key: Key) -> _Record:
        """Return the record of a key; if the key has no record, a new one, which is not stored."""
        return self._records.get(key) or _Record()

    def use(self, key: Key) -> _Record:
        """Return the record of a key as ``find`` does; it counts as used now."""
        if key in self._records:
            self._records.move_to_end(key)
        return self.find(key)

    def store(self, key: Key, record: _Record) -> None:
        """Store the record of a key; if there are too many, drop the one that was not used for the longest time."""
        self._records[key] = record
        self._records.move_to_end(key)
        if len(self._records) > self._max_records:
            self._records.popitem(last=False)

    def remove(self, key: Key) -> None:
        """Remove the record of a key, if it has one."""
        self._records.pop(key, None)


class Throttle:
    """Counts failures and computes delays. It is safe for threads, and never waits itself."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        max_records: int = MAX_RECORDS,
        address_limit: int = ADDRESS_LIMIT,
        user_limit: int = USER_LIMIT,
    ) -> None:
        self._clock, self._address_limit, self._user_limit = clock, address_limit, user_limit
        self._lock = threading.Lock()
        self._networks: _Records[str] = _Records(max_records)
        self._users: _Records[str] = _Records(max_records)
        self._pairs: _Records[tuple[str, str]] = _Records(max_records)
        self._known_pairs: _Records[tuple[str, str]] = _Records(max_records)  # those that authenticated before

    def delay(self, address: str, user: str) -> float:
        """Return how many seconds an attempt must wait before its password is checked.

        Raises:
            ServerTooBusyError: too many attempts of this pair or from this address are waiting already.
        """
        network = client_network(address)
        with self._lock:
            now = self._clock()
            pair = self._pairs_with((network, user)).find((network, user))
            client_record = pair if pair.has_succeeded else self._networks.find(network)
            seconds = client_record.wait_seconds(now)
            # The limit applies only if this client itself has failed. Otherwise clients that guess a user's password
            # could fill the queue, and the user's own attempts would be rejected.
            if seconds:
                client_record.wait_ends = [end for end in client_record.wait_ends if end > now]
                if len(client_record.wait_ends) >= MAX_WAITING:
                    raise ServerTooBusyError(
                        "too many authentication attempts are waiting", f"try again in {MAX_DELAY:g} seconds"
                    )
                client_record.wait_ends.append(now + seconds)
            return seconds if pair.has_succeeded else max(seconds, self._users.find(user).wait_seconds(now))

    def is_delayed(self, address: str, user: str) -> bool:
        """Return whether an attempt must wait; unlike ``delay``, this does not count it as waiting."""
        network = client_network(address)
        with self._lock:
            now = self._clock()
            pair = self._pairs_with((network, user)).find((network, user))
            if pair.has_succeeded:
                return pair.wait_seconds(now) > 0
            records = (self._networks.find(network), self._users.find(user))
            return any(record.wait_seconds(now) > 0 for record in records)

    def is_known(self, address: str, user: str) -> bool:
        """Return whether this user has authenticated from this address before."""
        with self._lock:
            return self._known_pairs.find((client_network(address), user)).has_succeeded

    def _pairs_with(self, key: tuple[str, str]) -> _Records[tuple[str, str]]:
        """Return the records among which the record of a pair is, or would be."""
        return self._known_pairs if self._known_pairs.find(key).has_succeeded else self._pairs

    def begin(self, address: str, user: str) -> None:
        """Count an attempt as a failure before its password is checked; ``succeeded`` takes this back.

        Raises:
            ServerTooBusyError: there were too many failed attempts within an hour; the password must not be checked.
        """
        network = client_network(address)
        with self._lock:
            now = self._clock()
            key = network, user
            pairs = self._pairs_with(key)
            pair, client_record, user_record = pairs.use(key), self._networks.use(network), self._users.use(user)
            limits = (
                (pair, self._address_limit), (client_record, self._address_limit), (user_record, self._user_limit)
            )  # fmt: skip
            spent = [(record, limit, record.spent_by(now, limit)) for record, limit in limits]
            # Guesses by others must not keep a user out at an address where the user authenticated before.
            if any(count + 1 > limit for record, limit, count in spent if record is pair or not pair.has_succeeded):
                raise ServerTooBusyError("too many failed authentications within an hour", "try again later")
            pairs.store(key, pair)
            self._networks.store(network, client_record)
            self._users.store(user, user_record)
            for record, _ in limits:
                # Clears failures that are too old, before the new failure makes them look recent.
                record.wait_seconds(now)
                record.failures, record.last_failure, record.spent = record.failures + 1, now, record.spent + 1

    def succeeded(self, address: str, user: str) -> None:
        """Clear the failures of this pair of address and user, which has its own limits from now on."""
        network = client_network(address)
        with self._lock:
            key = network, user
            pair = self._pairs_with(key).find(key)
            for record in (self._networks.find(network), self._users.find(user)):
                record.failures = max(0, record.failures - pair.failures)
                record.spent = max(0.0, record.spent - pair.spent)
            pair.failures, pair.spent, pair.has_succeeded = 0, 0.0, True
            self._pairs.remove(key)
            self._known_pairs.store(key, pair)


@lru_cache(maxsize=1024)
def client_network(text: str) -> str:
    """Return the network that represents a client: the IPv4 address, or the IPv6 /64; another text is unchanged."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
