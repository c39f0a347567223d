"""Open enumerations: the rows that are not delivered yet, kept for a caller until the enumeration expires.

The table has subscriptions to events, too (``subscriptions.py``), because clients pull events in the same way as rows.

Rows are kept unrendered: a door renders them when it sends them, and puts back those that do not fit. The id of an
enumeration cannot be guessed, and the id of another caller's enumeration is rejected like an unknown id (DSP0226 8.1,
DSP0200 5.2). The number of enumerations and subscriptions is limited for each caller and in total; all administrators
together may exceed the total limit by the limit of one caller.
"""

import math
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from operator import length_hint
from types import TracebackType
from typing import Any, NamedTuple, Self

from logonscope.broker import Caller, Request
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.errors import (
    EnumerationNotFoundError,
    PullInProgressError,
    QuotaViolationError,
    TransportFailureError,
)
from logonscope.machine import Deadline

Clock = Callable[[], float]


class AnswerRows(NamedTuple):
    """The result of an operation that returns objects of the package ``answers``, such as logon sessions, or dicts.

    Dicts are the parts of a tree and of leftovers, and the pairs of ``session_processes``.
    """

    rows: Iterator[Any]


Item = tuple[Any, Any]
"""A pair of a result and one of its rows: (ClassRows, row), (AnswerRows, answer), or (Class, ()) for a definition."""


class Rows(NamedTuple):
    """The result of an operation that returns many instances, classes or answers.

    Attributes:
        results: ClassRows or AnswerRows, each with many rows, or classes; read while they are iterated.
        is_projection: the instances have selected properties only, as in ``SELECT Name FROM ...``.
        base_class: show all instances as instances of this class; None: of their own class.
    """

    results: Iterator[ClassRows | Class] | Iterator[AnswerRows]
    is_projection: bool = False
    base_class: Class | None = None


class OpenContext:
    """An enumeration or a subscription of one caller, which stays open between requests.

    ``with`` locks the context: one request at a time uses it.
    """

    is_extended_by_use = True
    """Whether each request that uses the context extends its lifetime to the maximum."""

    def __init__(self, caller: Caller, max_seconds: float) -> None:
        """Create the context; it is not in the table yet.

        Args:
            caller: the caller who may continue the context.
            max_seconds: the maximum seconds of its remaining lifetime.
        """
        self.id = ""
        """The id by which the client continues the context; "" until it is in the table."""
        self.format: Any = None
        """Set by the door: how it renders the items."""
        self.caller, self.max_seconds, self.expires = caller, max_seconds, 0.0
        self._door: type | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Lock the context for one request.

        Raises:
            PullInProgressError: another request has locked the context.
        """
        if not self._lock.acquire(blocking=False):
            raise PullInProgressError("another pull of this enumeration is in progress", "wait for its answer")
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def lifetime(self, seconds: float) -> float:
        """Return how many seconds the context would stay open if the client asks for ``seconds``."""
        return min(seconds, self.max_seconds)

    def bind_door(self, door: object) -> None:
        """Bind the context to the first door that renders it, since ``format`` has a meaning for that door only.

        Raises:
            EnumerationNotFoundError: the context is bound to another door.
        """
        if self._door not in {None, type(door)}:
            reason = f"the enumeration was not started through {door!r}"
            raise EnumerationNotFoundError(reason, "pull it through the protocol that started it")
        self._door = type(door)

    def close(self) -> None:
        """End the context."""


class Enumeration(OpenContext):
    """The rows of one enumeration and the position in them."""

    def __init__(self, enumerations: "Enumerations", request: Request, deadline: Deadline, rows: Rows) -> None:
        """Create an enumeration of these rows, which ``request`` reads until its deadline."""
        super().__init__(request.caller, enumerations.seconds)
        self.is_projection, self.base_class = rows.is_projection, rows.base_class
        self._enumerations, self._request, self._deadline = enumerations, request, deadline
        self._put_back_rows: Iterator[Item] = iter(())  # delivered before the rows that are not read yet
        self._end = _End()
        self._unread_rows = _read_items(rows.results, self._end)

    def __repr__(self) -> str:
        return f"<Enumeration {self.id or 'not kept'} of {self.caller.name}>"

    @property
    def host(self) -> str:
        """Return the name of the host that the rows describe."""
        return self._request.host_name

    @property
    def failure(self) -> Exception | None:
        """Return the error that stopped reading the rows; None: no error has stopped it."""
        return self._end.failure

    @property
    def is_complete(self) -> bool:
        """Return whether all rows were taken, and none was put back."""
        return self._end.is_read and not length_hint(self._put_back_rows)

    def take(self, max_rows: int) -> Iterator[Item]:
        """Return an iterator over at most ``max_rows`` rows; a row is taken when it is iterated.

        Raises:
            Exception: the error that stopped an earlier read; without it, the rows would look complete.
        """
        if self.failure is not None:
            raise self.failure
        return islice(chain(self._put_back_rows, self._unread_rows), max_rows)

    def put_back(self, items: Iterable[Item]) -> None:
        """Put back the rows that were taken last, in their order, to be delivered next."""
        self._put_back_rows = iter([*items, *self._put_back_rows])

    def keep_open(self, seconds: float | None = None) -> str:
        """Keep the enumeration open for ``seconds`` (None: the maximum), and return its id.

        Raises:
            QuotaViolationError: the limit of this caller or the total limit is reached.
            TransportFailureError: the server stops.
        """
        return self._enumerations.add(self, seconds)

    def resume(self, seconds: float, deadline: Deadline) -> None:
        """Continue reading for another request: for ``seconds``, and not longer than the deadline of that request."""
        if deadline is not self._deadline:
            self._deadline.move(seconds)
            self._deadline.follow(deadline)

    def close(self) -> None:
        self._deadline.cancel()


class _End:
    """How the reading of the rows ended, once it has ended."""

    is_read = False
    failure: Exception | None = None


def _read_items(results: Iterator[Any], end: _End) -> Iterator[Item]:
    """Yield the rows one by one, and note how the reading ended.

    This generator does not refer to the Enumeration: without a reference cycle, it is freed as soon as it is dropped.
    """
    try:
        for result in results:
            if isinstance(result, Class):
                yield result, ()
            else:
                yield from zip(repeat(result), result.rows)
    # A generator ends after an exception. The exception is kept, so that `take` raises it again for later requests.
    except Exception as error:  # whatever it is, later requests get it, too
        end.failure = error
        raise
    end.is_read = True


class Enumerations:
    """The table of open enumerations and subscriptions.

    An enumeration or a subscription expires after the lifetime that its client requested when it was opened or renewed.
    A pull of an enumeration extends this lifetime to ``seconds``. A pull of a subscription does not extend it.
    """

    def __init__(self, max_open: int, max_per_caller: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self.seconds = seconds
        self._max_open, self._max_per_caller, self._clock = max_open, max_per_caller, clock
        self._open: dict[str, OpenContext] = {}
        self._counts = Counter[Caller]()
        self._next_expiry = math.inf  # nothing in the table expires before this time
        self._is_closed = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Enumerations: {len(self)} of {self._max_open} open>"

    def add(self, context: OpenContext, seconds: float | None = None) -> str:
        """Add an enumeration or a subscription, and return its new id.

        Raises:
            QuotaViolationError: the limit of this caller or the total limit is reached.
            TransportFailureError: the server stops.
        """
        with self._lock:
            # a subscription that is added after close() would never end, and its subscriber would get no message
            if self._is_closed:
                raise TransportFailureError("the service stops", "try again when it runs")
            self._remove_expired()
            count = self._counts[context.caller]
            reserved = self._max_per_caller if context.caller.administrator else 0
            if count >= self._max_per_caller or len(self._open) >= self._max_open + reserved:
                reason = f"too many open enumerations ({count} of this caller)"
                raise QuotaViolationError(reason, "release them, or pull them to their end")
            context.id = f"uuid:{str(uuid.uuid4()).upper()}"
            self._set_expiry(context, self._expiry(context, seconds))
            self._open[context.id] = context
            self._counts[context.caller] += 1
            return context.id

    def find(self, enumeration_id: str, caller: Caller) -> OpenContext:
        """Return an enumeration or a subscription by its id; extend the lifetime of an enumeration.

        Raises:
            EnumerationNotFoundError: it does not exist, or belongs to another caller.
        """
        with self._lock:
            context = self._context(enumeration_id, caller)
            if context.is_extended_by_use:
                context.expires = max(context.expires, self._expiry(context))
            return context

    def renew(self, enumeration_id: str, caller: Caller, seconds: float | None = None) -> float:
        """Set the remaining lifetime of an enumeration or a subscription; return this lifetime in seconds.

        With None as ``seconds``, the lifetime does not change.

        Raises:
            EnumerationNotFoundError: as ``find``.
        """
        with self._lock:
            context = self._context(enumeration_id, caller)
            if seconds is not None:
                self._set_expiry(context, self._expiry(context, seconds))
            return context.expires - self._clock()

    def release(self, enumeration_id: str, caller: Caller) -> None:
        """Remove an enumeration or a subscription of a caller who does not need it any more.

        Raises:
            EnumerationNotFoundError: as ``find``.
        """
        with self._lock:
            self._context(enumeration_id, caller)
            self._remove(enumeration_id)

    def remove(self, enumeration_id: str) -> None:
        """Remove an enumeration or a subscription, if it is still in the table."""
        with self._lock:
            self._remove(enumeration_id)

    def close(self) -> None:
        """Remove all enumerations and subscriptions, and add no more: the server stops."""
        with self._lock:
            self._is_closed = True
            for context_id in [*self._open]:
                self._remove(context_id)

    def remove_expired(self) -> None:
        """Remove what has expired: until then it counts as open."""
        with self._lock:
            self._remove_expired()

    def _context(self, context_id: str, caller: Caller) -> OpenContext:
        """Return an enumeration or a subscription of a caller; the lock must be held.

        Raises:
            EnumerationNotFoundError: it does not exist, or belongs to another caller.
        """
        self._remove_expired()
        context = self._open.get(context_id)
        # The same error for another caller's id: it must not reveal that the id exists.
        if context is None or context.caller != caller:
            if self._is_closed:
                raise EnumerationNotFoundError(
                    "it has ended because the service stops", "enumerate or subscribe again later"
                )
            raise EnumerationNotFoundError("unknown enumeration: it is complete or has expired", "enumerate again")
        return context

    def _expiry(self, context: OpenContext, seconds: float | None = None) -> float:
        return self._clock() + context.lifetime(seconds or context.max_seconds)

    def _set_expiry(self, context: OpenContext, moment: float) -> None:
        context.expires = moment
        self._next_expiry = min(self._next_expiry, moment)

    def _remove_expired(self) -> None:
        now = self._clock()
        if now < self._next_expiry:
            return
        for context_id in [context_id for context_id, context in self._open.items() if context.expires <= now]:
            self._remove(context_id)
        self._next_expiry = min((context.expires for context in self._open.values()), default=math.inf)

    def _remove(self, context_id: str) -> None:
        context = self._open.pop(context_id, None)
        if context is not None:
            self._counts[context.caller] -= 1
            if not self._counts[context.caller]:
                del self._counts[context.caller]
            context.close()
