"""Where is each enumeration? What is still to be told of it, for the one caller that asked, until it expires.

A context is an iterator and at most one item that found no room; its id cannot be guessed, and that of another caller
is as unknown as one that was made up (DSP0226 8.1). There are so many for each caller, and so many in all.
"""

import itertools
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from logonscope.broker import Caller
from logonscope.broker.deadline import Deadline
from logonscope.errors import LogonscopeError
from logonscope.wire.wsman.envelope import new_id
from logonscope.wire.wsman.faults import ENCODING_LIMIT, INVALID_CONTEXT, PULL_IN_PROGRESS, QUOTA, FaultError

Clock = Callable[[], float]

MANY = 16
"""Enumerations that are open; what waits in more than these is packed."""

FASTEST = 1
"""Of zlib's levels; items are so much alike that 500,000 octets become 5,000, in a millisecond."""


class Batch(NamedTuple):
    """Items that fit, and whether they were the last."""

    items: list[str]
    is_last: bool


class Enumeration:
    """What is still to be told: items of text, made as they are taken."""

    def __init__(self, caller: Caller, items: Iterator[str], deadline: Deadline) -> None:
        self.caller, self.deadline = caller, deadline
        self.expires = 0.0
        self._items = items
        self._held: str | None = None
        self._broken: Exception | None = None
        self._taken = threading.Lock()

    def batch(self, most: int, room: int, octets: Callable[[str], int], *, refuses: bool = True) -> Batch:
        """Return the next items: so many at most, in so much room; what finds none is kept for the next time.

        Raises:
            FaultError: somebody else is taking items; or (where it ``refuses``) the next item is larger than the whole
                room, and is left out.
            LogonscopeError: what came in the way of reading, this time or before: what was not told then never will
                be; TimedOutError where the deadline is over.
        """
        if not self._taken.acquire(blocking=False):
            raise FaultError(PULL_IN_PROGRESS, "the last pull is not answered yet", "wait for its answer")
        try:
            if self._broken is not None:
                raise self._broken
            return self._batch(most, room, octets, refuses=refuses)
        except LogonscopeError as error:
            self._broken = error
            raise
        finally:
            self._taken.release()

    def take_back(self, items: list[str], *, packed: bool = False) -> None:
        """Tell items once more, before those that were not told yet; ``packed``: let them take little memory."""
        held = [] if self._held is None else [self._held]
        kept = _unpacked(_packed(items)) if packed else iter(items)
        self._items, self._held = itertools.chain(kept, held, self._items), None

    def _batch(self, most: int, room: int, octets: Callable[[str], int], *, refuses: bool) -> Batch:
        items, left = list[str](), room
        first, self._held = [] if self._held is None else [self._held], None
        for item in itertools.islice(itertools.chain(first, self._items), most):
            left -= octets(item)
            if left < 0:
                self._held = item
                break
            items.append(item)
        if self._held is None:
            return Batch(items, is_last=len(items) < most)
        if not items and refuses:
            size, self._held = octets(self._held), None
            raise FaultError(
                ENCODING_LIMIT, f"an item of {size:,} octets, where {room:,} are free", "ask for a larger envelope"
            )
        return Batch(items, is_last=False)


def _packed(items: list[str]) -> bytes:
    return zlib.compress("\0".join(items).encode(), FASTEST) if items else b""


def _unpacked(packed: bytes) -> Iterator[str]:
    if packed:
        yield from zlib.decompress(packed).decode().split("\0")  # which no XML has (XML 1.0, 2.2)


class Contexts:
    """The enumerations that are open; each lasts so many seconds from when it was last asked for."""

    def __init__(self, most: int, most_of_a_caller: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self.seconds = seconds
        self._most, self._most_of_a_caller, self._clock = most, most_of_a_caller, clock
        self._open: dict[str, Enumeration] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def are_many(self) -> bool:
        """Tell whether what waits in them has to be little."""
        return len(self._open) >= MANY

    def keep(self, enumeration: Enumeration, seconds: float | None = None) -> str:
        """Keep an enumeration and return its id.

        Raises:
            FaultError: there are too many, of this caller or in all.
        """
        with self._lock:
            self._sweep()
            own = sum(known.caller == enumeration.caller for known in self._open.values())
            if own >= self._most_of_a_caller or len(self._open) >= self._most:
                raise FaultError(QUOTA, f"{own} enumerations are open", "release them, or pull them to their end")
            context = new_id()
            enumeration.expires = self._until(seconds)
            self._open[context] = enumeration
            return context

    def find(self, context: str, caller: Caller) -> Enumeration:
        """Return an enumeration, which lasts anew from now on.

        Raises:
            FaultError: there is none, or it is another caller's.
        """
        with self._lock:
            found = self._own(context, caller)
            found.expires = max(found.expires, self._until(None))
            return found

    def renew(self, context: str, caller: Caller, seconds: float | None) -> float:
        """Let an enumeration last so long from now on, if not longer; return how many seconds it lasts.

        Raises:
            FaultError: as ``find``.
        """
        with self._lock:
            found = self._own(context, caller)
            if seconds is not None:
                found.expires = self._until(seconds)
            return found.expires - self._clock()

    def drop(self, context: str, caller: Caller) -> None:
        """Forget an enumeration.

        Raises:
            FaultError: as ``find``.
        """
        with self._lock:
            self._own(context, caller)
            self._forget(context)

    def forget(self, context: str) -> None:
        """Forget an enumeration that is over, where it is not forgotten already."""
        with self._lock:
            self._forget(context)

    def close(self) -> None:
        """Forget all of them."""
        with self._lock:
            for context in [*self._open]:
                self._forget(context)

    def _own(self, context: str, caller: Caller) -> Enumeration:
        self._sweep()
        found = self._open.get(context)
        if found is None or found.caller != caller:
            raise FaultError(INVALID_CONTEXT, "there is no such enumeration", "it was told to its end, or has expired")
        return found

    def _until(self, seconds: float | None) -> float:
        return self._clock() + min(seconds or self.seconds, self.seconds)

    def _sweep(self) -> None:
        now = self._clock()
        for context in [context for context, known in self._open.items() if known.expires <= now]:
            self._forget(context)

    def _forget(self, context: str) -> None:
        found = self._open.pop(context, None)
        if found is not None:
            found.deadline.cancel()
