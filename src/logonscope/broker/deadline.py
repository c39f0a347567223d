"""How long may an answer take? A source that gives up when its time is over, wherever it is read."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.facts import Needs, Snapshot, Source

Item = TypeVar("Item")


def within(source: Source, seconds: float) -> Source:
    """Return the source; so many seconds from now every look at it, and every step of one, raises TimedOutError.

    Raises:
        InvalidParameterError: the seconds are not above 0.
    """
    if not seconds > 0:
        raise InvalidParameterError(f"{seconds:g} s is no time to answer in", "give seconds above 0")
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise TimedOutError(f"no whole answer within {seconds:g} s", "ask for less, or give more time")

    def checked(items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            check()
            yield item

    def observe(needs: Needs) -> Snapshot:
        check()
        snapshot = source.observe(needs)
        return snapshot._replace(
            processes=checked(snapshot.processes), users=checked(snapshot.users), groups=checked(snapshot.groups)
        )

    return source._replace(observe=observe)
