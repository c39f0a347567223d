"""HTTP connections to a server. Each request has the credentials, if there are any.

With TLS, the certificate of the server is always verified.
"""

import base64
import http.client
import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from logonscope.errors import Hint, HintCode, InvalidParameterError, TimedOutError, TransportFailureError
from logonscope.regular_files import check_regular

READ_BYTES = 64 << 10


class HttpsServer(NamedTuple):
    """Where a server is, and how to authenticate: by a token, by user name and password, or (all empty) not at all."""

    host: str
    port: int
    context: ssl.SSLContext | None  # the certificates that are trusted; None: no TLS, which only localhost may have
    user: str = ""
    password: str = ""
    token: str = ""

    def connect(self, seconds: float) -> "HttpsConnection":
        """Return a connection; its first request connects."""
        return HttpsConnection(self, seconds)


def make_context(certificate: str | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates of a PEM file; None: those of the system, which take 50 ms to read.

    Raises:
        InvalidParameterError: the file cannot be read, or contains no certificate.
    """
    try:
        if certificate is not None:
            check_regular(certificate)
        return ssl.create_default_context(cafile=certificate)
    except OSError as error:
        reason = "the file contains no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidParameterError(f"cannot trust {certificate}: {reason}", "give a PEM file") from None


class HttpsConnection:
    """One connection, over TLS or (to localhost only) plain HTTP; it carries one request at a time."""

    def __init__(self, server: HttpsServer, seconds: float) -> None:
        self._server = server
        self._connection = (
            http.client.HTTPConnection(server.host, server.port, timeout=seconds)
            if server.context is None
            else http.client.HTTPSConnection(server.host, server.port, timeout=seconds, context=server.context)
        )
        # For a host that is dropped without close(): in a reference cycle, the socket is finalized before a __del__ of
        # this object could close it, and Python warns of an unclosed socket. A weakref.finalize runs earlier.
        weakref.finalize(self, self._connection.close)
        self._headers = {"Content-Type": "application/json"}
        if server.token:
            self._headers["Authorization"] = f"Bearer {server.token}"
        elif server.user:
            encoded_pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded_pair}"

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def abort(self) -> None:
        """End a response that another thread is reading."""
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def post(self, path: str, body: bytes, headers: dict[str, str], seconds: float) -> tuple[int, str, Iterator[bytes]]:
        """Send a request; see ``UnixConnection.post``."""
        # a new connection gets the timeout of the constructor; an open one may still have that of an earlier request
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)
        try:
            self._connection.request("POST", path, body, {**self._headers, **headers})
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from None
        return response.status, response.headers.get("content-type", ""), self._parts(response)

    def _parts(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while part := response.read1(READ_BYTES):
                yield part
            # read1 does not report that a body with a length is cut off: response.length is the number of missing
            # bytes. For a body in chunks, http.client itself raises an error.
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            # Python 3.11 does not close a body of known length when all of it is read: left open, the body would block
            # the connection
            response.close()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> TimedOutError | TransportFailureError:
        server = f"{self._server.host}, port {self._server.port}"
        if isinstance(error, TimeoutError):
            hint = "request less, or give a longer timeout; or check that the server runs there"
            return TimedOutError(f"no complete response from {server} in time", hint)
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"the certificate of {self._server.host} is not trusted: {error.verify_message}"
            return TransportFailureError(message, Hint(HintCode.TRUST_CERTIFICATE))
        return TransportFailureError(f"no valid response from {server}: {error}", "check that the server runs there")
