"""Fuzzer of server/tls_accept.py: broken TLS handshakes, and what may follow one, leave nothing behind.

As many clients misbehave as a twentieth of LOGONSCOPE_FUZZ.
"""

import logging
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.lab.fixtures import skip_or_fail
from tests.server.exchanges import basic
from tests.server.handshakes import TlsClient, connected, misbehave
from tests.server.holdings import assert_nothing_left, holdings
from tests.server.running import ADMIN, RunningServer, running
from tests.server.test_fuzz import REQUESTS, SEED

CLIENTS = max(250, REQUESTS // 20)
AT_ONCE = 24
SILENT = 0.01 if REQUESTS > 10_000 else 0.0
GOOD = (
    f"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(*ADMIN)['Authorization']}\r\nContent-Length: 0\r\n\r\n"
).encode()
LAST = GOOD.replace(b"Host: x", b"Host: x\r\nConnection: close")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """Run a server that takes many connections from one address, for a second each."""
    with running(request_seconds="1", max_connections="1000", max_connections_per_address="900") as found:
        answered(found)
        yield found


def answered(server: RunningServer, *, tls_1_2: bool = False) -> None:
    """Fail where the server does not answer a client that behaves."""
    with connected(server.https) as connection:
        client = TlsClient(connection, tls_1_2=tls_1_2)
        assert client.shake_hands()
        connection.sendall(client.encrypted(LAST))
        assert client.answer().startswith(b"HTTP/1.1 200 OK")


def test_a_storm_of_bad_handshakes_leaves_nothing_behind(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    before = holdings(server)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(partial(misbehave, server.https, GOOD, SILENT), range(SEED, SEED + CLIENTS)))
    answered(server)
    answered(server, tls_1_2=True)
    assert_nothing_left(server, before, caplog)
    assert not [answer for answer in answers if b"HTTP/1.1" in answer or b"Traceback" in answer]


def test_a_goodbye_after_each_byte_of_a_request_ends_the_connection(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    before = holdings(server)

    def leave(length: int) -> bytes:
        with connected(server.https) as connection:
            client = TlsClient(connection, tls_1_2=bool(length % 2))
            assert client.shake_hands()
            sent = client.encrypted(GOOD[:length]) if length else b""
            connection.sendall(sent + client.close_notify())
            try:
                return client.answer()
            except (ConnectionError, ssl.SSLError):
                return b""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(leave, range(0, len(GOOD), 1 if REQUESTS > 10_000 else 3)))
    answered(server)
    assert_nothing_left(server, before, caplog)
    assert not [answer for answer in answers if b" 200 OK" in answer]


@pytest.mark.parametrize(
    ("flags", "typed", "shown"),
    [
        (("-tls1_2",), b"R", b"RENEGOTIATING"),
        (("-tls1_3",), b"Kkkkk", b"KEYUPDATE"),
        (("-tls1_2", "-reconnect"), b"", b"Reused"),
        (("-tls1_1", "-cipher", "ALL@SECLEVEL=0"), b"", b"Cipher is (NONE)"),
        (("-tls1", "-cipher", "ALL@SECLEVEL=0"), b"", b"Cipher is (NONE)"),
        (("-tls1_2", "-cipher", "AES128-SHA"), b"", b"Cipher is (NONE)"),
        (("-tls1_3", "-groups", "X448"), b"", b""),
    ],
)
def test_what_openssl_can_do_and_clients_do_not(
    server: RunningServer, caplog: pytest.LogCaptureFixture, flags: tuple[str, ...], typed: bytes, shown: bytes
) -> None:
    """Renegotiation, new keys, resumption, old versions, weak ciphers, rare groups; ``typed`` are its commands."""
    caplog.set_level(logging.WARNING)
    before = holdings(server)
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.https}", *flags]
    if shutil.which("openssl") is None:
        skip_or_fail("there is no openssl here")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as openssl:
        assert openssl.stdin is not None
        for command in typed:
            time.sleep(0.1)  # a command is what one read begins with
            os.write(openssl.stdin.fileno(), bytes((command, 10)))
        time.sleep(0.1)
        output, _ = openssl.communicate(LAST, timeout=30)
    assert shown in output
    answered(server)
    assert_nothing_left(server, before, caplog)
