"""Watch: the events of a host, as an iterator and as an asynchronous iterator."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

from logonscope.answers.host_event import EVENT_NAMES
from logonscope.errors import InvalidParameterError, TimedOutError
from logonscope.machine.events import NO_KERNEL_EVENTS

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from logonscope.answers.host_event import HostEvent
    from logonscope.cim.instances import Instance

ASYNC_SECONDS = 1.0
"""Maximum seconds of one wait in the thread of an asynchronous iterator."""


def check_events(events: Iterable[str] | None) -> frozenset[str] | None:
    """Check names of events, and return them as a set; None: all events.

    Raises:
        InvalidParameterError: a name is that of no event.
    """
    if events is None:
        return None
    names = frozenset((events,) if isinstance(events, str) else events)
    if unknown := sorted(map(str, names - EVENT_NAMES)):
        raise InvalidParameterError(f"invalid event {unknown[0]!r}: expected {', '.join(sorted(EVENT_NAMES))}")
    return names


class ResultReader(Protocol):
    """Reads results of a watch, each with the cursor after it."""

    @property
    def description(self) -> str:
        """Where the events come from, and which of them may be missed."""

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more results."""

    def read(self, seconds: float | None = None) -> "Sequence[tuple[str | None, Any]]":
        """Wait for results, and return them.

        Return an empty sequence after ``seconds`` (None: no limit), or if the reader is closed.
        """

    def close(self) -> None:
        """End the reader, and a ``read`` that waits; may be called from any thread."""


class Watch:
    """The events of a host, from now on or after a cursor. Iterate with ``for`` or ``async for``; ``close()`` ends it.

    It can be used in ``with`` and ``async with``, which close it. One thread iterates it, any thread may close it.
    """

    def __init__(
        self, reader: ResultReader, timeout: float | None = None, on_close: Callable[[], object] | None = None
    ) -> None:
        """Create a watch.

        Args:
            reader: reads the results.
            timeout: seconds to wait for each event; None: no limit.
            on_close: called when the watch is closed.

        Raises:
            InvalidParameterError: the timeout is not greater than 0.
        """
        if timeout is not None and not timeout > 0:
            raise InvalidParameterError(f"invalid timeout {timeout:g} s: must be greater than 0", "give seconds")
        self._reader, self._timeout, self._on_close = reader, timeout, on_close
        self._results: deque[tuple[str | None, Any]] = deque()
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False
        self.cursor: str | None = None
        """The cursor of the last event; None before the first one.

        If a server answers, ``host.watch(since=cursor)`` continues after that event. After a restart of the server, it
        must have a history and kernel events. A watch that this process reads itself cannot continue: the next one
        begins with Lost.
        """

    def __repr__(self) -> str:
        return f"<Watch: {self.description}>"

    @property
    def description(self) -> str:
        """Where the events come from, and which of them may be missed."""
        return self._reader.description

    @property
    def is_polled(self) -> bool:
        """Whether the events are made in this process by comparing readings of the host, which costs much."""
        return self.description.startswith(NO_KERNEL_EVENTS)

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more events: the watch was closed, or the events have ended."""
        return self._is_closed or (self._reader.is_closed and not self._results)

    def wait(self, seconds: float | None = None) -> "HostEvent | Instance | None":
        """Return the next event; None if there is none within ``seconds`` (None: no limit), or the watch is closed.

        Raises:
            AccessDeniedError: the account of the caller has changed.
            QuotaViolationError: a query has too many instances or groups.
            TimedOutError: a class could not be read, or a condition not be tested, in time.
            TransportFailureError: the connection to the host is lost, or the server has ended the watch.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while not self._results:
            if self._reader.is_closed:
                return None
            seconds_left = None if end is None else max(0.0, end - time.monotonic())
            # one thread reads at a time: that of an asynchronous iterator may still be waiting
            with self._lock:
                # another thread may have read meanwhile
                if not self._results:
                    self._results += self._reader.read(seconds_left)
            if not self._results and seconds_left is not None and time.monotonic() >= (end or 0.0):
                return None
        # events that were read ahead are dropped with the watch: its cursor is before them
        if self._is_closed:
            return None
        self.cursor, result = self._results.popleft()
        answer: HostEvent | Instance = result
        return answer

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> "HostEvent | Instance":
        result = self.wait(self._timeout)
        if result is not None:
            return result
        # checks the watch and its reader: close() in another thread closes the reader a little later than the watch
        if self.is_closed:
            raise StopIteration
        raise TimedOutError(f"no event within {self._timeout:g} s", "give a longer timeout")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "HostEvent | Instance":
        """Return the next event. If this call is cancelled, no event is lost: the next call returns the event."""
        import asyncio  # noqa: PLC0415 -- programs without asyncio do not need it

        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 -- as above

            # a thread of its own: the threads that asyncio shares are few, and every watch would keep one waiting
            self._executor = ThreadPoolExecutor(1, "logonscope-watch")
        end = None if self._timeout is None else time.monotonic() + self._timeout
        while not self._results:
            if self._reader.is_closed:
                raise StopAsyncIteration
            if end is not None and time.monotonic() >= end:
                raise TimedOutError(f"no event within {self._timeout:g} s", "give a longer timeout")
            seconds = ASYNC_SECONDS if end is None else min(ASYNC_SECONDS, max(0.0, end - time.monotonic()))
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, self._fill, seconds)
            except RuntimeError:
                # a close() in another thread has shut the executor down since the check above
                if self._is_closed:
                    raise StopAsyncIteration from None
                raise
        if self._is_closed:
            raise StopAsyncIteration
        self.cursor, result = self._results.popleft()
        answer: HostEvent | Instance = result
        return answer

    def _fill(self, seconds: float) -> None:
        """Read results into ``_results``; if a call is cancelled, the next call takes from there what was read."""
        with self._lock:
            if not self._results:
                self._results += self._reader.read(seconds)

    def close(self) -> None:
        """End the watch, and an iteration that waits; may be called from any thread."""
        if self._is_closed:
            return
        self._is_closed = True
        self._reader.close()
        if self._executor is not None:
            self._executor.shutdown(wait=False)
        if self._on_close is not None:
            self._on_close()

    async def aclose(self) -> None:
        """End the watch."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
