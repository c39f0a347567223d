"""Waiting in the event loop: for events of the host, a time at which something is due, or the client's disconnect."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from logonscope.dispatch.watches import EventWaiter
from logonscope.server.thread_calls import ClientDisconnectedError


class Wake:
    """A flag that other threads set, and that the event loop waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_set = False
        self._waiting: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Set the flag; called in any thread."""
        # one call for many events: the loop is woken only for the first one
        if self._is_set:
            return
        self._is_set = True
        # the loop is closed once the server has stopped
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._note_set)

    def end_wait(self) -> None:
        """End a wait although the flag is not set; called in the event loop."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Wait for the flag, for at most ``seconds``, and clear it."""
        # a future and a timer: a task for each wait takes three times as long
        if not self._is_set:
            waiting = self._waiting = self._loop.create_future()
            timer = self._loop.call_later(seconds, self.end_wait)
            try:
                await waiting
            finally:
                timer.cancel()
                self._waiting = None
        # The flag is cleared before the caller reads the events: an event that comes later sets it again.
        self._is_set = False

    def _note_set(self) -> None:
        # wait() may have cleared the flag already
        if self._is_set:
            self.end_wait()


class EventWait:
    """Waits until a subscription may have something for its client; no thread is held meanwhile."""

    def __init__(self, waiter: EventWaiter, wait_for_disconnect: Callable[[], Awaitable[None]] | None = None) -> None:
        """Begin to listen for events; called in the event loop."""
        self._waiter = waiter
        self._loop = asyncio.get_running_loop()
        self._wake = Wake(self._loop)
        self._last_end = self._loop.time()  # when the last wait ended
        self._disconnection: asyncio.Future[None] | None = None
        if wait_for_disconnect is not None:
            self._disconnection = asyncio.ensure_future(wait_for_disconnect())
            self._disconnection.add_done_callback(self._note_disconnect)
        waiter.notify(self._wake.set)

    async def until_due(self) -> None:
        """Wait until the subscription may have something for its client.

        Raises:
            ClientDisconnectedError: the client has disconnected.
        """
        # the more subscriptions there are, the longer the pause: each then takes a thread less often, for more events
        pause = self._last_end + self._waiter.pause_seconds - self._loop.time()
        if pause > 0:
            await asyncio.sleep(pause)
        if not self._is_disconnected:
            await self._wake.wait(self._waiter.wait_seconds)
        if self._is_disconnected:
            raise ClientDisconnectedError
        self._last_end = self._loop.time()

    def close(self) -> None:
        """Stop waiting for the client's disconnect."""
        if self._disconnection is not None:
            self._disconnection.cancel()

    @property
    def _is_disconnected(self) -> bool:
        return self._disconnection is not None and self._disconnection.done()

    def _note_disconnect(self, _: "asyncio.Future[None]") -> None:
        self._wake.end_wait()
