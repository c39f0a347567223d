"""Tests of server/http_poster.py: one connection for many requests, and an error where there is no answer."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from logonscope.server.http_poster import HttpPoster, Origin, PostError
from tests.server.serving import wait_until
from tests.server.subscriber import Received, accept, subscriber

BODY = b"<x/>"


def poster(url: str) -> HttpPoster:
    return HttpPoster(Origin("http", "127.0.0.1", int(url.rpartition(":")[2])), 5.0, ssl.create_default_context)


def test_requests_are_answered_also_after_the_connection_was_closed() -> None:
    with subscriber(accept) as server:
        client = poster(server.origin)
        for _ in range(2):
            assert [client.post("/path", BODY, {}).status for _ in range(2)] == [202, 202]
            client.close()
        assert [message.path for message in server.messages] == ["/path"] * 4


def test_redirects_are_not_followed() -> None:
    def redirect(_: Received) -> tuple[int, str]:
        return 307, "<x/>"

    with subscriber(redirect) as server:
        client = poster(server.origin)
        assert client.post("/", BODY, {}) == (307, "Temporary Redirect", BODY)
        client.close()
        assert len(server.messages) == 1


def test_a_host_name_that_cannot_be_looked_up_is_an_error() -> None:
    client = HttpPoster(Origin("http", "a..b", 80), 5.0, ssl.create_default_context)
    with pytest.raises(PostError, match=r"cannot post to http://a\.\.b:80: invalid host name"):
        client.post("/", BODY, {})


def test_without_an_answer_there_is_an_error() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        client = HttpPoster(Origin("http", "127.0.0.1", listening.getsockname()[1]), 0.2, ssl.create_default_context)
        with pytest.raises(PostError, match=r"cannot post to http://127\.0\.0\.1:"):
            client.post("/", BODY, {})
        listening.listen()
        with pytest.raises(PostError, match=r"no answer within|timed out"):
            client.post("/", BODY, {})


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc", b"\xff\xfe\r\n", b"",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 150 + b"\r\n",
])  # fmt: skip
def test_garbage_is_an_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        client = poster(f"http://127.0.0.1:{server.getsockname()[1]}")
        request = threads.submit(client.post, "/", BODY, {})
        accepted, _ = server.accept()
        with accepted:
            accepted.recv(1000)
            accepted.sendall(answer)
        with pytest.raises(PostError):
            request.result()
        client.close()


def test_a_request_that_waits_can_be_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as threads:
        client = HttpPoster(Origin("http", "127.0.0.1", silent.getsockname()[1]), 60.0, ssl.create_default_context)
        client.interrupt()
        request = threads.submit(client.post, "/", BODY, {})
        accepted, _ = silent.accept()
        with accepted:
            assert accepted.recv(100)
            client.interrupt()
            with pytest.raises(PostError):
                request.result(30)


def test_a_connection_attempt_can_be_interrupted() -> None:
    # Linux completes no more connections than the backlog has room for: the next one waits
    with socket.socket() as full, ThreadPoolExecutor(1) as threads:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.create_connection(address)]
        client = HttpPoster(Origin("http", *address), 60.0, ssl.create_default_context)
        request = threads.submit(client.post, "/", BODY, {})
        wait_until(lambda: is_connecting(address[1]))
        client.interrupt()
        with pytest.raises(PostError):
            request.result(30)
        for connection in waiting:
            connection.close()


def is_connecting(port: int) -> bool:
    """Return whether a connection to a port has been begun, and not been answered (proc(5): SYN_SENT is 02)."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(line.split()[2:4] == [f"0100007F:{port:04X}", "02"] for line in file)
