"""A limit of concurrent TLS handshakes, with a queue in which client addresses take turns.

A handshake takes about 300 KiB of memory until it ends. So it begins only when the client has sent its first bytes.
While other handshakes wait, the oldest running handshake is aborted as soon as it has taken MIN_HANDSHAKE_SECONDS.
"""

import asyncio
import select
import socket
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

MAX_HANDSHAKES = 64

MIN_HANDSHAKE_SECONDS = 1.0
"""Seconds before a waiting handshake may replace a running one: enough for a few round trips around the world."""


class Turn(NamedTuple):
    """The turn of a connection: ``abort`` closes the connection; ``may_begin`` is done when the turn comes."""

    abort: Callable[[], object]
    may_begin: "asyncio.Future[None]"


class Handshakes:
    """The running handshakes, and the queues of waiting ones by client address; used from one event loop."""

    def __init__(self, max_running: int = MAX_HANDSHAKES, min_seconds: float = MIN_HANDSHAKE_SECONDS) -> None:
        self._max_running, self._min_seconds = max_running, min_seconds
        self._running: dict[Turn, float] = {}  # turn -> time of its start; the oldest first
        self._waiting: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Handshakes: {len(self._running)} running, {sum(map(len, self._waiting.values()))} waiting>"

    @asynccontextmanager
    async def turn(self, address: str, abort: Callable[[], object]) -> AsyncIterator[None]:
        """Wait for a turn, and hold it in the ``async with`` block.

        Args:
            address: the client address; addresses with waiting handshakes take turns.
            abort: closes the connection; called if another handshake is to replace this one.
        """
        turn = Turn(abort, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(address, deque()).append(turn)
        try:
            self._begin_turns()
            await turn.may_begin
            yield
        finally:
            self._running.pop(turn, None)
            self._leave_queue(address, turn)
            self._begin_turns()

    def _begin_turns(self) -> None:
        """Begin waiting turns, up to the limit of running handshakes.

        If turns still wait, abort the oldest running handshake as soon as it has taken ``min_seconds``.
        """
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and len(self._running) < self._max_running:
            turn = self._pop_next()
            if not turn.may_begin.done():  # done: the task was cancelled, and has not left the queue yet
                self._running[turn] = loop.time()
                turn.may_begin.set_result(None)
        if not self._waiting:
            return
        oldest, since = next(iter(self._running.items()))
        remaining_seconds = since + self._min_seconds - loop.time()
        if remaining_seconds <= 0:
            del self._running[oldest]
            oldest.abort()  # the `turn` block of that connection ends, and begins the next turn
            loop.call_soon(self._begin_turns)
        else:
            self._timer = loop.call_later(remaining_seconds, self._begin_turns)

    def _pop_next(self) -> Turn:
        """Remove the next turn from the queues, and move its client address behind the other addresses."""
        address, turns = next(iter(self._waiting.items()))
        turn = turns.popleft()
        if turns:
            self._waiting.move_to_end(address)
        else:
            del self._waiting[address]
        return turn

    def _leave_queue(self, address: str, turn: Turn) -> None:
        turns = self._waiting.get(address)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[address]


class FirstBytes:
    """Waits until sockets have data to read, without reading it; used from one event loop.

    The transports of these sockets are paused. Otherwise asyncio would read the data, and ``start_tls`` would never see
    it.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._wake_waiting)

    def __repr__(self) -> str:
        return f"<FirstBytes of {len(self._waiting)} sockets>"

    async def wait_for_data(self, client_socket: socket.socket) -> None:
        """Wait until the client has sent data.

        Raises:
            OSError: the socket is closed, or the client has disconnected.
        """
        descriptor = client_socket.fileno()
        if descriptor < 0:
            raise ConnectionAbortedError
        future = self._waiting[descriptor] = asyncio.get_running_loop().create_future()
        try:
            self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT)
            await future
        finally:
            # If the socket was closed meanwhile, its descriptor may already be the number of another waiting socket.
            if self._waiting.get(descriptor) is future:
                del self._waiting[descriptor]
                with suppress(OSError, ValueError):
                    self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Stop watching all sockets."""
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _wake_waiting(self) -> None:
        for descriptor, events in self._epoll.poll(0):
            future = self._waiting.get(descriptor)
            if future is None or future.done():
                continue
            if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                future.set_exception(ConnectionAbortedError())
            else:
                future.set_result(None)
