"""HTTP requests as received: their head, body and credentials."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request

from logonscope.errors import InvalidParameterError, RequestTooLargeError
from logonscope.server.auth.authenticator import Credentials
from logonscope.server.authorization import request_credentials
from logonscope.server.connection import Connection

CLIENT_CLOSED_REQUEST = 499
"""The status of a response that is not read, because the client has disconnected."""


class Received(NamedTuple):
    """A request: its connection, headers with names in lower case, normalized path, body and credentials."""

    connection: Connection
    headers: Mapping[str, str]
    path: str
    body: bytes
    credentials: Credentials | None

    @property
    def content_type(self) -> str:
        """Return the content type of the body; "" if it has none."""
        return self.headers.get("content-type", "")


async def read_body(request: Request, max_octets: int) -> bytes:
    """Return the body of a request.

    Raises:
        ClientDisconnect: the client disconnected before the end of the body (starlette).
        InvalidParameterError: the body is compressed.
        RequestTooLargeError: the body has more than ``max_octets`` octets.
    """
    encoding = ", ".join(request.headers.getlist("content-encoding"))
    # A compressed body is rejected, not unpacked: a small body can become too large for the memory.
    if encoding.lower() not in ("", "identity"):
        reason = f"invalid content encoding '{encoding[:100]}': request bodies must not be compressed"
        raise InvalidParameterError(reason, "send the body as it is, without Content-Encoding")
    parts, length = [], 0
    if content_length(request.headers) > max_octets:
        raise too_large(max_octets)
    # A chunked body has no Content-Length.
    async for part in request.stream():
        length += len(part)
        if length > max_octets:
            raise too_large(max_octets)
        parts.append(part)
    return b"".join(parts)


def too_large(max_octets: int) -> RequestTooLargeError:
    """Return the error for a body that exceeds the limit."""
    return RequestTooLargeError(f"the request exceeds the limit of {max_octets:,} octets", "split the request")


def received_head(request: Request) -> Received:
    """Return a request whose body is not read yet."""
    return make_received(request.state.connection, request.headers, request.scope["path"])


def make_received(connection: Connection, headers: Mapping[str, str], path: str, body: bytes = b"") -> Received:
    """Return a request with its credentials."""
    return Received(connection, headers, path, body, request_credentials(headers))


def content_length(headers: Mapping[str, str]) -> int:
    """Return the Content-Length of a request, or 0; the HTTP parser has validated it, and reads no more octets."""
    return int(headers.get("content-length", "0"))


async def wait_until_disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    """Wait until the client of a request disconnects; the body of the request must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
