"""HTTP responses that are sent in parts, each rendered when the one before is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from logonscope.dispatch.dispatcher import Answer, AnswerStream
from logonscope.dispatch.watches import WatchStream
from logonscope.errors import ServerTooBusyError, TimedOutError
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


class StreamedResponse(Response):
    """A response whose parts are rendered one after the other, each in a thread of the pool.

    A thread is held only while a part is rendered: a client that reads slowly holds none.
    """

    def __init__(self, answer: Answer, on_end: Callable[[int], None]) -> None:
        super().__init__(None, answer.status, headers={"content-type": answer.content_type})
        del self.headers["content-length"]
        self._answer, self._on_end = answer, on_end
        self.run: Callable[..., Awaitable[tuple[bytes, bool]]]
        """Runs a function in the pool, on behalf of the caller of the request."""
        self.wait_for_disconnect: Callable[[], Awaitable[None]]
        """Waits until the client disconnects."""
        self._wake: Wake | None = None
        self._disconnection: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- as every response
        """Send the parts until the last one, or until the client disconnects."""
        # The event loop runs this; each part is rendered in the pool, and waits there for its turn as a request does.
        rest = self._answer.rest
        assert rest is not None  # noqa: S101 -- it is the condition for this class
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            part, is_last = self._answer.body, False
            while True:
                await send({"type": "http.response.body", "body": part, "more_body": not is_last})
                if is_last:
                    break
                if isinstance(rest, WatchStream):
                    part, is_last = await self._next_events(rest)
                else:
                    part, is_last = await self._next_part(rest)
        except ClientDisconnectedError:
            pass
        # Also after an error, or if the server stops: rows that are kept open count against their caller.
        finally:
            if self._disconnection is not None:
                self._disconnection.cancel()
            rest.close()
            self._on_end(self._answer.items + rest.items)

    async def _next_events(self, watch: WatchStream) -> tuple[bytes, bool]:
        """Return the next part of a watch that has something; no thread is held while there is nothing."""
        if self._wake is None:
            self._wake = Wake(asyncio.get_running_loop())
            watch.notify(self._wake.set)
            self._disconnection = asyncio.ensure_future(self.wait_for_disconnect())
        while True:
            # where there are many watches, each collects more events before it takes a thread
            await asyncio.sleep(watch.pause_seconds)
            await self._wake.wait(watch.wait_seconds, self._disconnection)
            part, is_last = await self._next_part(watch)
            if part:
                return part, is_last

    async def _next_part(self, rest: AnswerStream | WatchStream) -> tuple[bytes, bool]:
        deadline = rest.deadline()
        try:
            return await self.run(partial(rest.next_part, deadline), deadline)
        except (ServerTooBusyError, TimedOutError) as error:
            return rest.end_with(error)
