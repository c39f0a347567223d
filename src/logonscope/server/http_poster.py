"""POST requests to one server, over one connection that is kept open. Redirects are not followed."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

MAX_RESPONSE_BYTES = 65_536


class Origin(NamedTuple):
    """A server: the scheme http or https, its host and its port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return the URL of the server, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class PostedResponse(NamedTuple):
    """A response: its status, its reason phrase, and the beginning of its body."""

    status: int
    reason: str
    body: bytes


class PostError(Exception):
    """A request got no complete response."""


class HttpPoster:
    """Posts to one server. One thread uses it; any thread may call ``interrupt``."""

    def __init__(self, origin: Origin, seconds: float, make_context: Callable[[], ssl.SSLContext]) -> None:
        """Create the poster; it connects at the first post.

        Args:
            origin: the server.
            seconds: the timeout of a request.
            make_context: makes the TLS context; called for each connection.
        """
        self._origin, self._seconds, self._make_context = origin, seconds, make_context
        self._connection: http.client.HTTPConnection | None = None
        self._deadline: PostDeadline | None = None

    def __repr__(self) -> str:
        return f"<HttpPoster to {self._origin}>"

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> PostedResponse:
        """Post a body, and return the response.

        Raises:
            PostError: there was no response, or it was not complete in time.
        """
        deadline = self._deadline = PostDeadline(self._seconds)
        try:
            response, content = self._post(path, body, headers, deadline)
            # http.client treats an answer that the deadline has cut off as complete
            if deadline.has_passed:
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = f"no answer within {self._seconds:g} s" if deadline.has_passed else _reason(error)
            raise PostError(f"cannot post to {self._origin}: {reason}") from None
        finally:
            deadline.end()
        return PostedResponse(response.status, response.reason, content)

    def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], deadline: "PostDeadline"
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Post over the kept connection, or over a new one if there is none or the server has closed it meanwhile."""
        connection = self._connection
        # after a response with "Connection: close" the kept connection has no socket
        if connection is not None and connection.sock is not None:
            deadline.watch(connection.sock)
            try:
                return self._exchange(connection, path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
                # a server may close an idle connection at any time: that is no failure
                self.close()
                if deadline.has_passed:
                    raise
        return self._exchange(self._connect(deadline), path, body, headers)

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        try:
            content = response.read(MAX_RESPONSE_BYTES)
        except ValueError:
            # http.client does not reject a chunk of negative length: reading it raises ValueError
            raise http.client.HTTPException("the response has an invalid chunk") from None
        if not response.isclosed():
            self.close()  # a longer response is not read to its end
        return response, content

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def interrupt(self) -> None:
        """End a request that waits; called in any thread."""
        # the thread of the request gets an error, and closes the connection
        if self._deadline is not None:
            self._deadline.pass_now()

    def _connect(self, deadline: "PostDeadline") -> http.client.HTTPConnection:
        scheme, host, port = self._origin
        context = self._make_context() if scheme == "https" else None
        # The socket is connected here, so that the deadline can end the connect and the TLS handshake: http.client
        # would make the socket accessible only after both.
        connection = http.client.HTTPConnection(host, port, timeout=self._seconds)
        tcp_socket = self._open_socket(deadline)
        connection.sock = tcp_socket
        # http.client would connect again by itself, and without TLS
        connection.auto_open = 0
        self._connection = connection
        if context is not None:
            tls_socket = context.wrap_socket(tcp_socket, do_handshake_on_connect=False, server_hostname=host)
            connection.sock = tls_socket
            deadline.watch(tls_socket)
            tls_socket.do_handshake()
        return connection

    def _open_socket(self, deadline: "PostDeadline") -> socket.socket:
        """Connect to the addresses of the server, one after the other, until a connection succeeds; return its socket.

        Raises:
            OSError: the name has no address, or no address accepts a connection in time.
        """
        failure: OSError = TimeoutError()
        try:
            addresses = socket.getaddrinfo(self._origin.host, self._origin.port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a part of the name is empty or longer than 63 characters
            raise OSError("invalid host name") from None
        for family, kind, protocol, _, address in addresses:
            # all addresses share the time of the request: a name can have many
            if deadline.has_passed:
                break
            new_socket = socket.socket(family, kind, protocol)
            new_socket.settimeout(self._seconds)
            deadline.watch(new_socket)
            try:
                new_socket.connect(address)
            except OSError as error:
                failure = error
                new_socket.close()
            else:
                return new_socket
        raise failure


def _reason(error: Exception) -> str:
    """Return why a request got no response, without the line numbers of OpenSSL's source code."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return "it does not use TLS"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class PostDeadline:
    """The deadline of a whole request: a timeout of each read would not end an answer that arrives byte by byte."""

    def __init__(self, seconds: float) -> None:
        self._socket: socket.socket | None = None
        self.has_passed = False
        self._timer = threading.Timer(seconds, self.pass_now)
        self._timer.daemon = True
        self._timer.start()

    def __repr__(self) -> str:
        return f"<PostDeadline{', passed' if self.has_passed else ''}>"

    def watch(self, request_socket: socket.socket | None) -> None:
        """Shut this socket down when the time has passed."""
        self._socket = request_socket
        # the time may have passed while the connection was made
        if self.has_passed:
            self.pass_now()

    def end(self) -> None:
        """Stop the timer: the request has ended."""
        self._timer.cancel()

    def pass_now(self) -> None:
        """End the request: called by the timer when the time has passed, or before that in any thread."""
        self.has_passed = True
        if self._socket is not None:
            try:
                # A thread that reads or writes on this socket returns at once. SSLSocket.shutdown() is not called: it
                # would also drop the TLS state, which the thread still uses.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass
