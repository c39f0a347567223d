"""Tests of server/server.py: the server starts, notifies, reloads its certificate and stops as a service should."""

import asyncio
import inspect
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from logonscope.errors import LogonscopeError
from logonscope.server.configuration import Settings, parse_listener
from logonscope.server.listening_sockets import open_sockets
from logonscope.server.server import KILL_SECONDS, Server
from tests.server.serving import answer, ask, is_closed, serving, shown_to
from tests.server.test_certificate import pair

pytestmark = pytest.mark.usefixtures("promptly")

SERVING = Path(__file__).parent / "serving.py"
ROOT = SERVING.parents[2]


class Child:
    """A server in a process of its own, with a service manager that listens to it."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.ports: list[int] = []
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(folder / "notify"))
        self.manager.settimeout(10)
        file = folder / "logonscope.toml"
        file.write_text("\n".join((f'state = "{folder}"', *lines)), encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, str(SERVING), str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NOTIFY_SOCKET": str(folder / "notify"), "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
        )

    def told(self, word: str) -> str:
        """Return the next message that has this word."""
        while word not in (said := self.manager.recv(9999).decode()):
            pass
        return said

    def connect(self, number: int = 0) -> socket.socket:
        """Connect to where the child said that it listens."""
        client = socket.create_connection(("127.0.0.1", self.ports[number]), timeout=10)
        client.settimeout(10)
        return client

    def ended(self) -> tuple[int, list[str], list[str]]:
        """Wait for the end: its exit code, what it printed, what it logged."""
        out, log = self.process.communicate(timeout=10)
        return self.process.returncode, out.splitlines(), log.splitlines()


@contextmanager
def child(folder: Path, *lines: str) -> Iterator[Child]:
    """Start one and wait until it is ready."""
    made = Child(folder, *lines)
    try:
        made.ports = [int(port) for port in re.findall(r":(\d+)(?:,|\n|$)", made.told("READY=1"))]
        yield made
    finally:
        made.process.kill()
        made.process.communicate()
        made.manager.close()


LISTEN = 'listen = ["http://127.0.0.1:0"]'


def test_an_open_request_is_answered_before_the_server_is_gone(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN, "stop_seconds = 5") as server, server.connect() as client, server.connect() as idle:
        assert ask(idle)[0] == 200
        client.sendall(b"GET /slow?seconds=0.6 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.told("STOPPING=1") == "STOPPING=1\nSTATUS=Waiting for open requests"
        assert is_closed(idle), "who asks for nothing is not waited for"
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert answer(client) == (200, b"done")
        code, out, log = server.ended()
        assert (code, out) == (0, ["told to stop", "stopped"])
        assert 0.3 < time.monotonic() - start < 3
        assert [line.split(" ", 2)[2].split(" http")[0] for line in log] == ["INFO listening on", "INFO stopping"]


def test_a_request_that_takes_too_long_is_cut_off(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN, "stop_seconds = 1") as server, server.connect() as client:
        client.sendall(b"GET /slow?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        start = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert client.recv(99).startswith(b"HTTP/1.1 500 ")
        assert server.ended()[0] == 0
        assert 0.9 < time.monotonic() - start < 3


def test_one_that_does_not_come_whole_is_cut_off_in_a_line(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN, "stop_seconds = 1") as server, server.connect() as client:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        code, _, log = server.ended()
        assert code == 0
        assert len(log) == 3, log
        assert "ERROR Cancel 1 running task" in log[-1]


def test_what_does_not_even_end_when_it_is_cancelled_ends_with_the_process(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN, "stop_seconds = 1") as server, server.connect() as client:
        client.sendall(b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.ended()[0] == -signal.SIGALRM
        assert time.monotonic() - start > 1 + KILL_SECONDS


def test_a_second_signal_stops_it_at_once(tmp_path: Path) -> None:
    with child(tmp_path, LISTEN, "stop_seconds = 60") as server, server.connect() as client:
        client.sendall(b"GET /slow?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        server.told("STOPPING=1")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended()[0] == 0


def test_the_service_manager_hears_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    told = pair(tmp_path)
    files = f'certificate = "{told.certificate}"', f'key = "{told.key}"'
    with child(tmp_path, 'listen = ["https://127.0.0.1:0"]', *files) as server:
        old = fingerprint_at(server)
        assert old == shown(told)
        server.told("WATCHDOG=1")
        server.told("WATCHDOG=1")
        renewed = pair(tmp_path)
        server.process.send_signal(signal.SIGHUP)
        assert server.told("RELOADING=1").startswith("RELOADING=1\nMONOTONIC_USEC=")
        server.told("READY=1")
        assert fingerprint_at(server) == shown(renewed) != old
        server.process.send_signal(signal.SIGTERM)
        server.told("STOPPING=1")
        code, _, log = server.ended()
        assert code == 0
        assert sum("certificate: SHA-256 fingerprint" in line for line in log) == 2


def fingerprint_at(server: Child) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with server.connect() as client, context.wrap_socket(client) as encrypted:
        return encrypted.getpeercert(binary_form=True) or b""


def shown(told: Settings) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(told.certificate).read_text(encoding="ascii"))


def test_a_connection_keeps_the_certificate_that_it_was_made_with(tmp_path: Path) -> None:
    told = pair(tmp_path)
    urls = "http://127.0.0.1:0", "https://127.0.0.1:0"
    with (
        serving(*urls, certificate=told.certificate, key=told.key) as server,
        server.connect(0) as plain,
        server.connect(1) as before,
    ):
        assert shown_to(plain)["binding"] is None
        old = shown_to(before)
        pair(tmp_path, "a", "ec -pkeyopt ec_paramgen_curve:P-256")
        server.reload()
        with server.connect(1) as after:
            assert isinstance(after, ssl.SSLSocket)
            assert after.getpeercert(binary_form=True) == shown(told)
            assert shown_to(after)["binding"] != old["binding"]
        assert shown_to(before) == old | {"session": 2}
        assert shown_to(plain)["session"] == 2


def test_a_new_certificate_that_is_none_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = pair(tmp_path)
    with serving("https://127.0.0.1:0", certificate=told.certificate, key=told.key) as server:
        Path(told.certificate).write_text("", encoding="ascii")
        server.reload()
        with server.connect() as client:
            assert shown_to(client)["tls"]
    reason = f"invalid certificate file '{told.certificate}': expected a certificate in PEM form"
    assert f"cannot reload the certificate, keeping the current one: {reason}" in caplog.text


def test_a_failed_tls_handshake_delays_nothing(tmp_path: Path) -> None:
    with (
        serving("https://127.0.0.1:0", state=str(tmp_path)) as server,
        server.connect(plain=True) as silent,
        server.connect(plain=True) as wrong,
        server.connect() as right,
    ):
        wrong.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert is_closed(wrong)
        assert ask(right)[0] == 200
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):  # it is still open
            silent.recv(1)


def test_an_idle_client_of_tls_does_not_hold_the_stop_up(tmp_path: Path) -> None:
    start = time.monotonic()
    with serving("https://127.0.0.1:0", state=str(tmp_path), stop_seconds=30) as server:
        client = server.connect()
        assert ask(client)[0] == 200
    assert time.monotonic() - start < 4
    client.close()


def test_a_client_that_takes_nothing_does_not_either() -> None:
    start = time.monotonic()
    with serving() as server:
        client = server.connect()
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1) == b"H"
    assert time.monotonic() - start < 4
    assert not server.server.server_state.connections
    client.close()


def test_many_clients_and_all_kinds_of_listeners_at_once(tmp_path: Path) -> None:
    urls = "http://127.0.0.1:0", "http://[::1]:0", "https://127.0.0.1:0", f"unix:{tmp_path}/s"
    seen: list[int] = []

    def client(number: int) -> None:
        with server.connect(number % 4) as connection:
            seen.extend(ask(connection, "/body", content=b"x" * 100_000)[0] for _ in range(5))

    with serving(*urls, state=str(tmp_path)) as server:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [200] * 200
    assert not (tmp_path / "s").exists()


def test_the_end_of_the_server_is_reported_after_the_last_client() -> None:
    told: list[str] = []
    with serving(on_stop=lambda: told.append("stop")):
        assert told == []
    assert told == ["stop"]


def test_an_application_that_does_not_start_is_no_server(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def fails(_: Starlette) -> AsyncIterator[None]:
        yield 1 / 0  # type: ignore[misc]

    settings = Settings(listen=(parse_listener("http://127.0.0.1:0"),))
    there = open_sockets(settings.listen)
    with pytest.raises(LogonscopeError, match="cannot start the server: the application failed to start; see the"):
        asyncio.run(Server(Starlette(lifespan=fails), settings, there).serve())
    assert "ZeroDivisionError" in caplog.text


PASSWORDS = """
import threading
from logonscope.server.memory import limit_free_memory

def mebibytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20

def work():
    for _ in range(3):
        bytearray(19 << 20)
    met.wait()
    threading.Event().wait()

limit_free_memory()
before, met = mebibytes(), threading.Barrier(5)
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
met.wait()
print(mebibytes() - before)
"""


def test_what_passwords_took_for_a_moment_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PASSWORDS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4


def test_the_internals_of_uvicorn_that_are_overridden_are_there() -> None:
    bound = "look at what changed, adapt server/server.py, and move the bound in pyproject.toml"
    for name, expected in {
        "startup": ["sockets"],
        "shutdown": ["sockets"],
        "capture_signals": [],
        "serve": ["sockets"],
    }.items():
        method = getattr(uvicorn.Server, name, None)
        assert method is not None, f"uvicorn.Server has no method {name} any more: {bound}"
        found = list(inspect.signature(method).parameters)[1:]
        assert found == expected, f"uvicorn.Server.{name} takes {found}, not {expected}: {bound}"
    server = uvicorn.Server(uvicorn.Config(Starlette(), log_config=None))
    used = {"config", "server_state", "started", "should_exit", "force_exit"}
    assert used <= vars(server).keys(), f"uvicorn.Server lacks {used - vars(server).keys()}: {bound}"
