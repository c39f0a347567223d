"""Tests of server/connection.py: requests have their connection, and no client can keep one open without a request."""

import asyncio
import inspect
import json
import os
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import h11
import pytest
from h11._receivebuffer import ReceiveBuffer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from logonscope.server.connection import (
    MAX_CHUNKS,
    MAX_HEAD_LINES,
    MAX_REQUEST_LINE,
    REJECTED_SECONDS,
    Connection,
    Protocol,
    connection_of_transport,
)
from tests.server.serving import (
    answer,
    application,
    ask,
    is_closed,
    serving,
    shown_to,
    wait_until,
    whole_answer,
)

SHORT = 0.4
"""Seconds: no setting, but enough here."""

pytestmark = pytest.mark.usefixtures("promptly")


def test_all_requests_of_a_connection_see_the_same_object_and_others_another() -> None:
    with serving() as server, server.connect() as first, server.connect() as second:
        assert [shown_to(first)["session"], shown_to(first)["session"], shown_to(second)["session"]] == [1, 2, 1]


def test_a_client_on_this_machine_is_known_as_such() -> None:
    with serving("http://127.0.0.1:0", "http://[::1]:0") as server, server.connect(0) as four, server.connect(1) as six:
        here = {"tls": False, "loopback": True, "credentials": None, "binding": None, "session": 1}
        assert shown_to(four) == here | {"peer": "127.0.0.1", "local": "127.0.0.1", "seen": ["127.0.0.1", "http"]}
        assert shown_to(six) == here | {"peer": "::1", "local": "::1", "seen": ["::1", "http"]}


def test_requests_without_authentication_do_not_make_a_connection_last() -> None:
    with serving(request_seconds=3 * SHORT) as server, server.connect() as client:
        start = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - start < 20 * SHORT:
                client.sendall(b"POST /early HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
                if not client.recv(1 << 16):
                    break
                time.sleep(SHORT)
        assert 2 * SHORT < time.monotonic() - start < 6 * SHORT


def segments(client: socket.socket) -> int:
    """Return how many segments with data came (tcp(7), TCP_INFO: tcpi_data_segs_in)."""
    (count,) = struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)
    return int(count)


def test_head_and_body_of_an_answer_go_out_together() -> None:
    with serving() as server, server.connect() as client:
        for number in range(1, 4):
            shown_to(client)
            assert segments(client) == number


def test_a_header_does_not_make_another_client_of_one() -> None:
    with serving() as server, server.connect() as client:
        _, content = ask(client, "/shown", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-Proto: https")
        told = json.loads(content)
        assert (told["peer"], told["tls"], told["seen"]) == ("127.0.0.1", False, ["127.0.0.1", "http"])


def test_the_kernel_says_who_is_at_the_other_end_of_a_unix_socket(tmp_path: Path) -> None:
    with serving(f"unix:{tmp_path}/s") as server, server.connect() as client:
        told = shown_to(client)
        assert told["credentials"] == [os.getpid(), os.getuid(), os.getgid(), True]
        assert (told["peer"], told["loopback"], told["tls"]) == ("", True, False)


def test_an_ipv4_client_of_a_socket_for_both_is_an_ipv4_client() -> None:
    async def peer() -> Connection:
        made: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

        class Accepting(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made.set_result(connection_of_transport(transport))
                transport.close()

        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        server = await asyncio.get_running_loop().create_server(Accepting, sock=both)
        async with server:
            _, writer = await asyncio.open_connection("127.0.0.1", both.getsockname()[1])
            found = await made
            writer.close()
        return found

    found = asyncio.run(peer())
    assert (found.peer.address, found.local, found.peer.loopback) == ("127.0.0.1", "127.0.0.1", True)


def test_the_end_of_a_connection_is_reported_to_its_observers(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    def fails() -> None:
        raise ZeroDivisionError

    async def door(request: Request) -> Response:
        kept: Connection = request.state.connection
        kept.on_close += [lambda: ended.append("one"), fails, lambda: ended.append("another")]
        return PlainTextResponse("kept")

    with serving(app=application(Route("/door", door, methods=["POST"]))) as server:
        with server.connect() as client:
            assert ask(client, "/door") == (200, b"kept")
            assert ended == []
        wait_until(lambda: sorted(ended) == ["another", "one"])
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("sent", [b"", b"POST /bo", b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234"])
def test_a_request_that_does_not_come_whole_in_time_ends_the_connection(sent: bytes) -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        start = time.monotonic()
        client.sendall(sent)
        assert is_closed(client)
        assert SHORT * 0.9 < time.monotonic() - start < SHORT + 1


def test_drop_by_drop_is_not_in_time() -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        start = time.monotonic()
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\n")
        with pytest.raises(OSError):  # noqa: PT012 -- which drop is the first that is not taken is chance
            while time.monotonic() < start + 3:
                client.sendall(b"X: y\r\n")
                time.sleep(0.02)
        assert time.monotonic() - start < SHORT + 1


def test_the_time_starts_anew_with_each_answer(tmp_path: Path) -> None:
    with serving(f"unix:{tmp_path}/s", request_seconds=SHORT) as server, server.connect() as client:
        start = time.monotonic()
        assert ask(client, "/slow?seconds=0.6") == (200, b"done")
        time.sleep(0.2)
        assert ask(client, "/body", content=b"123") == (200, b"3")
        assert is_closed(client)
        assert 1.1 < time.monotonic() - start < 2


def test_an_unread_body_does_not_hold_the_connection() -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        client.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
        assert answer(client) == (401, b"no")
        client.sendall(b"456789")
        start = time.monotonic()
        assert ask(client, "/body", content=b"123") == (200, b"3")
        assert is_closed(client)
        assert SHORT * 0.9 < time.monotonic() - start < SHORT + 1


def test_half_a_request_behind_a_whole_one_is_not_forgotten() -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        half = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
        client.sendall(half + b"123456789" + half + b"1")
        assert answer(client) == (200, b"9")
        assert is_closed(client)


@pytest.mark.parametrize("times", [1, 3])
def test_a_response_that_is_not_read_ends_the_connection(times: int) -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n" * times)
        wait_until(lambda: server.server.server_state.connections)
        start = time.monotonic()
        wait_until(lambda: not server.server.server_state.connections)
        assert SHORT / 2 < time.monotonic() - start < SHORT + 1


@pytest.mark.parametrize("last", ["close", "keep-alive"])
def test_so_does_the_end_of_one_that_is_too_small_to_hold_anything_up(last: str) -> None:
    with serving(request_seconds=SHORT) as server, server.connect() as client:
        assert ask(client, "/body")[0] == 200
        (kept,) = server.server.server_state.connections
        server.call(lambda: cast("Protocol", kept).transport.set_write_buffer_limits(1 << 30))
        client.sendall(f"GET /large HTTP/1.1\r\nHost: a\r\nConnection: {last}\r\n\r\n".encode())
        wait_until(lambda: not server.server.server_state.connections)


def test_a_slow_taker_gets_all_of_it() -> None:
    with serving(request_seconds=3) as server, server.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        with client.makefile("rb") as file:
            head = iter(file.readline, b"\r\n")
            assert b"content-length: 33554432\r\n" in list(head)
            for _ in range(8):
                time.sleep(0.1)
                assert len(file.read(4 << 20)) == 4 << 20


@pytest.mark.parametrize("is_authenticated", [False, True])
def test_only_a_client_that_has_authenticated_may_read_slowly_for_long(*, is_authenticated: bool) -> None:
    """The client lets each of four responses wait for 1.2 seconds, which are together more than the limit."""
    size = waits = 0
    with serving(request_seconds=3) as server, server.connect() as client:
        assert ask(client, "/body")[0] == 200
        (kept,) = server.server.server_state.connections
        connection = cast("Protocol", kept).connection
        assert connection is not None
        connection.is_authenticated = is_authenticated
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
        with suppress(ConnectionResetError):
            while size < 128 << 20 and (data := client.recv(1 << 20)):
                size += len(data)
                if size > waits * (32 << 20):
                    waits += 1
                    time.sleep(1.2)
    assert (size > 128 << 20) is is_authenticated


def test_who_has_taken_an_answer_is_not_hurried_any_more(tmp_path: Path) -> None:
    # long enough that a busy machine does not keep the client from its next request
    seconds = 4.0
    with serving(f"unix:{tmp_path}/s", request_seconds=seconds) as server, server.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert len(answer(client)[1]) == 32 << 20
        for _ in range(6):
            time.sleep(seconds / 5)
            assert ask(client, "/body")[0] == 200


def test_over_the_limit_a_new_connection_gets_503_and_others_continue() -> None:
    with serving(max_connections=2) as server, server.connect() as first, server.connect() as second:
        assert [ask(one)[0] for one in (first, second)] == [200, 200]
        with server.connect() as third:
            assert ask(third) == (503, b"Service Unavailable")
            assert is_closed(third)
        assert [ask(one)[0] for one in (first, second)] == [200, 200]
        second.close()
        wait_until(lambda: len(server.server.server_state.connections) == 1)
        with server.connect() as third:
            assert ask(third)[0] == 200


def test_who_is_one_too_many_cannot_stay_for_long() -> None:
    with serving(max_connections=1) as server, server.connect() as first, server.connect() as second:
        assert ask(first)[0] == 200
        second.settimeout(3 * REJECTED_SECONDS)
        assert is_closed(second)
        assert ask(first)[0] == 200


def test_headers_have_an_end() -> None:
    with serving() as server, server.connect() as client:
        assert ask(client, "/shown", f"Authorization: Negotiate {'a' * 88_000}")[0] == 200  # a Kerberos token of 64 KiB
    with serving() as server, server.connect() as client, suppress(OSError):  # closed before all is sent
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * (8 << 20))
        assert client.recv(99).startswith(b"HTTP/1.1 400 ")
        assert is_closed(client)


CHUNKED = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("path", [b"/body", b"/early"])
@pytest.mark.parametrize(
    ("before", "part", "after", "limit"),
    [
        (b"GET /body HTTP/1.1\r\nHost: a\r\n", b"a:\r\n", b"\r\n", MAX_HEAD_LINES - 2),
        (b"GET /body?", b"%41", b" HTTP/1.1\r\nHost: a\r\n\r\n", (MAX_REQUEST_LINE - len("GET /early? HTTP/1.1")) // 3),
        (CHUNKED, b"1\r\n \r\n", b"0\r\n\r\n", MAX_CHUNKS),
        (CHUNKED + b"0\r\n", b"a:\r\n", b"\r\n", MAX_HEAD_LINES),
    ],
    ids=["headers", "target", "chunks", "trailers"],
)
def test_parts_that_take_long_to_parse_have_a_limit(
    path: bytes, before: bytes, part: bytes, after: bytes, limit: int
) -> None:
    before = before.replace(b"/body", path)
    with serving() as server:
        with server.connect() as client:
            for _ in range(2):  # the limit is that of a request, not of the connection
                client.sendall(before + part * limit + after)
                assert answer(client)[0] in {200, 401}
        with server.connect() as client, suppress(OSError):  # closed before all is sent
            client.sendall(before + part * (limit + 1) + after)
            assert client.recv(99).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
            assert is_closed(client)


def test_what_is_no_http_is_refused_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as server:
        with server.connect() as client:
            client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            assert client.recv(99).startswith(b"HTTP/1.1 400 ")
            assert is_closed(client)
        with server.connect() as client:  # in the middle of one that is being answered
            client.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n")
            assert client.recv(99).startswith(b"HTTP/1.1 400 ")
            assert is_closed(client)
        with server.connect() as client:  # in the middle of a request that is answered already
            client.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert answer(client) == (401, b"no")
            client.sendall(b"no number\r\n")
            assert is_closed(client)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_answers_do_not_say_which_server_made_them_and_do_say_when() -> None:
    with serving() as server, server.connect() as client:
        client.sendall(b"GET /body HTTP/1.1\r\nHost: a\r\n\r\n")
        _, headers, _ = whole_answer(client)
        assert "server" not in headers
        assert headers["date"].endswith("GMT")


OVERRIDDEN: dict[type, dict[str, tuple[str, ...]]] = {
    H11Protocol: {
        "__init__": ("config", "server_state", "app_state"),
        "connection_made": ("transport",),
        "connection_lost": ("exc",),
        "handle_events": (),
        "on_response_complete": (),
        "send_400_response": ("msg",),
        "pause_writing": (),
        "resume_writing": (),
        "shutdown": (),
    },
    h11.Connection: {"__init__": ("our_role", "max_incomplete_event_size"), "send_with_data_passthrough": ("event",)},
    ReceiveBuffer: {"maybe_extract_lines": (), "maybe_extract_next_line": ()},
}
"""The methods of uvicorn and h11 that server/connection.py overrides, with the parameters that it passes by place."""

USED = {
    H11Protocol: ("app", "app_state", "conn", "cycle", "loop", "transport"),
    RequestResponseCycle: ("disconnected", "message_event"),
    h11.Connection: ("our_state", "their_state", "_receive_buffer"),
    ReceiveBuffer: ("_data",),
}
"""The attributes of their objects that it reads or sets."""

BOUND = "look at what changed, mend server/connection.py, and move the bound in pyproject.toml"


def parameters(function: object) -> tuple[str, ...]:
    assert callable(function)
    return tuple(inspect.signature(function).parameters)[1:]


@pytest.mark.parametrize("owner", OVERRIDDEN, ids=lambda owner: owner.__name__)
def test_the_internals_that_are_overridden_are_there(owner: type) -> None:
    for name, expected in OVERRIDDEN[owner].items():
        method = vars(owner).get(name)
        assert method is not None, f"{owner.__module__}.{owner.__name__} has no method {name} any more: {BOUND}"
        found = parameters(method)[: len(expected)] if name == "__init__" else parameters(method)
        assert found == expected, f"{owner.__module__}.{owner.__name__}.{name} takes {found}, not {expected}: {BOUND}"


async def internals() -> dict[type, object]:
    """Return an object of each class, made as uvicorn makes it."""
    protocol = H11Protocol(Config(application(), log_config=None), ServerState(), {})
    arguments: dict[str, Any] = dict.fromkeys(parameters(RequestResponseCycle.__init__))
    cycle = RequestResponseCycle(**arguments | {"conn": protocol.conn, "message_event": asyncio.Event()})
    made = (protocol, cycle, ReceiveBuffer())
    return {**{type(one): one for one in made}, h11.Connection: protocol.conn}


def test_the_internals_that_are_read_or_set_are_there() -> None:
    found = asyncio.run(internals())
    for owner, names in USED.items():
        missing = [name for name in names if not hasattr(found[owner], name)]
        assert missing == [], f"{owner.__module__}.{owner.__name__} has no attribute {missing} any more: {BOUND}"
    assert parameters(service_unavailable) == ("receive", "send"), f"service_unavailable is no application: {BOUND}"


def test_h11_asks_the_method_that_is_overridden_for_what_is_written() -> None:
    asked: list[h11.Event] = []

    class Watched(h11.Connection):
        def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
            asked.append(event)
            return super().send_with_data_passthrough(event)

    server, answer = Watched(h11.SERVER), h11.Response(status_code=200, headers=[("Content-Length", "0")])
    server.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(server.next_event(), h11.Request)
    server.send(answer)
    assert asked == [answer], f"h11.Connection.send() does not call send_with_data_passthrough() any more: {BOUND}"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YQ==\r\nauthorization: Basic Yg==\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nLogonscope-As: bob\r\nlogonscope-as: alice\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nLogonscope-At: 2026-01-01\r\nlogonscope-at: 2026-01-02\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nOrigin: https://b\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nX-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n",
        b"POST /body HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n",
    ],
    ids=[
        "two lengths",
        "two credentials",
        "two types",
        "two views",
        "two moments",
        "two origins",
        "folded",
        "one bare LF",
        "bare LFs",
        "LF in trailers",
        "LF as trailers",
    ],
)
def test_what_a_proxy_may_read_in_another_way_is_refused(head: bytes) -> None:
    with serving() as server:
        with server.connect() as client:
            for at in range(len(head)):
                with suppress(OSError):  # it may be refused before the end
                    client.sendall(head[at : at + 1])
            assert client.recv(99).startswith(b"HTTP/1.1 400 ")
        with server.connect() as client:
            assert ask(client, content=b"a\n b\n\n")[0] == 200
            assert ask(client, content=b"\n")[0] == 200
