"""A limit on the time that all event queries of a caller take to read polled classes."""

import time
from collections.abc import Hashable

REST_FACTOR = 9.0
"""Seconds of rest after each second of a reading: the readings of one caller together take at most a tenth of the time.

Elapsed time counts, not the processor time of the thread that reads: other threads and programs also work for a
reading.
"""

MAX_CALLERS = 1_000
"""If there are so many callers, those whose rest is over are forgotten."""


class PollingBudget:
    """When each caller may read a polled class again."""

    def __init__(self) -> None:
        self._free_at: dict[Hashable, float] = {}

    def __repr__(self) -> str:
        return f"<PollingBudget of {len(self._free_at)} callers>"

    def next_reading(self, caller: Hashable, interval: float, reading_seconds: float) -> float:
        """Return the moment of the next reading of a class.

        Args:
            caller: the caller whose query reads the class.
            interval: the seconds between two readings that the query asks for.
            reading_seconds: the seconds that the last reading took. All polled classes of the caller rest REST_FACTOR
                times as long: with many or expensive classes, each is read less often than its query asks for.
        """
        now = time.monotonic()
        if len(self._free_at) >= MAX_CALLERS:
            self._free_at = {key: moment for key, moment in self._free_at.items() if moment > now}
        free_at = max(now, self._free_at.get(caller, now)) + reading_seconds * REST_FACTOR
        self._free_at[caller] = free_at
        return max(now + interval, free_at)


BUDGET = PollingBudget()
"""The budget that all subscriptions of this process share."""
