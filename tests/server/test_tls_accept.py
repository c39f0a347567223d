"""Tests of server/tls_accept.py: silent clients take neither the memory of the server nor the room of others."""

import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from logonscope.server.auth.peer import Peer
from logonscope.server.connection import Connection
from logonscope.server.connection_limits import ConnectionLimits
from logonscope.server.handshake_turns import MAX_HANDSHAKES
from logonscope.server.tls_accept import HANDSHAKE_SECONDS
from tests.server.attacked import SOURCE, Attacked
from tests.server.serving import Serving, ask, is_closed, serving, wait_until

pytestmark = pytest.mark.usefixtures("promptly")
CROWD, ADDRESSES = 200, 15
ONE_ROW = "SELECT Handle FROM Win32_Process WHERE Handle = '1'"


@contextmanager
def silent(server: Serving, count: int) -> Iterator[list[socket.socket]]:
    """Connect from many addresses, and send not one byte."""
    with ExitStack() as crowd:
        clients = []
        for number in range(count):
            client = crowd.enter_context(socket.socket())
            client.bind((f"127.0.{number % ADDRESSES}.9", 0))
            client.setblocking(False)
            client.connect_ex(server.addresses[0])
            clients.append(client)
        yield clients


@contextmanager
def half_said(server: Serving, count: int) -> Iterator[list[socket.socket]]:
    """Connect from many addresses, and begin a handshake that does not go on."""
    with silent(server, count) as clients:
        for client in clients:
            with suppress(OSError):
                client.send(b"\x16\x03\x01\x02\x00\x01\x00")
        yield clients


def over_tls(server: Serving, here: str) -> ssl.SSLSocket:
    bare = socket.socket()
    bare.bind((here, 0))
    bare.settimeout(15)
    bare.connect(server.addresses[0])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(bare)


def resident() -> int:
    """Return how many KiB this process has in memory."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_where_silent_connections_take_all_room_one_of_them_gives_way(tmp_path: Path) -> None:
    with serving("https://127.0.0.1:0", state=str(tmp_path), max_connections=60) as server, silent(server, CROWD):
        with over_tls(server, "127.1.1.1") as client:
            assert ask(client)[0] == 200
        time.sleep(1.2)
        with over_tls(server, "127.1.1.1") as client:
            assert ask(client)[0] == 200


def test_handshakes_that_do_not_go_on_give_way(tmp_path: Path) -> None:
    with serving("https://127.0.0.1:0", state=str(tmp_path)) as server, half_said(server, CROWD):
        began = time.monotonic()
        with over_tls(server, "127.1.1.1") as client:
            assert ask(client)[0] == 200
        assert time.monotonic() - began < HANDSHAKE_SECONDS / 2


def test_silent_connections_keep_no_handshake_waiting(tmp_path: Path) -> None:
    with serving("https://127.0.0.1:0", state=str(tmp_path)) as server, silent(server, 150):
        time.sleep(0.2)
        with over_tls(server, "127.1.1.1") as client:
            assert ask(client)[0] == 200


def test_silent_connections_take_little_memory_and_end_soon(tmp_path: Path) -> None:
    listen, state, many = "https://127.0.0.1:0", str(tmp_path), 1000
    with serving(listen, state=state, max_connections=many, max_connections_per_address=many) as server:
        with over_tls(server, "127.1.1.1") as first:
            assert ask(first)[0] == 200
        before = resident()
        with silent(server, 600) as clients:
            time.sleep(1)
            assert resident() - before < (MAX_HANDSHAKES + 60) * 512
            for client in clients:
                client.setblocking(True)
                client.settimeout(HANDSHAKE_SECONDS + 3)
                assert is_closed(client)


def test_a_handshake_that_fails_is_logged_once_for_each_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving("https://127.0.0.1:0", state=str(tmp_path)) as server:
        address = server.addresses[0]
        for _ in range(2):
            with socket.create_connection(address, timeout=15) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert is_closed(client)
            with socket.create_connection(address, timeout=15) as client, pytest.raises(ssl.SSLError):
                ssl.create_default_context().wrap_socket(client, server_hostname="localhost")
            with socket.create_connection(address, timeout=15) as client:
                client.sendall(b"\x16\x03\x01")  # and disconnects: no line
        wait_until(lambda: len(caplog.records) >= 2)
        with over_tls(server, "127.1.1.1") as client:
            assert ask(client)[0] == 200
    assert sorted(record.getMessage() for record in caplog.records if record.levelname == "WARNING") == [
        "TLS handshake with 127.0.0.1 failed: the client rejected it: tlsv1 alert unknown ca",
        "TLS handshake with 127.0.0.1 failed: the client sent HTTP without TLS",
    ]


def test_authenticated_connections_do_not_give_way() -> None:
    now = [0.0]
    crowd, made = (
        ConnectionLimits(2, 2, lambda: now[0]),
        [Connection(Peer(f"192.0.2.{n}", False, False), "") for n in range(4)],
    )
    ended = []
    for connection in made:
        connection.abort = lambda one=connection: ended.append(one)  # type: ignore[misc]
    first, second, third, fourth = made
    assert crowd.add_connection(first)
    assert crowd.add_connection(second)
    first.is_authenticated = True
    assert not crowd.add_connection(third)
    now[0] += 2
    assert crowd.add_connection(third)
    assert ended == [second]
    third.is_authenticated = True
    now[0] += 2
    assert not crowd.add_connection(fourth)


def test_a_want_of_descriptors_is_a_line_a_minute(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "logonscope", "serve", "--state", str(tmp_path), "--users", f"{tmp_path}/users"]
    words += ["--listen", f"unix:{tmp_path}/s", "--listen", "http://127.0.0.1:0", "--pam", ""]
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    with log.open("wb") as file, subprocess.Popen(words, stderr=file, env=environment) as process:
        try:
            wait_until(lambda: b"listening" in log.read_bytes())
            server = Attacked(process, f"{tmp_path}/s", log)
            server.ask(ONE_ROW)
            usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (8, usual[1]))  # it has more of them open
            with ExitStack() as crowd:
                for _ in range(100):
                    client = crowd.enter_context(socket.socket(socket.AF_UNIX))
                    client.setblocking(False)
                    with suppress(OSError):
                        client.connect(f"{tmp_path}/s")
                wait_until(lambda: b"cannot accept" in log.read_bytes())
                time.sleep(2)  # it tries again, and has nothing new to say
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)
            assert b">1<" in server.ask(ONE_ROW)
        finally:
            process.terminate()
    text = log.read_text(encoding="utf-8")
    assert text.count("cannot accept connections") == 1
    assert "Traceback" not in text
