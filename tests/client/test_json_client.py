"""Tests of client/json_client.py: lines, errors, and connections that are kept."""

import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from logonscope import AccessDeniedError, NotFoundError, TimedOutError, TransportFailureError
from logonscope.client.json_client import JsonClient
from logonscope.client.unix_connection import UnixConnection
from tests.client.scripted import answer, scripted, stream

DENIED = b'{"error":{"name":"WBEM_E_ACCESS_DENIED","number":2147749891,"message":"no","hint":"ask"}}\n'
MISSING = DENIED.replace(b"ACCESS_DENIED", b"NOT_FOUND")


def client(path: str) -> JsonClient:
    """Return a client of a socket."""
    return JsonClient(partial(UnixConnection, path), path, 5)


def test_lines_may_be_divided_anywhere(tmp_path: Path) -> None:
    with scripted(tmp_path, stream(b'{"a":', b'1}\n{"a"', b":2}\n")) as path:
        assert list(client(path).stream("x", {})) == [{"a": 1}, {"a": 2}]


def test_an_error_is_raised_where_it_is_in_the_stream(tmp_path: Path) -> None:
    with scripted(tmp_path, stream(b'{"a":1}\n', MISSING)) as path:
        rows = client(path).stream("x", {})
        assert next(rows) == {"a": 1}
        with pytest.raises(NotFoundError, match="no; ask"):
            next(rows)


def test_a_part_that_does_not_arrive_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(lambda: client(str(tmp_path / "socket")).stream("x", {}, timeout=0.2))
            connection, _ = listener.accept()
            with connection:
                connection.sendall(stream(b'{"a":1}\n', is_complete=False))
                rows = sending.result()
                assert next(rows) == {"a": 1}
                with pytest.raises(TimedOutError, match=r"no complete answer within 0\.2 s"):
                    next(rows)


def test_an_error_by_status(tmp_path: Path) -> None:
    with scripted(tmp_path, answer(DENIED, 401), answer(MISSING, 404), answer(b"<html>", 404, "text/html")) as path:
        with pytest.raises(AccessDeniedError, match=f"no at {path}"):
            client(path).ask("x", {})
        with pytest.raises(NotFoundError):
            client(path).ask("x", {})
        with pytest.raises(TransportFailureError, match="HTTP status 404"):
            client(path).ask("x", {})


@pytest.mark.parametrize("body", [b"[1]\n", b"{\n", b'{"a":1}', b"\xff\n", b"[" * 100_000 + b"\n", b'{"error": 1}\n'])
def test_what_is_no_line(tmp_path: Path, body: bytes) -> None:
    with scripted(tmp_path, stream(body)) as path, pytest.raises(TransportFailureError):
        list(client(path).stream("x", {}))


def test_a_kept_connection_that_was_closed_is_replaced(tmp_path: Path) -> None:
    with scripted(tmp_path, answer(b"{}\n"), answer(b'{"a":1}\n'), answer(b"{}\n")) as path:
        kept = client(path)
        assert kept.ask("x", {}) == {}
        assert kept.ask("x", {}) == {"a": 1}
        with pytest.raises(TransportFailureError):  # a method may have run already: it is not sent again
            kept.ask("invoke", {})
        kept.close()
        assert client(path).ask("x", {}) == {}


def test_no_server() -> None:
    with pytest.raises(TransportFailureError, match="cannot connect to /nowhere: No such file or directory"):
        client("/nowhere").ask("x", {})
