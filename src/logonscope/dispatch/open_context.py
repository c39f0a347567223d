"""What a client continues by an id, as an open enumeration or a subscription to events."""

import threading
from types import TracebackType
from typing import Any, Self

from logonscope.broker import Caller
from logonscope.errors import EnumerationNotFoundError, PullInProgressError


class OpenContext:
    """Something of one caller that stays open between requests. ``with`` locks it: one request at a time uses it."""

    is_extended_by_use = True
    """Each request that uses it extends its lifetime to the maximum."""

    def __init__(self, caller: Caller, max_seconds: float) -> None:
        """Create it; it is not in the table yet.

        Args:
            caller: the caller who may continue it.
            max_seconds: the maximum of its remaining lifetime.
        """
        self.id = ""
        """The id by which the client continues it; "" until it is in the table."""
        self.format: Any = None
        """Set by the door: how it renders the items."""
        self.caller, self.max_seconds, self.expires = caller, max_seconds, 0.0
        self._door: type | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Lock it for one request.

        Raises:
            PullInProgressError: another request has locked it.
        """
        if not self._lock.acquire(blocking=False):
            raise PullInProgressError("another pull of this enumeration is in progress", "wait for its answer")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def lifetime(self, seconds: float) -> float:
        """Return how many seconds it would be kept open if the client asks for ``seconds``."""
        return min(seconds, self.max_seconds)

    def bind_door(self, door: object) -> None:
        """Bind it to the first door that renders it, since ``format`` has a meaning for that door only.

        Raises:
            EnumerationNotFoundError: it is bound to another door.
        """
        if self._door not in {None, type(door)}:
            reason = f"the enumeration was not started through {door!r}"
            raise EnumerationNotFoundError(reason, "pull it through the protocol that started it")
        self._door = type(door)

    def close(self) -> None:
        """End it."""
