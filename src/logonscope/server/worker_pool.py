"""The worker threads, shared fairly: a limit for each caller or address, and a queue of the requests over it.

Two threads are reserved beyond the setting ``workers``: one for administrators and one for root on the unix socket.
Waiting requests are served caller by caller in turn, so that forty requests of one caller delay no first request of
another. While a request of an administrator is open, other requests pause at each check of their deadline: Python
threads share one interpreter, so a free thread alone would not make that answer quick.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import partial
from operator import attrgetter
from typing import NamedTuple, TypeVar

from logonscope.errors import ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.thread_calls import ClientDisconnectedError, run_in_thread

Result = TypeVar("Result")

RESERVED_THREADS = 2
"""Reserved threads beyond the setting ``workers``: one for administrators, one for root."""

RUN_SECONDS = 0.002
"""Seconds that a request runs between two pauses, while a request of an administrator is open."""

PAUSE_FACTOR = 8
"""The length of a pause, as a multiple of the time that the request ran before it."""

MAX_PAUSE_SECONDS = 0.05
"""Seconds of the longest pause."""

STUCK_SECONDS = 30.0
"""Seconds after which a thread counts as stuck if it has not returned since its request ended."""


class Rank(IntEnum):
    """The rank of a request; each rank above ORDINARY has one reserved thread more."""

    ORDINARY = 0
    ADMINISTRATOR = 1
    ROOT = 2


class Claimant(NamedTuple):
    """What a share of the threads is counted for: a caller or an address (``key``), and its rank."""

    key: Hashable
    rank: Rank = Rank.ORDINARY


class WorkerPool:
    """A thread pool with a share for each claimant; used from one event loop."""

    def __init__(self, workers: int, name: str, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._workers, self._stuck_seconds = workers, stuck_seconds
        self._pool = ThreadPoolExecutor(workers + RESERVED_THREADS, name)
        self._thread_limits = {
            Rank.ORDINARY: max(1, workers // 4), Rank.ADMINISTRATOR: max(1, workers // 2),
            Rank.ROOT: workers + RESERVED_THREADS,
        }  # fmt: skip
        self._running: Counter[Claimant] = Counter()
        self._waiting: OrderedDict[Claimant, deque[asyncio.Future[None]]] = OrderedDict()
        self._urgent = 0
        self._abandoned: dict[_Call, float] = {}  # calls that still run after their request ended, and since when

    def __repr__(self) -> str:
        return f"<WorkerPool of {self._workers} workers: {self._running.total()} running, {len(self._waiting)} waiting>"

    def shutdown(self) -> None:
        """Wait for the running calls, and end the threads."""
        self._pool.shutdown()

    async def run(
        self,
        claimant: Claimant,
        call: Callable[[], Result],
        deadline: Deadline,
        wait_for_disconnect: Callable[[], Awaitable[object]],
    ) -> Result:
        """Wait for a thread for this claimant, run a blocking call in it, and return its result.

        Raises:
            ClientDisconnectedError, TimedOutError: as ``thread_calls.run_in_thread``.
            ServerTooBusyError: no thread became free before the deadline.
        """
        # Urgent from here on, not from its start in a thread: others have to pause while it waits for one, too.
        is_urgent = claimant.rank > Rank.ORDINARY
        self._urgent += is_urgent
        if not is_urgent:
            deadline.give_way = _Pauses(self).give_way
        try:
            await self._wait_for_thread(claimant, deadline, wait_for_disconnect)
            # The thread counts as the claimant's until it returns, even if its request ends before: otherwise one
            # caller could take all threads with calls that hang.
            tracked_call = _Call(self._abandoned, partial(self._release_thread, claimant))
            try:
                return await run_in_thread(self._pool, call, deadline, wait_for_disconnect, on_end=tracked_call.end)
            finally:
                tracked_call.abandon()
        finally:
            self._urgent -= is_urgent

    @property
    def open_requests(self) -> int:
        """Return the number of requests that run or wait."""
        return self._running.total() + sum(map(len, self._waiting.values()))

    @property
    def is_stuck(self) -> bool:
        """Return whether all threads but the reserved ones are stuck."""
        threshold = time.monotonic() - self._stuck_seconds
        return sum(since < threshold for since in self._abandoned.values()) >= self._workers

    @property
    def has_urgent_work(self) -> bool:
        """Return whether a request of an administrator is open; safe to read from any thread."""
        return self._urgent > 0

    async def _wait_for_thread(
        self, claimant: Claimant, deadline: Deadline, wait_for_disconnect: Callable[[], Awaitable[object]]
    ) -> None:
        if claimant not in self._waiting and self._has_free_thread(claimant):
            self._running[claimant] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(claimant, deque()).append(turn)
        leaving = asyncio.ensure_future(wait_for_disconnect())
        try:
            await asyncio.wait((turn, leaving), timeout=deadline.seconds_left, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The request was cancelled after a thread was assigned to it: the thread goes to another request.
            if turn.done():
                self._release_thread(claimant)
            raise
        finally:
            is_gone = leaving.done()
            leaving.cancel()
            self._leave_queue(claimant, turn)
        if not turn.done():
            if is_gone:
                raise ClientDisconnectedError
            raise ServerTooBusyError(
                "no worker thread became free in time", "try again, or send fewer requests at once"
            )

    def _has_free_thread(self, claimant: Claimant) -> bool:
        running, running_of_all = self._running[claimant], self._running.total()
        return running < self._thread_limits[claimant.rank] and running_of_all < self._workers + claimant.rank

    def _release_thread(self, claimant: Claimant) -> None:
        self._running[claimant] -= 1
        if self._running[claimant] <= 0:
            del self._running[claimant]
        self._assign_threads()

    def _assign_threads(self) -> None:
        """Assign the free threads to waiting requests: by rank, then by turns."""
        # sorted() is stable, also with reverse=True: within a rank the order of turns is kept.
        for claimant in sorted(self._waiting, key=attrgetter("rank"), reverse=True):
            turns = self._waiting[claimant]
            while turns and self._has_free_thread(claimant):
                turn = turns.popleft()
                if turns:
                    self._waiting.move_to_end(claimant)
                else:
                    del self._waiting[claimant]
                if not turn.done():
                    self._running[claimant] += 1
                    turn.set_result(None)
                    break

    def _leave_queue(self, claimant: Claimant, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(claimant)
        if turns is not None:
            if turn in turns:
                turns.remove(turn)
            if not turns:
                del self._waiting[claimant]


class _Call:
    """A call in a thread; it is listed as abandoned from the end of its request until it returns."""

    def __init__(self, abandoned: "dict[_Call, float]", on_end: Callable[[], object]) -> None:
        self._abandoned, self._on_end = abandoned, on_end
        self._is_over = False

    def end(self) -> None:
        """Note that the call has returned."""
        self._is_over = True
        self._abandoned.pop(self, None)
        self._on_end()

    def abandon(self) -> None:
        """Note that the request has ended, unless the call returned before."""
        if not self._is_over:
            self._abandoned[self] = time.monotonic()


class _Pauses:
    """Pauses the work of one request while requests of administrators are open."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool, self._since = pool, time.monotonic()

    def give_way(self) -> None:
        """Pause in proportion to the time since the last pause; called in the thread of the request."""
        if not self._pool.has_urgent_work:
            return
        now = time.monotonic()
        ran_seconds = now - self._since
        if ran_seconds >= RUN_SECONDS:
            time.sleep(min(ran_seconds * PAUSE_FACTOR, MAX_PAUSE_SECONDS))
            self._since = time.monotonic()
