"""Tests of client/unix_connection.py: responses with a length and in chunks, cut off, and malformed."""

import socket
from pathlib import Path

import pytest

from logonscope import TimedOutError, TransportFailureError
from logonscope.client.unix_connection import UnixConnection
from tests.client.scripted import answer, scripted, stream


def body_of(path: str) -> bytes:
    """Send a request, and return the whole body of the response."""
    connection = UnixConnection(path, 5)
    try:
        return b"".join(connection.post("/v1/x", b"{}", {}, 5)[2])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (answer(b"{}"), b"{}"),
        (answer(b""), b""),
        (stream(b"ab", b"c" * 70_000), b"ab" + b"c" * 70_000),
        (stream(), b""),
    ],
)
def test_a_body_is_read_to_its_end(tmp_path: Path, response: bytes, body: bytes) -> None:
    with scripted(tmp_path, response) as path:
        assert body_of(path) == body


@pytest.mark.parametrize(
    "response",
    [
        b"", b"HTTP/1.1", b"welcome\r\n\r\n", answer(b"{}")[:-1], stream(b"ab", is_complete=False), stream(b"ab")[:-3],
        stream(b"ab").replace(b"2\r\n", b"zz\r\n"), b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_cut_off_or_malformed_is_an_error(tmp_path: Path, response: bytes) -> None:
    with scripted(tmp_path, response) as path, pytest.raises(TransportFailureError, match="no valid response from"):
        body_of(path)


def test_a_server_that_is_silent_is_waited_for_as_long_as_given(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        connection = UnixConnection(str(tmp_path / "socket"), 5)
        with pytest.raises(TimedOutError):
            connection.post("/v1/x", b"{}", {}, 0.1)
        connection.close()


def test_a_server_that_falls_silent_within_a_response_is_waited_for_as_long_as_given(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        connection = UnixConnection(str(tmp_path / "socket"), 5)
        server, _ = listener.accept()
        with server:
            server.sendall(stream(b"ab", is_complete=False))
            parts = connection.post("/v1/x", b"{}", {}, 0.1)[2]
            assert next(parts) == b"ab"
            with pytest.raises(TimedOutError):
                next(parts)
        connection.close()
