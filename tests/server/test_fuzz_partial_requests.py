"""Fuzz tests of server/connection.py: requests that end anywhere are answered or dropped, earlier ones answered.

Requests with a length, in chunks and several at once are cut after each byte; LOGONSCOPE_FUZZ over 10,000 has every
client try every way to end.
"""

import logging
import random
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.server.exchanges import basic
from tests.server.holdings import assert_nothing_left, holdings
from tests.server.running import ADMIN, RunningServer, running
from tests.server.test_fuzz import REQUESTS, SEED
from tests.server.test_fuzz_entrance import STATUSES, answers
from tests.server.test_http import IDENTIFY

AT_ONCE, PATIENCE = 32, 15.0
HEAD = f"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*ADMIN)['Authorization']}\r\n".encode()
WITH_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(IDENTIFY) + IDENTIFY
LOGIN = HEAD + b"Content-Length: 0\r\n\r\n"


def chunked(size: int) -> bytes:
    """Return a request whose body is sent in chunks, with an extension and a trailer."""
    parts = [IDENTIFY[start : start + size] for start in range(0, len(IDENTIFY), size)]
    body = b"".join(b"%x;name=value\r\n%b\r\n" % (len(part), part) for part in parts)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\nTrailer: x\r\n\r\n"


SOUND: Mapping[str, tuple[bytes, ...]] = {
    "with a length": (WITH_LENGTH,),
    "in chunks": (chunked(40),),
    "several at once": (LOGIN, WITH_LENGTH, chunked(100)),
}
"""Requests that are sent at once over one connection."""

NO_LINGER = struct.pack("ii", 1, 0)
"""Close by a reset (socket(7), SO_LINGER)."""


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the server hangs up."""
    got = b""
    with suppress(ConnectionError):
        while part := client.recv(1 << 16):
            got += part
    return got


def leave(_client: socket.socket) -> bytes:
    """Close the connection at once."""
    return b""


def reset(client: socket.socket) -> bytes:
    """Close the connection by a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    return b""


def half_close(client: socket.socket) -> bytes:
    """Say that nothing more comes, and wait for the answer."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
    return read_all(client)


ENDS: tuple[Callable[[socket.socket], bytes], ...] = (half_close, leave, reset, read_all)
"""The last waits until the server gives up."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """Run a server that takes many connections from one address, for a second each."""
    with running(request_seconds="1", max_connections="1000", max_connections_per_address="900") as found:
        assert statuses(sent(found, LOGIN, read_all)) == [200]
        yield found


def sent(server: RunningServer, data: bytes, end: Callable[[socket.socket], bytes]) -> bytes:
    """Send something, end in some way, and return what came back."""
    with socket.create_connection(("127.0.0.1", server.http), PATIENCE) as client, suppress(ConnectionError):
        client.sendall(data)
        return end(client)
    return b""


def statuses(data: bytes) -> list[int]:
    """Return the status of each answer."""
    return [status for status, _ in answers(data)]


@pytest.mark.parametrize("name", SOUND)
def test_a_request_that_is_cut_after_any_byte_leaves_nothing_behind(
    server: RunningServer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.WARNING)
    requests, chance = SOUND[name], random.Random(SEED)  # noqa: S311 -- to be the same in every run
    whole = b"".join(requests)
    ends = [sum(map(len, requests[: number + 1])) for number in range(len(requests))]
    before = holdings(server)

    def cut(length: int) -> None:
        for end in ENDS if REQUESTS > 10_000 else (chance.choice((*ENDS[:3] * 20, read_all)),):
            told = statuses(sent(server, whole[:length], end))
            assert set(told) <= STATUSES
            assert told.count(200) <= sum(length >= place for place in ends)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(cut, range(len(whole))))
    assert statuses(sent(server, whole, read_all)) == [200] * len(requests)
    assert_nothing_left(server, before, caplog)


def test_chunks_with_anything_changed_are_answered_in_http(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Sizes that are none, that are too large, that lie; chunks without an end, with a folded or endless extension."""
    caplog.set_level(logging.WARNING)
    begin = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    bodies = (
        b"\r\n", b"x\r\n", b"-1\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"f" * 17 + b"\r\n",
        b"f" * 30_000, b"5\r\nhello!\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\n0\n\n", b"0\r\n\n",
        b"5;" + b"x" * 120_000, b"5;a\r\n b\r\nhello\r\n0\r\n\r\n", b"0\r\n" + b"T: x\r\n" * 30_000,
        b"1\r\na\r\n" * 30_000, b"80000\r\n" + b"x" * (1 << 19), b"0\r\n\r\n" + LOGIN, b"0\r\nContent-Length: 9\r\n",
    )  # fmt: skip
    before = holdings(server)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda body: statuses(sent(server, begin + body, read_all)), bodies))
    assert all(set(told) <= STATUSES for told in found)
    assert_nothing_left(server, before, caplog)
