"""Tests of server/plain_requests.py: a request that it takes is the one that h11 reads, and so is the answer."""

import base64
import re
import socket
import time
from collections.abc import Iterator

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.server.connection import _Strict
from logonscope.server.plain_requests import MAX_BODY_LENGTH, MAX_HEAD_LENGTH, MAX_HEADERS, PlainReader, PlainRequest
from logonscope.wire.wsman import names
from tests.server.running import ADMIN, RunningServer, running
from tests.server.soap import envelope

USUAL = (
    b"POST /wsman HTTP/1.1\r\nHost: 127.0.0.1:5985\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"
    b"Authorization: Basic YTpi\r\nContent-Length: 5\r\n\r\nhello"
)
UNUSUAL = [
    USUAL.replace(b"POST", b"GET"),
    USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
    USUAL.replace(b"/wsman", b"http://127.0.0.1/wsman"),
    USUAL.replace(b"/wsman", b"/ws%6Dan"),
    USUAL.replace(b"/wsman", b"/wsman?x"),
    USUAL.replace(b"Host: 127.0.0.1:5985\r\n", b""),
    USUAL.replace(b"Host:", b"Host :"),
    USUAL.replace(b"Host:", b" Host:"),
    USUAL.replace(b"\r\nContent-Type", b"\nContent-Type"),
    USUAL.replace(b"127.0.0.1:5985", b"127.0.0.1\x00"),
    USUAL.replace(b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 5"),
    USUAL.replace(b"Content-Length: 5", b"Content-Length: +5"),
    USUAL.replace(b"Content-Length: 5", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
    USUAL.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    USUAL.replace(b"Content-Length: 5", b"Connection: close\r\nContent-Length: 5"),
    USUAL.replace(b"Content-Length: 5", b"Expect: 100-continue\r\nContent-Length: 5"),
    USUAL.replace(b"Content-Length: 5", b"Upgrade: h2c\r\nContent-Length: 5"),
    USUAL.replace(b"Content-Length: 5", b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5"),
    USUAL.replace(b"Basic YTpi", b"Basic \xe9"),
    b"\r\n" + USUAL,
    USUAL.replace(b"POST /wsman", b"POST /wsman "),
    USUAL.replace(b"Content-Length: 5", b"Content-Length: %d" % (MAX_BODY_LENGTH + 1)),
    USUAL + USUAL,
    b"X: " + b"x" * MAX_HEAD_LENGTH + USUAL,
    USUAL.replace(b"Content-Length", b"".join(b"X-%d: 1\r\n" % i for i in range(MAX_HEADERS - 3)) + b"Content-Length"),
]
IDENTIFY = envelope("", "", f'<i:Identify xmlns:i="{names.IDENTITY}"/>')
PIECES = [
    b"POST ", b"GET ", b"/wsman", b"/", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b" ", b"\t", b":",
    b"Host: a", b"Content-Length: ", b"content-length:5", b"5", b"0", b"hello", b"Transfer-Encoding: chunked", b"\x00",
    b"\xe9", b"Authorization: Basic YTpi", b",", b"Connection: close", b"\r\n\r\n",
    b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n",
]  # fmt: skip


def read_by_h11(data: bytes) -> PlainRequest | None:
    """Return the one complete request in these bytes, as the server reads it by h11; None if it is not exactly that."""
    connection, body = _Strict(h11.SERVER), b""
    connection.receive_data(data)
    try:
        head = connection.next_event()
        if not isinstance(head, h11.Request):
            return None
        while isinstance(event := connection.next_event(), h11.Data):
            body += event.data
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.EndOfMessage) or head.method != b"POST" or connection.trailing_data[0]:
        return None
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return PlainRequest(head.target.decode("ascii"), headers, body, data)


@st.composite
def changed_requests(draw: st.DrawFn) -> bytes:
    """Return the usual request with some pieces put in, taken out or replaced."""
    data = USUAL
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 12)))
        data = data[:start] + draw(st.sampled_from([b"", *PIECES])) + data[end:]
    return data


@settings(max_examples=600, deadline=None)
@given(changed_requests())
def test_what_is_taken_is_what_h11_reads(data: bytes) -> None:
    taken = PlainReader().read(data, may_wait=False)
    assert taken == data if isinstance(taken, bytes) else taken == read_by_h11(data)


def test_the_usual_request_is_taken() -> None:
    taken = PlainReader().read(USUAL, may_wait=False)
    assert isinstance(taken, PlainRequest)
    assert (taken.path, taken.headers["host"], taken.body) == ("/wsman", "127.0.0.1:5985", b"hello")


@pytest.mark.parametrize("data", UNUSUAL)
def test_every_other_request_goes_to_h11_with_all_its_bytes(data: bytes) -> None:
    assert PlainReader().read(data, may_wait=True) == data


@given(st.lists(st.integers(len(b"POST /"), len(USUAL)), max_size=5))
def test_an_authenticated_request_may_arrive_in_parts(cuts: list[int]) -> None:
    reader, ends = PlainReader(), sorted({*cuts, len(USUAL)})
    parts = [USUAL[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    taken = [reader.read(part, may_wait=True) for part in parts]
    assert taken[:-1] == [None] * (len(parts) - 1)
    assert isinstance(taken[-1], PlainRequest)
    assert taken[-1].data == USUAL


def test_a_part_of_a_client_that_is_not_known_goes_to_h11() -> None:
    assert PlainReader().read(USUAL[:-1], may_wait=False) == USUAL[:-1]


def test_one_byte_at_a_time_is_no_longer_kept_than_a_head_may_be() -> None:
    reader, sent = PlainReader(), b"POST /" + b"x" * MAX_HEAD_LENGTH
    taken = [reader.read(sent[at : at + 1], may_wait=True) for at in range(len(sent))]
    kept = [part for part in taken if part is None]
    assert len(kept) < MAX_HEAD_LENGTH + 2
    assert b"".join(part for part in taken if isinstance(part, bytes)) == sent


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as running_server:
        yield running_server


def head(path: str, length: int, more: str = "", content_type: str = "application/soap+xml;charset=UTF-8") -> bytes:
    shown = base64.b64encode(":".join(ADMIN).encode()).decode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Authorization: Basic {shown}\r\n{more}Content-Length: {length}\r\n\r\n"
    ).encode()


def answer_to(server: RunningServer, *parts: bytes, seconds: float = 0.5) -> bytes:
    """Return everything that the server sends in some time, without what differs each time."""
    with socket.create_connection(("127.0.0.1", server.http), 5) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.05)
        client.settimeout(10)  # of a busy machine; the parts after the first one follow it closely
        got = b""
        try:
            while data := client.recv(65536):
                got += data
                client.settimeout(seconds)
        except TimeoutError:
            pass
    got = re.sub(rb"\r\ndate: [^\r]*", b"\r\ndate: X", got)
    return re.sub(rb"uuid:[0-9A-F-]{36}", b"uuid:X", got)


BY_H11 = "Connection: keep-alive\r\n"
"""A header that changes nothing, but makes a request an unusual one."""


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/wsman", IDENTIFY, "application/soap+xml;charset=UTF-8"),
        ("/WSMAN", b"no XML", "application/soap+xml;charset=UTF-8"),
        ("/wsman", b"", "application/soap+xml;charset=UTF-8"),
        ("/v1/identify", b"{}", "application/json"),
        ("/v1/enumerate", b'{"class_name": "Win32_SessionProcess"}', "application/json"),
        ("/v1/enumerate", b'{"class_name": "No_Class"}', "application/json"),
        ("/elsewhere", b"{}", "application/json"),
    ],
)
def test_the_answer_is_the_same_as_by_h11(server: RunningServer, path: str, body: bytes, content_type: str) -> None:
    usual = answer_to(server, head(path, len(body), "", content_type) + body)
    assert usual == answer_to(server, head(path, len(body), BY_H11, content_type) + body)
    assert usual.startswith(b"HTTP/1.1 ")


def test_requests_in_parts_and_requests_behind_each_other_are_answered_in_turn(server: RunningServer) -> None:
    body = IDENTIFY
    request = head("/wsman", len(body)) + body
    once = answer_to(server, request)
    assert answer_to(server, request, request[:30], request[30:]) == once * 2
    assert answer_to(server, request, head("/wsman", len(body)), body) == once * 2
    assert answer_to(server, request, request + request, request) == once * 4
    assert answer_to(server, request, head("/wsman", len(body), BY_H11) + body, request) == once * 3


def test_what_is_wrong_behind_a_request_is_rejected_as_ever(server: RunningServer) -> None:
    body = IDENTIFY
    request = head("/wsman", len(body)) + body
    assert b"HTTP/1.1 400 " in answer_to(server, request, b"nonsense\r\n\r\n")


def test_without_credentials_there_is_no_answer(server: RunningServer) -> None:
    assert answer_to(server, USUAL.replace(b"Authorization: Basic YTpi\r\n", b"")).startswith(b"HTTP/1.1 401 ")
    assert answer_to(server, USUAL).startswith(b"HTTP/1.1 401 ")
