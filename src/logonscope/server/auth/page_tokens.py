"""The two tokens of ``logonscope page``: the page exchanges a token that works once for the token of its requests."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable

from logonscope.broker import Caller

ONCE_SECONDS = 300.0
"""Seconds for which the token that works once is valid."""


class PageTokens:
    """The two tokens of one run of ``logonscope page``; safe for threads."""

    def __init__(self, caller: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        """Create both tokens for a caller, who may only read."""
        self._caller, self._clock = caller._replace(read_only=True), clock
        self.once = secrets.token_urlsafe(32)
        self._bearer = secrets.token_urlsafe(32)
        self._is_used, self._end = False, clock() + ONCE_SECONDS
        self._lock = threading.Lock()

    @property
    def user(self) -> str:
        """Return the name of the caller."""
        return self._caller.name

    def exchange(self, token: str) -> str | None:
        """Return the token for requests in exchange for the token that works once.

        Return None if ``token`` is not the token that works once, or if that token was used before or has expired.
        """
        with self._lock:
            if self._is_used or self._clock() >= self._end or not _equal(token, self.once):
                return None
            self._is_used = True
        return self._bearer

    def find_caller(self, token: str) -> Caller | None:
        """Return the caller of the token for requests; None for any other token, and before the exchange."""
        return self._caller if self._is_used and _equal(token, self._bearer) else None


def _equal(token: str, expected: str) -> bool:
    return hmac.compare_digest(token.encode(errors="replace"), expected.encode())
