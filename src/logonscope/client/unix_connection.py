"""HTTP over a unix socket with the C module _socket: importing http.client would make ``whose`` slower.

Only the two kinds of responses that Logonscope's server sends can be read: those with a Content-Length, and those in
chunks. If the last chunk is missing, the response is incomplete.
"""

import _socket
from collections.abc import Iterator

from logonscope.errors import TimedOutError, TransportFailureError

RECEIVE_BYTES = 64 << 10
MAX_HEAD_BYTES = 64 << 10


class UnixConnection:
    """One connection, which carries one request at a time."""

    def __init__(self, path: str, seconds: float) -> None:
        """Connect to the socket at ``path``, within ``seconds``.

        Raises:
            OSError: no server listens there, this process may not connect, or the seconds have passed.
        """
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._path, self._buffer = path, bytearray()
        try:
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def abort(self) -> None:
        """End a response that another thread is reading."""
        try:
            self._socket.shutdown(_socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already

    def post(self, path: str, body: bytes, headers: dict[str, str], seconds: float) -> tuple[int, str, Iterator[bytes]]:
        """Send a request; return the status, the content type, and the parts of the body.

        If the response is in chunks, each part is a chunk, which is read when it is iterated. A body with a
        Content-Length is one part, which is read before this method returns.

        Args:
            path: the path of the request.
            body: its body, JSON.
            headers: further headers.
            seconds: how long to wait for the next bytes of the response.

        Raises:
            TransportFailureError, TimedOutError: there is no valid response; also while the parts are iterated.
        """
        fields = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": len(body), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            status_line, *lines = self._read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            response_fields = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
            length = response_fields.get("content-length")
            parts = self._chunks() if length is None else iter((self._read(int(length)),))
            return int(status_line.split(" ")[1]), response_fields.get("content-type", ""), parts
        except (OSError, ValueError, IndexError) as error:
            raise self._failure(error) from None

    def _chunks(self) -> Iterator[bytes]:
        """Yield the chunks of a response (RFC 9112 7.1)."""
        try:
            while size := int(self._read_until(b"\r\n").split(b";")[0], 16):
                yield self._read(size + 2)[:-2]
            self._read_until(b"\r\n")
        except (OSError, ValueError) as error:
            raise self._failure(error) from None

    def _read_until(self, end: bytes) -> bytes:
        while (position := self._buffer.find(end)) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise ValueError("the head is too long")
            self._receive()
        data = bytes(self._buffer[:position])
        del self._buffer[: position + len(end)]
        return data

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self) -> None:
        # Heads and chunks are taken from the buffer, so that one system call can read many of them.
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            raise ValueError("the connection was closed")
        self._buffer += data

    def _failure(self, error: Exception) -> TimedOutError | TransportFailureError:
        if isinstance(error, TimeoutError):
            return TimedOutError(f"no complete response from {self._path} in time", "check logonscope.service")
        return TransportFailureError(f"no valid response from {self._path}: {error}", "check logonscope.service")
