"""Does the name service answer? Everything that asks it waits no longer than a deadline, and leaves it alone after."""

import time
from collections.abc import Callable
from typing import TypeVar

from logonscope.machine import Trouble
from logonscope.sources.linux.patience import within

DEADLINE = 2.0
"""Seconds that the name service may take for one answer."""

QUIET = 60.0
"""Seconds that it is not asked again after it did not answer."""

_ADVICE = "see whether `getent passwd` answers; until then users are shown by uid alone, and accounts are missing"

Value = TypeVar("Value")


class Silence:
    """Until when the name service is not asked, shared by all snapshots of a source."""

    until = 0.0


class NameService:
    """The name service (nsswitch.conf(5)), as one snapshot asks it."""

    def __init__(self, silence: Silence, troubles: list[Trouble]) -> None:
        self._silence = silence
        self._troubles = troubles

    @property
    def is_silent(self) -> bool:
        """Tell whether it is not asked for a while."""
        return time.monotonic() < self._silence.until

    def ask(self, question: Callable[[], Value]) -> Value | None:
        """Return what it answers; None where it knows nothing, or does not answer."""
        if self.is_silent:
            return None
        try:
            return within(DEADLINE, question)
        except TimeoutError as error:
            self.fell_silent(str(error))
        except (KeyError, ValueError, OverflowError, OSError):
            pass
        return None

    def fell_silent(self, why: str) -> None:
        """Note that it did not answer."""
        self._silence.until = time.monotonic() + QUIET
        self.trouble(why)

    def trouble(self, why: str) -> None:
        """Note that it failed."""
        self._troubles.append(Trouble("the name service (NSS)", why, _ADVICE))
