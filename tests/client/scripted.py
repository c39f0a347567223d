"""A server on a unix socket that sends scripted bytes, for tests of clients."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def scripted(folder: Path, *responses: bytes) -> Iterator[str]:
    """Send one response a connection, after a request has arrived, and close it; yield the path of the socket."""
    path = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(10)
        thread = threading.Thread(target=_serve, args=(listener, responses))
        thread.start()
        try:
            yield path
        finally:
            thread.join()


def _serve(listener: socket.socket, responses: Sequence[bytes]) -> None:
    for response in responses:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            # a client may close the connection as soon as it has read too much
            with contextlib.suppress(ConnectionError):
                connection.sendall(response)


def answer(body: bytes, status: int = 200, content_type: str = "application/json") -> bytes:
    """Return a response with a length."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def stream(*parts: bytes, is_complete: bool = True) -> bytes:
    """Return a response in chunks."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunks + (b"0\r\n\r\n" if is_complete else b"")
