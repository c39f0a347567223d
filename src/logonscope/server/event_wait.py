"""Waiting for events in the event loop: for one wake-up, the next moment by the clock, or the client's disconnect."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from logonscope.dispatch.watches import EventWaiter
from logonscope.server.thread_calls import ClientDisconnectedError


class Wake:
    """A flag that other threads set, and that the event loop waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._event = loop, asyncio.Event()
        self._is_set = False

    def set(self) -> None:
        """Set the flag; called in any thread."""
        # one call for many events: the loop is woken only for the first one
        if self._is_set:
            return
        self._is_set = True
        # the loop is closed where the server stops
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float, disconnection: "asyncio.Future[None] | None") -> None:
        """Wait for the flag, at most so many seconds, and clear it.

        Raises:
            ClientDisconnectedError: the client has disconnected.
        """
        waiting = asyncio.ensure_future(self._event.wait())
        futures: set[asyncio.Future[Any]] = {waiting} if disconnection is None else {waiting, disconnection}
        try:
            await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if disconnection is not None and disconnection.done():
            raise ClientDisconnectedError
        # cleared before the events are read: one that comes after that sets it again
        self._event.clear()
        self._is_set = False


class EventWait:
    """Waits until a subscription may have something for its client; no thread is held meanwhile."""

    def __init__(self, waiter: EventWaiter, wait_for_disconnect: Callable[[], Awaitable[None]] | None = None) -> None:
        """Begin to listen for events; called in the event loop."""
        self._waiter = waiter
        self._wake = Wake(asyncio.get_running_loop())
        self._disconnection: asyncio.Future[None] | None = None
        if wait_for_disconnect is not None:
            self._disconnection = asyncio.ensure_future(wait_for_disconnect())
        waiter.notify(self._wake.set)

    async def until_due(self) -> None:
        """Wait until it may have something.

        Raises:
            ClientDisconnectedError: the client has disconnected.
        """
        # where there are many subscriptions, each collects more events before it takes a thread
        await asyncio.sleep(self._waiter.pause_seconds)
        await self._wake.wait(self._waiter.wait_seconds, self._disconnection)

    def close(self) -> None:
        """Stop watching the client."""
        if self._disconnection is not None:
            self._disconnection.cancel()
