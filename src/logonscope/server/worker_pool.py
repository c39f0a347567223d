"""Shares of the worker threads: how many one caller, or one address, may have at once, and who waits for the next one.

Two threads are kept beyond the setting ``workers``: one for administrators and one for root on the unix socket. Whoever
waits is taken in turns, a caller at a time, so that forty requests of one caller delay nobody else's first. While an
administrator's request is open, the work of everybody else gives way at each look at its deadline: threads of Python
share one interpreter, so a free thread alone would not make the answer quick.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import partial
from typing import NamedTuple, TypeVar

from logonscope.errors import ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.thread_calls import GoneError, done

Result = TypeVar("Result")

KEPT = 2
"""Threads beyond the setting: one for administrators, one for root."""

SLICE = 0.002
"""Seconds that work runs before it gives way."""

PAUSE = 8
"""How many times as long as it ran work pauses while an administrator waits."""

LONGEST_PAUSE = 0.05
"""Seconds."""

STUCK_SECONDS = 30.0
"""Seconds after which a thread whose request is over counts as one that does not return."""


class Rank(IntEnum):
    """Whose work it is; a higher one has threads that a lower one cannot take."""

    ORDINARY = 0
    ADMINISTRATOR = 1
    ROOT = 2


class Claimant(NamedTuple):
    """Who takes a share: a caller or an address, and its rank."""

    key: Hashable
    rank: Rank = Rank.ORDINARY


class Shares:
    """A pool of threads, shared out; for one event loop."""

    def __init__(self, workers: int, name: str, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._workers, self._stuck_seconds = workers, stuck_seconds
        self._pool = ThreadPoolExecutor(workers + KEPT, name)
        self._most_of_one = {
            Rank.ORDINARY: max(1, workers // 4), Rank.ADMINISTRATOR: max(1, workers // 2), Rank.ROOT: workers + KEPT,
        }  # fmt: skip
        self._running: Counter[Claimant] = Counter()
        self._waiting: OrderedDict[Claimant, deque[asyncio.Future[None]]] = OrderedDict()
        self._urgent = 0
        self._left_behind: dict[_Call, float] = {}  # those that nobody waits for any more, and since when

    def __repr__(self) -> str:
        return f"<Shares of {self._workers} workers: {self._running.total()} running, {len(self._waiting)} waiting>"

    def shutdown(self) -> None:
        """End the threads once their work is done."""
        self._pool.shutdown()

    async def run(
        self,
        claimant: Claimant,
        call: Callable[[], Result],
        deadline: Deadline,
        gone: Callable[[], Awaitable[object]],
    ) -> Result:
        """Return what a call in a thread returns, once the claimant may have one.

        Raises:
            GoneError, TimedOutError: see ``work.done``.
            ServerTooBusyError: no thread was free before the deadline.
        """
        is_urgent = claimant.rank > Rank.ORDINARY
        self._urgent += is_urgent
        if not is_urgent:
            deadline.give_way = _Courtesy(self).give_way
        try:
            await self._enter(claimant, deadline, gone)
            started = _Call(self._left_behind, partial(self._leave, claimant))
            try:
                return await done(self._pool, call, deadline, gone, on_end=started.end)
            finally:
                started.leave_behind()
        finally:
            self._urgent -= is_urgent

    @property
    def open_requests(self) -> int:
        """Return how many requests run or wait."""
        return self._running.total() + sum(map(len, self._waiting.values()))

    @property
    def is_stuck(self) -> bool:
        """Return whether so many threads do not return that there is none left but those that are kept."""
        long_ago = time.monotonic() - self._stuck_seconds
        return sum(since < long_ago for since in self._left_behind.values()) >= self._workers

    @property
    def has_urgent_work(self) -> bool:
        """Return whether a request of an administrator is open; read from any thread."""
        return self._urgent > 0

    async def _enter(self, claimant: Claimant, deadline: Deadline, gone: Callable[[], Awaitable[object]]) -> None:
        if claimant not in self._waiting and self._has_room(claimant):
            self._running[claimant] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(claimant, deque()).append(turn)
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((turn, leaving), timeout=deadline.seconds_left, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if turn.done():
                self._leave(claimant)
            raise
        finally:
            is_gone = leaving.done()
            leaving.cancel()
            self._forget(claimant, turn)
        if not turn.done():
            if is_gone:
                raise GoneError
            raise ServerTooBusyError("too many requests of yours wait already", "wait for their answers")

    def _has_room(self, claimant: Claimant) -> bool:
        own, total = self._running[claimant], self._running.total()
        return own < self._most_of_one[claimant.rank] and total < self._workers + claimant.rank

    def _leave(self, claimant: Claimant) -> None:
        self._running[claimant] -= 1
        if self._running[claimant] <= 0:
            del self._running[claimant]
        self._admit()

    def _admit(self) -> None:
        """Give what is free to those that wait: by rank, then in turns."""
        for claimant in sorted(self._waiting, key=lambda waiting: -waiting.rank):  # stable: the order of turns stays
            turns = self._waiting[claimant]
            while turns and self._has_room(claimant):
                turn = turns.popleft()
                if turns:
                    self._waiting.move_to_end(claimant)
                else:
                    del self._waiting[claimant]
                if not turn.done():
                    self._running[claimant] += 1
                    turn.set_result(None)
                    break

    def _forget(self, claimant: Claimant, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(claimant)
        if turns is not None:
            if turn in turns:
                turns.remove(turn)
            if not turns:
                del self._waiting[claimant]


class _Call:
    """A call in a thread, which is left behind where nobody waits until it ends."""

    def __init__(self, left_behind: "dict[_Call, float]", on_end: Callable[[], object]) -> None:
        self._left_behind, self._on_end = left_behind, on_end
        self._is_over = False

    def end(self) -> None:
        """Take note that the call ended."""
        self._is_over = True
        self._left_behind.pop(self, None)
        self._on_end()

    def leave_behind(self) -> None:
        """Take note that nobody waits any more."""
        if not self._is_over:
            self._left_behind[self] = time.monotonic()


class _Courtesy:
    """Pauses the work of one request while requests of a higher rank are open."""

    def __init__(self, shares: Shares) -> None:
        self._shares, self._since = shares, time.monotonic()

    def give_way(self) -> None:
        """Pause, in proportion to how long the work has run; called in its thread."""
        if not self._shares.has_urgent_work:
            return
        now = time.monotonic()
        ran = now - self._since
        if ran >= SLICE:
            time.sleep(min(ran * PAUSE, LONGEST_PAUSE))
            self._since = time.monotonic()
