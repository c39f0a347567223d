"""How long may an answer take? A source that gives up when its time is over, wherever it is read."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.facts import Process
from logonscope.machine import Needs, Sieve, Snapshot, Source

Item = TypeVar("Item")


class Deadline:
    """When to give up; it can be moved while the answer is read, and be now."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds: float | None = None
        self._end = float("inf")
        self._other: Deadline | None = None
        if seconds is not None:
            self.move(seconds)

    def move(self, seconds: float) -> None:
        """Give so many seconds from now.

        Raises:
            InvalidParameterError: they are not above 0.
        """
        if not seconds > 0:
            raise InvalidParameterError(f"{seconds:g} s is no time to answer in", "give seconds above 0")
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def follow(self, other: "Deadline") -> None:
        """Be over, too, whenever another one is; one after another can be followed."""
        self._other = other

    def cancel(self) -> None:
        """Give up at once: nobody waits any more."""
        self._end = float("-inf")

    @property
    def is_over(self) -> bool:
        """Tell whether there is no time left."""
        return time.monotonic() > self._end or (self._other is not None and self._other.is_over)

    def check(self) -> None:
        """Go on where there is time left.

        Raises:
            TimedOutError: there is none.
        """
        # is_over, written out: this is asked for every process
        if time.monotonic() > self._end or (self._other is not None and self._other.is_over):
            raise TimedOutError(f"no whole answer within {self._seconds or 0:g} s", "ask for less, or give more time")


def within(source: Source, deadline: Deadline) -> Source:
    """Return the source; once the deadline is over, every look at it, and every step of one, raises TimedOutError."""

    def checked(items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            deadline.check()
            yield item

    def timed(sieve: Sieve) -> Sieve:
        def keeps(process: Process) -> bool:
            deadline.check()
            return sieve.keeps(process)

        return Sieve(sieve.facts, keeps)

    def observe(needs: Needs) -> Snapshot:
        deadline.check()
        snapshot = source.observe(needs if needs.sieve is None else needs._replace(sieve=timed(needs.sieve)))
        return snapshot._replace(
            processes=checked(snapshot.processes), users=checked(snapshot.users), groups=checked(snapshot.groups)
        )

    return source._replace(observe=observe)
