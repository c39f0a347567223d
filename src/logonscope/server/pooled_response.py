"""The base of HTTP responses of which something is rendered later, in a thread of the pool."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response


class PooledResponse(Response):
    """A response that needs the pool after the request has returned; a thread is held only while it renders."""

    run: Callable[..., Awaitable[Any]]
    """Runs a function in the pool, on behalf of the caller of the request."""
    wait_for_disconnect: Callable[[], Awaitable[None]]
    """Waits until the client disconnects."""
