"""A receiver of HTTP requests that closes connections early, or answers byte by byte for ever."""

import socket
import threading
from contextlib import suppress
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BYTE_SECONDS = 0.05


class SlowReceiver:
    """Reads whole requests, and answers as it is told."""

    def __init__(self, requests_of_connection: int = 1, drip: bytes = b"") -> None:
        """Create it.

        Args:
            requests_of_connection: how many requests it answers before it closes a connection, without saying so.
            drip: the beginning of an answer that never ends; b"": it answers at once.
        """
        self.connections = self.requests = self.closed = 0
        self._limit, self._drip = requests_of_connection, drip
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._is_closed = threading.Event()

    def __enter__(self) -> Self:
        """Start it."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self._is_closed.set()
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self._drip:
                self._answer_slowly(connection)
            for _ in range(self._limit):
                self._read_request(connection)
                self.requests += 1
                connection.sendall(OK)
        self.closed += 1

    def _answer_slowly(self, connection: socket.socket) -> None:
        connection.sendall(self._drip)
        while not self._is_closed.wait(BYTE_SECONDS):
            connection.sendall(b"x")

    @staticmethod
    def _read_request(connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _receive(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        while len(body) < length:
            body += _receive(connection)


def _receive(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionResetError
    return part
