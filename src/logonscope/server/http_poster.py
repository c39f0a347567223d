"""POST requests to one server, over one connection that is kept open. Redirects are not followed."""

import http.client
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple

MAX_RESPONSE_BYTES = 65_536


class Origin(NamedTuple):
    """A server: the scheme http or https, its host and its port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return it as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class PostedResponse(NamedTuple):
    """A response: its status, its reason phrase, and the beginning of its body."""

    status: int
    reason: str
    body: bytes


class PostError(Exception):
    """A request got no response."""


class HttpPoster:
    """Posts to one server. One thread uses it; any thread may close it, which ends a request that waits."""

    def __init__(self, origin: Origin, seconds: float, make_context: Callable[[], ssl.SSLContext]) -> None:
        """Create it; it connects when it is used.

        Args:
            origin: the server.
            seconds: the timeout of each step of a request.
            make_context: makes the context of TLS, for each connection.
        """
        self._origin, self._seconds, self._make_context = origin, seconds, make_context
        self._connection: http.client.HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"<HttpPoster to {self._origin}>"

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> PostedResponse:
        """Post a body, and return the response.

        Raises:
            PostError: there was none.
        """
        try:
            connection = self._connection or self._connect()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read(MAX_RESPONSE_BYTES)
            if not response.isclosed():
                self.close()  # a longer response is not read to its end
        # HTTPException: the server closed the connection, or its response is no HTTP
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise PostError(f"cannot post to {self._origin}: {reason}") from None
        return PostedResponse(response.status, response.reason, content)

    def close(self) -> None:
        """Close the connection."""
        # taken first, because another thread may close it, too
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        scheme, host, port = self._origin
        if scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._seconds, context=self._make_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._seconds)
        self._connection = connection
        return connection
