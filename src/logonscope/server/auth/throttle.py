"""How long does somebody wait who guesses passwords? Longer with every failure, and never longer than ``LONGEST``.

Failures are counted by the address that they come from (IPv6: by its /64, which one customer has) and by the user that
they are about, as guesses come from one place at many users, and from many places at one. A few are free.

Nobody is locked out. A user whom strangers guess at waits ``LONGEST`` at most, which clients endure, and not at all
where that user came in before: for a place and a user that have succeeded together only the failures of both together
count. A success takes back those, and no others, so that an account of one's own does not help to guess at others'.
Loopback is an address like any other: a proxy, and whoever else is on the machine, come from there.

Delays are no use against many attempts at once. So an attempt counts as a failure before its password is looked at, and
there is a bound in guesses: so many at once, and as many more in an hour, for an address and for a user. Beyond it
attempts are refused; where address and user have succeeded together, those of both together are bounded alone. Of one
place only some may wait, and others are turned away. Who waits only because strangers guess is not counted there.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from logonscope.errors import ServerTooBusyError

FREE = 5
"""Failures before anybody waits: people mistype."""

LONGEST = 10.0
"""Seconds; clients of WinRM give up after 30 (pywinrm: read_timeout_sec)."""

FORGIVEN = 900.0
"""Seconds without a failure after which those before are forgotten."""

AT_ONCE = 8
"""Attempts of one place that may wait at the same time."""

OF_PLACE, OF_USER = 30, 60
"""Guesses from one address, and at one user, at once; after that, as many an hour."""

HOUR = 3600.0

MOST = 10_000
"""Places, users, and pairs of them that are known at a time: those heard of longest ago are forgotten."""


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last: float = 0.0
    known: bool = False  # a pair that has succeeded
    spent: float = 0.0  # guesses, of those that there may be at once
    counted: float = 0.0  # when they were counted last
    waiting: list[float] = field(default_factory=list)  # until when each of those waits that wait

    def wait(self, now: float) -> float:
        """Return how many seconds the next attempt waits."""
        if now - self.last > FORGIVEN:
            self.failures = 0
        return min(LONGEST, 2.0 ** min(self.failures - FREE, 30)) if self.failures >= FREE else 0.0

    def spent_by(self, now: float, bound: int) -> float:
        """Return how many of the guesses that there may be at once are spent: with time they come back."""
        self.spent = max(0.0, self.spent - (now - self.counted) * bound / HOUR)
        self.counted = now
        return self.spent


Key = TypeVar("Key", bound=Hashable)


class _Records(Generic[Key]):
    """Records of a bounded number of keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._records: OrderedDict[Key, _Record] = OrderedDict()

    def look(self, key: Key) -> _Record:
        """Return the record of a key, and nothing is kept."""
        return self._records.get(key) or _Record()

    def keep(self, key: Key) -> _Record:
        """Return the record of a key, which is kept."""
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        if len(self._records) > self._most:
            self._records.popitem(last=False)
        return record


class Throttle:
    """Counts failures; may be asked from any thread, and never waits itself."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST,
        of_place: int = OF_PLACE,
        of_user: int = OF_USER,
    ) -> None:
        self._clock, self._of_place, self._of_user = clock, of_place, of_user
        self._lock = threading.Lock()
        self._places: _Records[str] = _Records(most)
        self._users: _Records[str] = _Records(most)
        self._pairs: _Records[tuple[str, str]] = _Records(most)

    def delay(self, source: str, user: str) -> float:
        """Return how many seconds an attempt has to wait before it is looked at.

        Raises:
            ServerTooBusyError: more of that place wait already than may.
        """
        place = place_of(source)
        with self._lock:
            now = self._clock()
            pair = self._pairs.look((place, user))
            own = pair if pair.known else self._places.look(place)
            wait = own.wait(now)
            if wait:
                own.waiting = [end for end in own.waiting if end > now]
                if len(own.waiting) >= AT_ONCE:
                    raise ServerTooBusyError("too many attempts wait already", f"try again in {LONGEST:g} seconds")
                own.waiting.append(now + wait)
            return wait if pair.known else max(wait, self._users.look(user).wait(now))

    def is_known(self, source: str, user: str) -> bool:
        """Return whether this user has succeeded at this place."""
        with self._lock:
            return self._pairs.look((place_of(source), user)).known

    def begin(self, source: str, user: str) -> None:
        """Count an attempt as a failure, before it is looked at; ``succeeded`` takes it back.

        Raises:
            ServerTooBusyError: there were too many within the hour; this one must not be looked at.
        """
        place = place_of(source)
        with self._lock:
            now = self._clock()
            pair = self._pairs.keep((place, user))
            bounds = [(self._places.keep(place), self._of_place), (self._users.keep(user), self._of_user)]
            bounds.append((pair, self._of_place))
            spent = [(record, bound, record.spent_by(now, bound)) for record, bound in bounds]
            if any(count + 1 > bound for record, bound, count in spent if record is pair or not pair.known):
                raise ServerTooBusyError("too many wrong passwords within the hour", "try again later")
            for record, _ in bounds:
                record.wait(now)  # what is forgiven does not come back
                record.failures, record.last, record.spent = record.failures + 1, now, record.spent + 1

    def succeeded(self, source: str, user: str) -> None:
        """Take back the failures of this user at this place, who is known there from now on."""
        place = place_of(source)
        with self._lock:
            pair = self._pairs.keep((place, user))
            for record in (self._places.look(place), self._users.look(user)):
                record.failures = max(0, record.failures - pair.failures)
                record.spent = max(0.0, record.spent - pair.spent)
            pair.failures, pair.spent, pair.known = 0, 0.0, True


def place_of(source: str) -> str:
    """Return what is counted as one place; a text that is no address is one by itself."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
