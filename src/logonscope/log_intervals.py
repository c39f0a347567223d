"""Intervals of log lines about what can happen often: a line about each subject at most once a minute."""

import time
from collections.abc import Callable

REPORT_INTERVAL = 60.0
"""Seconds between two log lines about the same subject."""


class LogIntervals:
    """When each subject was logged last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_logged: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<LogIntervals of {', '.join(self._last_logged)}>"

    def is_due(self, subject: str) -> bool:
        """Return whether to log a subject now, because it was not logged for REPORT_INTERVAL; then it counts as logged.

        Subjects are never removed from memory: a caller must have few different ones.
        """
        now = self._clock()
        if now - self._last_logged.get(subject, -REPORT_INTERVAL) < REPORT_INTERVAL:
            return False
        self._last_logged[subject] = now
        return True
