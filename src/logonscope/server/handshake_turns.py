"""Turns for TLS handshakes: so many at once, and where more want one the oldest ends and addresses take turns.

A handshake costs some 300 KiB until it ends, so a client that connects and sends nothing gets none, and one that goes
on slowly keeps none from others.
"""

import asyncio
import select
import socket
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

MOST_HANDSHAKES = 64

YOUNG = 1.0
"""Seconds that a handshake has before it gives way to another: a few round trips around the world."""


class Turn(NamedTuple):
    """A connection that wants a handshake: what ends it, and what tells that it may begin."""

    abort: Callable[[], object]
    begin: "asyncio.Future[None]"


class Handshakes:
    """The handshakes that run, and those that wait, by address; for one event loop."""

    def __init__(self, most: int = MOST_HANDSHAKES, young: float = YOUNG) -> None:
        self._most, self._young = most, young
        self._running: dict[Turn, float] = {}  # and since when; the oldest first
        self._waiting: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Handshakes: {len(self._running)} running, {sum(map(len, self._waiting.values()))} waiting>"

    @asynccontextmanager
    async def turn(self, place: str, abort: Callable[[], object]) -> AsyncIterator[None]:
        """Wait for a turn, and hold it.

        Args:
            place: the address; those that wait take turns.
            abort: ends the handshake where another is to begin.
        """
        turn = Turn(abort, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(place, deque()).append(turn)
        try:
            self._admit()
            await turn.begin
            yield
        finally:
            self._running.pop(turn, None)
            self._forget(place, turn)
            self._admit()

    def _admit(self) -> None:
        """Begin what there is room for; where there is none, end the oldest handshake once it had its time."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and len(self._running) < self._most:
            turn = self._next()
            if not turn.begin.done():  # else its connection was ended, and it has not come to leave the queue
                self._running[turn] = loop.time()
                turn.begin.set_result(None)
        if not self._waiting:
            return
        oldest, since = next(iter(self._running.items()))
        left = since + self._young - loop.time()
        if left <= 0:
            del self._running[oldest]
            oldest.abort()  # its own end admits the next
            loop.call_soon(self._admit)
        else:
            self._timer = loop.call_later(left, self._admit)

    def _next(self) -> Turn:
        """Take the first of those that wait, and let its address wait behind the others."""
        place, turns = next(iter(self._waiting.items()))
        turn = turns.popleft()
        if turns:
            self._waiting.move_to_end(place)
        else:
            del self._waiting[place]
        return turn

    def _forget(self, place: str, turn: Turn) -> None:
        turns = self._waiting.get(place)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[place]


class FirstBytes:
    """Waits until sockets whose transports are paused have something to read; for one event loop.

    asyncio reads a socket to find out, and what it has read cannot be given to ``start_tls`` any more.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._wake)

    def __repr__(self) -> str:
        return f"<FirstBytes of {len(self._waiting)} sockets>"

    async def of(self, connected: socket.socket) -> None:
        """Wait until the other end has sent something.

        Raises:
            OSError: the socket is closed, or the other end has gone: then there is no handshake to begin.
        """
        file = connected.fileno()
        if file < 0:
            raise ConnectionAbortedError
        future = self._waiting[file] = asyncio.get_running_loop().create_future()
        try:
            self._epoll.register(file, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT)
            await future
        finally:
            if self._waiting.get(file) is future:  # else it was closed, and this number is another socket's by now
                del self._waiting[file]
                with suppress(OSError, ValueError):
                    self._epoll.unregister(file)

    def close(self) -> None:
        """Wait for nothing more."""
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _wake(self) -> None:
        for file, events in self._epoll.poll(0):
            future = self._waiting.get(file)
            if future is None or future.done():
                continue
            if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                future.set_exception(ConnectionAbortedError())
            else:
                future.set_result(None)
