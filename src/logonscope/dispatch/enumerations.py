"""Open enumerations: the rows that an answer has still to deliver, for the one caller that asked, until they expire.

Rows stay rows: a door renders them when they are sent, and puts back what does not fit. The id of an enumeration cannot
be guessed, and that of another caller's is as unknown as one that was made up (DSP0226 8.1, DSP0200 5.2). Their number
is limited for each caller, and in total; beyond that total administrators may have as many as one caller may.
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
from logonscope.cim.instances import Result
from logonscope.cim.types import Value
from logonscope.errors import EnumerationNotFoundError, PullInProgressError, QuotaViolationError
from logonscope.machine import Deadline

Clock = Callable[[], float]
Item = tuple[Result | Class, tuple[Value, ...]]
"""A row with its result, which has the class and the columns; or a class, with an empty row."""


class Rows(NamedTuple):
    """What an operation with many answers returns.

    Attributes:
        results: results of instances, and classes; read while they are iterated.
        projected: some properties of the instances were chosen, as in ``SELECT Name FROM ...``.
        base: the class as whose instances all are shown; None: each as its own.
    """

    results: Iterator[Result | Class]
    projected: bool = False
    base: Class | None = None


class Enumeration:
    """The rows of one answer, and where it is in them. Use it in ``with``: one request at a time takes rows."""

    def __init__(self, enumerations: "Enumerations", request: Request, deadline: Deadline, rows: Rows) -> None:
        """Take the rows, the request that reads them, and its deadline."""
        self.id = ""
        """The id by which the caller asks for more; "" as long as it is not kept open."""
        self.format: Any = None
        """The door's own: how it renders these rows."""
        self._door: type | None = None
        self.caller, self.projected, self.base = request.caller, rows.projected, rows.base
        self.expires = 0.0
        self._enumerations, self._request, self._deadline = enumerations, request, deadline
        self._waiting: Iterator[Item] = iter(())
        self._end = _End()
        self._unread = _items(rows.results, self._end)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Enumeration {self.id or 'not kept'} of {self.caller.name}>"

    def __enter__(self) -> Self:
        """Take rows alone.

        Raises:
            PullInProgressError: another request does.
        """
        if not self._lock.acquire(blocking=False):
            raise PullInProgressError("the last pull is not answered yet", "wait for its answer")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    @property
    def host(self) -> str:
        """Return the name of the host that the rows are of."""
        return self._request.host_name

    @property
    def failure(self) -> Exception | None:
        """Return the error that ended the reading."""
        return self._end.failure

    @property
    def is_over(self) -> bool:
        """Return whether all rows were taken, and none was put back since."""
        return self._end.is_read and not length_hint(self._waiting)

    def take(self, most: int) -> Iterator[Item]:
        """Return the next rows, at most so many; each counts as taken once it is iterated.

        Raises:
            Exception: what ended the reading before, if anything did: what is missing since must not look like the end.
        """
        if self.failure is not None:
            raise self.failure
        return islice(chain(self._waiting, self._unread), most)

    def put_back(self, items: Iterable[Item]) -> None:
        """Put back rows that were taken last, in their order: they come again, before all others."""
        self._waiting = iter([*items, *self._waiting])

    def keep(self, seconds: float | None = None) -> str:
        """Keep the enumeration open for another request, for so many seconds, and return its id.

        Raises:
            QuotaViolationError: too many are open, of this caller or in total.
        """
        return self._enumerations.add(self, seconds)

    def lifetime(self, seconds: float) -> float:
        """Return how long it will be kept open where the client asks for so many seconds."""
        return min(seconds, self._enumerations.seconds)

    def claim(self, door: object) -> None:
        """Bind the rows to the door that renders them first: their ``format`` is that door's.

        Raises:
            EnumerationNotFoundError: they are another door's.
        """
        if self._door not in {None, type(door)}:
            raise EnumerationNotFoundError(f"the enumeration is not one of {door!r}", "pull it where it was begun")
        self._door = type(door)

    def resume(self, seconds: float, deadline: Deadline) -> None:
        """Go on reading for another request: for so many seconds, and as long as that one has time left."""
        if deadline is not self._deadline:
            self._deadline.move(seconds)
            self._deadline.follow(deadline)

    def close(self) -> None:
        """Give up reading."""
        self._deadline.cancel()


class _End:
    """How the reading of rows ended, once it did."""

    is_read = False
    failure: Exception | None = None


def _items(results: Iterator[Result | Class], end: _End) -> Iterator[Item]:
    """Yield rows with their results; without the Enumeration, so that there is no cycle and it is freed at once."""
    try:
        for result in results:
            if isinstance(result, Class):
                yield result, ()
            else:
                yield from zip(repeat(result), result.rows)
    except Exception as error:  # whatever it is, whoever asks for the next row is told
        end.failure = error
        raise
    end.is_read = True


class Enumerations:
    """The enumerations that are open; each lasts so many seconds from when it was last asked for."""

    def __init__(self, most: int, most_of_a_caller: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self.seconds = seconds
        self._most, self._most_of_a_caller, self._clock = most, most_of_a_caller, clock
        self._open: dict[str, Enumeration] = {}
        self._counts = Counter[Caller]()
        self._soonest = math.inf  # no enumeration expires before; a look at all of them is due then
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Enumerations: {len(self)} of {self._most} open>"

    def add(self, enumeration: Enumeration, seconds: float | None = None) -> str:
        """Keep an enumeration and return its id.

        Raises:
            QuotaViolationError: too many are open, of this caller or in total.
        """
        with self._lock:
            self._sweep()
            own = self._counts[enumeration.caller]
            kept = self._most_of_a_caller if enumeration.caller.administrator else 0
            if own >= self._most_of_a_caller or len(self._open) >= self._most + kept:
                raise QuotaViolationError(f"{own} enumerations are open", "release them, or pull them to their end")
            enumeration.id = f"uuid:{str(uuid.uuid4()).upper()}"
            self._expire(enumeration, self._until(seconds))
            self._open[enumeration.id] = enumeration
            self._counts[enumeration.caller] += 1
            return enumeration.id

    def find(self, context: str, caller: Caller) -> Enumeration:
        """Return an enumeration, which lasts anew from now on.

        Raises:
            EnumerationNotFoundError: there is none, or it is another caller's.
        """
        with self._lock:
            enumeration = self._own(context, caller)
            enumeration.expires = max(enumeration.expires, self._until(None))
            return enumeration

    def renew(self, context: str, caller: Caller, seconds: float | None = None) -> float:
        """Let an enumeration last so long from now on, if not longer; return how many seconds it lasts.

        Raises:
            EnumerationNotFoundError: as ``find``.
        """
        with self._lock:
            enumeration = self._own(context, caller)
            if seconds is not None:
                self._expire(enumeration, self._until(seconds))
            return enumeration.expires - self._clock()

    def release(self, context: str, caller: Caller) -> None:
        """Forget an enumeration that its caller no longer wants.

        Raises:
            EnumerationNotFoundError: as ``find``.
        """
        with self._lock:
            self._own(context, caller)
            self._forget(context)

    def forget(self, context: str) -> None:
        """Forget an enumeration that is over, where it is not forgotten already."""
        with self._lock:
            self._forget(context)

    def close(self) -> None:
        """Forget all of them."""
        with self._lock:
            for context in [*self._open]:
                self._forget(context)

    def _own(self, context: str, caller: Caller) -> Enumeration:
        self._sweep()
        enumeration = self._open.get(context)
        if enumeration is None or enumeration.caller != caller:
            raise EnumerationNotFoundError("there is no such enumeration", "it was told to its end, or has expired")
        return enumeration

    def _until(self, seconds: float | None) -> float:
        return self._clock() + min(seconds or self.seconds, self.seconds)

    def _expire(self, enumeration: Enumeration, moment: float) -> None:
        enumeration.expires = moment
        self._soonest = min(self._soonest, moment)

    def _sweep(self) -> None:
        now = self._clock()
        if now < self._soonest:
            return
        for context in [context for context, known in self._open.items() if known.expires <= now]:
            self._forget(context)
        self._soonest = min((known.expires for known in self._open.values()), default=math.inf)

    def _forget(self, context: str) -> None:
        enumeration = self._open.pop(context, None)
        if enumeration is not None:
            self._counts[enumeration.caller] -= 1
            if not self._counts[enumeration.caller]:
                del self._counts[enumeration.caller]
            enumeration.close()
