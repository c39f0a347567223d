"""The worker threads, shared fairly: each caller or address has a limit, and requests over the limit wait in a queue.

Two threads are reserved beyond the number ``workers``: one for administrators and root, and one for root (on the
unix socket) alone. Waiting requests are served by rank, those of one rank round-robin by caller: while forty requests
of one caller wait, the first request of another caller is next. The requests of administrators and of root are urgent.
While an urgent request is open, ordinary requests pause again and again, when they check their deadline: Python threads
share one interpreter, so a free thread alone would not make the urgent answer quick.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from logonscope.errors import ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.thread_calls import ClientDisconnectedError, ThreadCall

Result = TypeVar("Result")

RESERVED_THREADS = 2
"""Threads beyond the number ``workers``: one for administrators and root, one for root alone."""

RUN_SECONDS = 0.002
"""Minimum seconds that an ordinary request runs between two pauses, while an urgent request is open."""

PAUSE_FACTOR = 8
"""The length of a pause, as a multiple of the time that the request ran before it."""

MAX_PAUSE_SECONDS = 0.05
"""Seconds of the longest pause."""

STUCK_SECONDS = 30.0
"""A thread counts as stuck if its call has not returned so many seconds after the end of the request."""


class Rank(IntEnum):
    """The rank of a request; each rank may use one reserved thread more than the rank below it."""

    ORDINARY = 0
    ADMINISTRATOR = 1
    ROOT = 2


class Claimant(NamedTuple):
    """The rank of a request, and the ``key`` of its limit of threads: mostly a caller or an address."""

    key: Hashable
    rank: Rank = Rank.ORDINARY


class WorkerPool:
    """A thread pool with a limit for each claimant; used from one event loop."""

    def __init__(self, workers: int, name: str, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._workers, self._stuck_seconds = workers, stuck_seconds
        self._threads = ThreadPoolExecutor(workers + RESERVED_THREADS, name)
        self._thread_limits = {
            Rank.ORDINARY: max(1, workers // 4), Rank.ADMINISTRATOR: max(1, workers // 2),
            Rank.ROOT: workers + RESERVED_THREADS,
        }  # fmt: skip
        self._running: Counter[Claimant] = Counter()
        self._waiting: OrderedDict[Claimant, deque[asyncio.Future[None]]] = OrderedDict()
        self._urgent = 0
        # calls that still run after the end of their request, with the time of that end
        self._abandoned: dict[PooledCall[Any], float] = {}

    def __repr__(self) -> str:
        waiting = sum(map(len, self._waiting.values()))
        return f"<WorkerPool of {self._workers} workers: {self._running.total()} running, {waiting} waiting>"

    def shutdown(self) -> None:
        """Wait for the running calls, and end the threads."""
        self._threads.shutdown()

    async def run(
        self,
        claimant: Claimant,
        call: Callable[[], Result],
        deadline: Deadline,
        wait_for_disconnect: Callable[[], Awaitable[object]],
    ) -> Result:
        """Wait for a thread for this claimant, run a blocking call in it, and return its result.

        Raises:
            ClientDisconnectedError, TimedOutError: as ``ThreadCall.wait``.
            ServerTooBusyError: no thread became free before the deadline.
        """
        # An urgent request is counted before it has a thread: so ordinary requests pause while it waits, too.
        self.begin_request(claimant)
        try:
            await self._wait_for_thread(claimant, deadline, wait_for_disconnect)
            started_call = self._start(claimant, call, deadline)
        finally:
            self.end_request(claimant)
        try:
            return await started_call.wait(wait_for_disconnect)
        finally:
            started_call.end_request()

    def start(self, claimant: Claimant, call: Callable[[], Result], deadline: Deadline) -> "PooledCall[Result] | None":
        """Run a blocking call in a thread that is free now; None: no thread is free for this claimant.

        The calling function must call ``end_request`` of the result when the request ends.
        """
        if claimant in self._waiting or not self._has_free_thread(claimant):
            return None
        self._running[claimant] += 1
        return self._start(claimant, call, deadline)

    def _start(self, claimant: Claimant, call: Callable[[], Result], deadline: Deadline) -> "PooledCall[Result]":
        """Run a blocking call in the thread that was assigned to the claimant."""
        if claimant.rank == Rank.ORDINARY:
            deadline.give_way = _Pauses(self).give_way
        return PooledCall(self, self._threads, claimant, call, deadline)

    def begin_request(self, claimant: Claimant) -> None:
        """Count a request if it is urgent; a request that waits for a thread is counted, too."""
        self._urgent += claimant.rank > Rank.ORDINARY

    def end_request(self, claimant: Claimant) -> None:
        """Stop counting a request that ``begin_request`` counted."""
        self._urgent -= claimant.rank > Rank.ORDINARY

    def add_abandoned(self, call: "PooledCall[Any]") -> None:
        """Note a call that still runs after the end of its request.

        Its thread counts as the claimant's until the call returns: otherwise one caller could take all threads with
        calls that hang.
        """
        self._abandoned[call] = time.monotonic()

    def end_call(self, call: "PooledCall[Any]") -> None:
        """Assign the thread of a call to another request; called when the call has returned."""
        self._abandoned.pop(call, None)
        self._release_thread(call.claimant)

    @property
    def open_requests(self) -> int:
        """Return the number of requests that run or wait."""
        return self._running.total() + sum(map(len, self._waiting.values()))

    @property
    def is_stuck(self) -> bool:
        """Return whether at least ``workers`` threads are stuck."""
        threshold = time.monotonic() - self._stuck_seconds
        return sum(since < threshold for since in self._abandoned.values()) >= self._workers

    @property
    def has_urgent_work(self) -> bool:
        """Return whether an urgent request is open; safe to read from any thread."""
        return self._urgent > 0

    async def _wait_for_thread(
        self, claimant: Claimant, deadline: Deadline, wait_for_disconnect: Callable[[], Awaitable[object]]
    ) -> None:
        if claimant not in self._waiting and self._has_free_thread(claimant):
            self._running[claimant] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(claimant, deque()).append(turn)
        disconnection = asyncio.ensure_future(wait_for_disconnect())
        try:
            await asyncio.wait(
                (turn, disconnection), timeout=deadline.seconds_left, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            # if a thread was assigned to the cancelled request, another request gets the thread
            if turn.done():
                self._release_thread(claimant)
            raise
        finally:
            is_disconnected = disconnection.done()
            disconnection.cancel()
            self._leave_queue(claimant, turn)
        if not turn.done():
            if is_disconnected:
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


class PooledCall(ThreadCall[Result]):
    """A call in a thread of a pool, on behalf of a claimant; its request may end before the call returns."""

    def __init__(
        self,
        pool: WorkerPool,
        threads: ThreadPoolExecutor,
        claimant: Claimant,
        call: Callable[[], Result],
        deadline: Deadline,
    ) -> None:
        self.claimant, self._pool = claimant, pool
        super().__init__(threads, call, deadline, partial(pool.end_call, self))
        # Counted last: if no thread can be started, the line above raises, and end_request() is never called.
        pool.begin_request(claimant)

    def end_request(self) -> None:
        """End the request, even if the call has not returned yet."""
        self._pool.end_request(self.claimant)
        if not self.is_over:
            self._pool.add_abandoned(self)


class _Pauses:
    """Pauses the work of one request while urgent requests are open."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool, self._runs_since = pool, time.monotonic()

    def give_way(self) -> None:
        """Pause in proportion to the time since the last pause; called in the thread of the request."""
        if not self._pool.has_urgent_work:
            return
        now = time.monotonic()
        ran_seconds = now - self._runs_since
        if ran_seconds >= RUN_SECONDS:
            time.sleep(min(ran_seconds * PAUSE_FACTOR, MAX_PAUSE_SECONDS))
            self._runs_since = time.monotonic()
