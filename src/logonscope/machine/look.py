"""Look: how long one question may take, and what could not be read for it."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.machine.trouble import Trouble

Item = TypeVar("Item")


class Deadline:
    """The moment at which a question is given up. It can be moved while the answer is read, and be now."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds: float | None = None
        self._end = float("inf")
        self._is_cancelled = False
        self._other: Deadline | None = None
        self.give_way: Callable[[], object] | None = None
        """Called with every check: lets more urgent work go first."""
        if seconds is not None:
            self.move(seconds)

    def move(self, seconds: float) -> None:
        """Set the deadline to so many seconds from now.

        Raises:
            InvalidParameterError: they are not above 0.
        """
        if not seconds > 0:
            raise InvalidParameterError(f"invalid timeout {seconds:g} s", "give seconds above 0")
        self._seconds = seconds
        if not self._is_cancelled:
            self._end = time.monotonic() + seconds

    def follow(self, other: "Deadline") -> None:
        """Be over, too, whenever another deadline is; one after another can be followed."""
        self._other = other

    def cancel(self) -> None:
        """Be over at once and for good: the client has gone."""
        self._is_cancelled, self._end = True, float("-inf")

    @property
    def seconds_left(self) -> float | None:
        """Return how many seconds are left; None: there is no limit."""
        return None if self._end == float("inf") else max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Tell whether there is no time left."""
        return time.monotonic() > self._end or (self._other is not None and self._other.is_over)

    def check(self) -> None:
        """Go on where there is time left.

        Raises:
            TimedOutError: there is none.
        """
        # is_over, written out: this is called for every process
        if time.monotonic() > self._end or (self._other is not None and self._other.is_over):
            raise TimedOutError(f"no whole answer within {self._seconds or 0:g} s", "ask for less, or give more time")
        if self.give_way is not None:
            self.give_way()


class Look:
    """One question's deadline and its troubles: passed to every query that the question makes."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.deadline = deadline
        self.troubles: list[Trouble] = []
        self._read: dict[Hashable, Any] = {}

    def __repr__(self) -> str:
        return f"<Look {len(self.troubles)} troubles{', timed' if self.deadline else ''}>"

    def check(self) -> None:
        """Go on where there is time left; called between two items.

        Raises:
            TimedOutError: there is none.
        """
        if self.deadline is not None:
            self.deadline.check()

    def timed(self, items: Iterable[Item]) -> Iterator[Item]:
        """Return the items; once the time is over, the next one raises TimedOutError.

        Raises:
            TimedOutError: it is over already.
        """
        if self.deadline is None:
            return iter(items)
        self.check()
        return self._timed(items)

    def _timed(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            self.check()
            yield item

    def once(self, key: Hashable, read: Callable[[], Item]) -> Item:
        """Return what is read at the first call with this key: one question sees one value of it."""
        if key not in self._read:
            self._read[key] = read()
        found: Item = self._read[key]
        return found

    def report(self, trouble: Trouble) -> None:
        """Note something that could not be read, once."""
        if trouble not in self.troubles:
            self.troubles.append(trouble)
