"""HTTP responses that are sent in parts, each rendered when the one before is sent."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from logonscope.dispatch.dispatcher import Answer, AnswerStream
from logonscope.dispatch.pushes import EventPush
from logonscope.dispatch.subscriptions import EventPull
from logonscope.dispatch.watches import WatchStream
from logonscope.errors import ServerTooBusyError, TimedOutError
from logonscope.server.event_wait import EventWait
from logonscope.server.thread_calls import ClientDisconnectedError
from logonscope.server.worker_pool import Claimant


class PooledResponse(Response):
    """A response that needs the thread pool, or the claimant of its request, after the request was handled.

    The application sets the attributes before it sends the response.
    """

    run: Callable[..., Awaitable[Any]]
    """Runs a function in the pool, in a thread that counts for ``claimant``."""
    wait_for_disconnect: Callable[[], Awaitable[None]]
    """Waits until the client disconnects."""
    claimant: Claimant
    """The caller or address to whose limit of threads the request counts."""


class StreamedResponse(PooledResponse):
    """A response whose parts are rendered one after the other, each in a thread of the pool.

    A thread is held only while a part is rendered: a client that reads slowly holds none.
    """

    def __init__(self, answer: Answer, on_end: Callable[[int], None]) -> None:
        super().__init__(None, answer.status, headers={"content-type": answer.content_type})
        del self.headers["content-length"]
        self._answer, self._on_end = answer, on_end
        self._wait: EventWait | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- as every response
        """Send the parts until the last one, or until the client disconnects."""
        # The event loop runs this; each part is rendered in the pool, and waits there for its turn as a request does.
        rest = self._answer.rest
        assert rest is not None  # noqa: S101 -- it is the condition for this class
        assert not isinstance(rest, EventPull | EventPush)  # noqa: S101 -- these are no streams
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
        # Also after an error, or if the server stops: an answer that stays open counts against its caller's limits.
        finally:
            if self._wait is not None:
                self._wait.close()
            rest.close()
            self._on_end(self._answer.items + rest.items)

    async def _next_events(self, watch: WatchStream) -> tuple[bytes, bool]:
        """Return the next part that is not empty; no thread is held while there are no events."""
        if self._wait is None:
            self._wait = EventWait(watch, self.wait_for_disconnect)
        while True:
            await self._wait.until_due()
            part, is_last = await self._next_part(watch)
            if part:
                return part, is_last

    async def _next_part(self, rest: AnswerStream | WatchStream) -> tuple[bytes, bool]:
        deadline = rest.deadline()
        try:
            part: tuple[bytes, bool] = await self.run(partial(rest.next_part, deadline), deadline)
        except (ServerTooBusyError, TimedOutError) as error:
            return rest.end_with(error)
        return part
