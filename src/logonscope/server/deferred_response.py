"""HTTP responses to requests that wait for events: nothing is sent before there is something to answer."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from logonscope.dispatch.operation import Reply
from logonscope.dispatch.subscriptions import EventPull
from logonscope.errors import ServerTooBusyError, TimedOutError
from logonscope.server.event_wait import EventWait
from logonscope.server.received import CLIENT_CLOSED_REQUEST
from logonscope.server.streamed_response import PooledResponse
from logonscope.server.thread_calls import ClientDisconnectedError


class DeferredResponse(PooledResponse):
    """The response to a pull that waits for events. It holds a thread only while it checks for events."""

    def __init__(self, pull: EventPull, make_response: Callable[[Reply], Response]) -> None:
        """Create the response; ``make_response`` makes it from the pull's answer, and encrypts it where needed."""
        super().__init__()
        self._pull, self._make_response = pull, make_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the answer, and send it."""
        wait = EventWait(self._pull, self.wait_for_disconnect)
        try:
            response = None
            while response is None:
                await wait.until_due()
                response = await self._next_response()
        except ClientDisconnectedError:
            response = Response(status_code=CLIENT_CLOSED_REQUEST)
        finally:
            wait.close()
        # the challenges of the authentication were added to this object, not to the response that is sent
        response.raw_headers += [header for header in self.raw_headers if header[0] == b"www-authenticate"]
        await response(scope, receive, send)

    async def _next_response(self) -> Response | None:
        deadline = self._pull.deadline()
        try:
            response: Response | None = await self.run(self._check_events, deadline)
        except (ServerTooBusyError, TimedOutError) as error:
            return self._make_response(self._pull.end_with(error))
        return response

    def _check_events(self) -> Response | None:
        """Return the response if there is an answer now; called in a thread."""
        reply = self._pull.next_reply()
        return None if reply is None else self._make_response(reply)
