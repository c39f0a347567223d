"""Look: what all readings for one request share, such as its deadline, values read once, and what could not be read."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.machine.trouble import Trouble

Item = TypeVar("Item")

CHECK_SECONDS = 0.0005
"""Seconds between two calls of ``Deadline.check`` while items are read. A call takes as long as reading a short row."""


class Deadline:
    """The moment at which a request times out. It can be moved while the answer is read, and be cancelled."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds: float | None = None
        self._end = float("inf")
        self._is_cancelled = False
        self._followed: Deadline | None = None
        self.give_way: Callable[[], object] | None = None
        """A function that lets more urgent work run first; ``check`` calls it."""
        if seconds is not None:
            self.move(seconds)

    def move(self, seconds: float) -> None:
        """Set the deadline to so many seconds from now.

        Raises:
            InvalidParameterError: the seconds are not greater than 0.
        """
        # not "seconds <= 0", which is false for NaN
        if not seconds > 0:
            raise InvalidParameterError(f"invalid timeout {seconds:g} s: must be greater than 0")
        self._seconds = seconds
        if not self._is_cancelled:
            self._end = time.monotonic() + seconds

    def follow(self, deadline: "Deadline") -> None:
        """End this deadline at the latest when another deadline ends. A later call replaces the other deadline."""
        self._followed = deadline

    def cancel(self) -> None:
        """End the deadline at once and for good."""
        self._is_cancelled, self._end = True, float("-inf")

    @property
    def seconds_left(self) -> float | None:
        """Return the remaining seconds, at most those of the followed deadline; None: there is no limit."""
        followed_seconds = None if self._followed is None else self._followed.seconds_left
        if self._end == float("inf"):
            return followed_seconds
        seconds = max(0.0, self._end - time.monotonic())
        return seconds if followed_seconds is None else min(seconds, followed_seconds)

    @property
    def is_over(self) -> bool:
        """Return whether no time remains."""
        return time.monotonic() > self._end or (self._followed is not None and self._followed.is_over)

    def check(self) -> None:
        """Check that time remains, and let more urgent work run.

        Raises:
            TimedOutError: no time remains.
        """
        # is_over, written out: this is called for every process, and a property costs another call
        if time.monotonic() > self._end or (self._followed is not None and self._followed.is_over):
            raise self.end_error()
        if self.give_way is not None:
            self.give_way()

    def end_error(self) -> TimedOutError:
        """Return the error that says why no time remains."""
        if self._followed is not None and self._followed.is_over:
            return self._followed.end_error()
        hint = "request less, or give a longer timeout"
        if self._is_cancelled or self._seconds is None:
            return TimedOutError("no complete answer: the request was cancelled", hint)
        return TimedOutError(f"no complete answer within {self._seconds:g} s", hint)

    def check_each(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items. Before each item, check the deadline's own end; once in CHECK_SECONDS, call ``check``."""
        now, next_check = time.monotonic, float("-inf")
        for item in items:
            moment = now()
            if moment > self._end or moment >= next_check:
                self.check()
                next_check = moment + CHECK_SECONDS
            yield item


class Look:
    """Deadline, values read once, and troubles of one request; passed to every query of the request to a source."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.deadline = deadline
        self.troubles: list[Trouble] = []
        self._values: dict[Hashable, Any] = {}

    def __repr__(self) -> str:
        return f"<Look {len(self.troubles)} troubles{', timed' if self.deadline else ''}>"

    def check(self) -> None:
        """Check that time remains; called between the readings of two items.

        Raises:
            TimedOutError: no time remains.
        """
        if self.deadline is not None:
            self.deadline.check()

    def checked(self, items: Iterable[Item]) -> Iterator[Item]:
        """Return the items; after the deadline, the request for the next item raises TimedOutError.

        Raises:
            TimedOutError: the deadline has passed already.
        """
        if self.deadline is None:
            return iter(items)
        self.check()
        return self.deadline.check_each(items)

    def read_once(self, key: Hashable, read: Callable[[], Item]) -> Item:
        """Return the value that was read at the first call with this key: a request always sees the same value."""
        if key not in self._values:
            self._values[key] = read()
        value: Item = self._values[key]
        return value

    def report(self, trouble: Trouble) -> None:
        """Add a trouble; the same trouble is added only once."""
        if trouble not in self.troubles:
            self.troubles.append(trouble)
