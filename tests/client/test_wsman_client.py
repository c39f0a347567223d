"""Tests of client/wsman_client.py: a remote host is reached by every scheme, and errors give the reason."""

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import logonscope
from logonscope import AccessDeniedError, Host, InvalidParameterError, TimedOutError, TransportFailureError
from logonscope.client.remote_url import parse_url
from logonscope.client.wsman_client import WsmanClient
from logonscope.client.wsman_host import WsmanHost
from logonscope.server.auth.user_file import UserFile
from tests.server.running import ADMIN, ALICE, QUICK, RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def over_wsman(url: str, server: RunningServer) -> Host:
    """Return a host over WS-Management, also where connect() finds that the other end speaks JSON."""
    return WsmanHost(WsmanClient(parse_url(url), ADMIN[1], server.certificate))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_is_reached_with_and_without_tls(server: RunningServer, scheme: str) -> None:
    port = server.https if scheme == "https" else server.http
    host = over_wsman(f"{scheme}://{ADMIN[0]}@127.0.0.1:{port}", server)
    assert len(host.sessions()) == 6


def test_a_user_without_ntlm_uses_basic_over_a_private_connection(server: RunningServer) -> None:
    UserFile(server.folder / "users", hasher=QUICK).add("plain", ADMIN[1], administrator=True)
    assert over_wsman(f"https://plain@127.0.0.1:{server.https}", server).sees_everything


@pytest.mark.parametrize("others", [True, False])
def test_a_login_that_succeeds_is_not_logged_as_one_that_failed(others: bool, caplog: pytest.LogCaptureFixture) -> None:
    with running() as server, caplog.at_level(logging.INFO):
        users = UserFile(server.folder / "users", hasher=QUICK)
        for user in () if others else users.users():
            users.remove(user.name)
        users.add("plain", ADMIN[1], administrator=True)
        assert over_wsman(f"https://plain@127.0.0.1:{server.https}", server).sees_everything
        events = [json.loads(line) for line in (server.folder / "audit").read_text(encoding="utf-8").splitlines()]
    # where nobody can use NTLM it is not offered, and the client does not try it
    assert [(event["event"], event["scheme"]) for event in events] == [
        *([("scheme_unavailable", "negotiate")] if others else []), ("authentication", "basic"),
    ]  # fmt: skip
    assert events[-1]["accepted"] is True
    messages = [record.getMessage() for record in caplog.records if record.name.endswith("authenticator")]
    assert len(messages) == others
    assert all(message.startswith("NTLM is not possible for 'plain' from 127.0.0.1: ") for message in messages)


def test_refusals_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOGONSCOPE_PASSWORD", raising=False)
    name, password = ALICE
    with running() as server:
        ours, file = f"https://{name}@127.0.0.1:{server.https}", server.certificate
        closed, plain = f"http://{name}@127.0.0.1:1", f"https://{name}@127.0.0.1:{server.http}"
        for url, given, certificate, error, words in (
            (
                ours,
                "wrong",
                file,
                AccessDeniedError,
                "authentication failed for 'alice' at 127.0.0.1; ask the administrator",
            ),
            (ours, None, file, AccessDeniedError, "no password for 'alice' and no Kerberos ticket; set LOGONSCOPE_P"),
            (ours.replace(f"{name}@", ""), None, file, AccessDeniedError, "no user name and no Kerberos ticket"),
            (ours, password, None, TransportFailureError, "self-signed certificate; give certificate=FILE"),
            (
                plain,
                password,
                file,
                TransportFailureError,
                "wrong version number; check that it is the port",
            ),
            (ours.replace("https", "http"), password, None, TransportFailureError, "closed connection without respons"),
            (
                closed,
                password,
                None,
                TransportFailureError,
                "from 127.0.0.1, port 1: Connection refused",
            ),
        ):
            with pytest.raises(error) as refused:
                logonscope.connect(url, password=given, certificate=certificate).sessions()
            assert words in str(refused.value)
            assert given is None or given not in str(refused.value)
            assert "without TLS" not in str(refused.value)


def test_an_unknown_host_name_is_reported_with_the_text_of_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # the answer of a real resolver depends on its network
    with pytest.raises(TransportFailureError, match=r"web1, port 5985: Name or service not known; check"):
        logonscope.connect("http://alice@web1", password=ADMIN[1]).sessions()


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "No such file or directory"), ("", "contains no certificate"), ("x", "no certificate")],
)
def test_a_file_without_a_certificate_is_reported(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidParameterError, match=f"cannot trust {file}: .*{words}; give a PEM file"):
        logonscope.connect("https://alice@127.0.0.1", password=ADMIN[1], certificate=str(file))


@contextlib.contextmanager
def other(status: int) -> Iterator[int]:
    """Serve whatever is asked with a page; yield the port."""

    class Pages(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html><p>welcome")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("status", "words"),
    [(200, "the response is not a WS-Management message"), (404, "HTTP status 404, without a WS-Management message")],
)
def test_another_kind_of_server_is_reported(status: int, words: str) -> None:
    with other(status) as port, pytest.raises(TransportFailureError) as refused:
        logonscope.connect(f"http://alice@127.0.0.1:{port}", password=ADMIN[1]).sessions()
    assert words in str(refused.value)
    assert "html" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_silent_server_is_waited_for_until_the_timeout(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://alice@127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimedOutError, match=r"no complete response from 127\.0\.0\.1, port \d+, within 0\.2 s"):
            logonscope.connect(url, password=ADMIN[1], timeout=0.2).sessions()
    with pytest.raises(InvalidParameterError, match="invalid timeout"):
        logonscope.connect("https://alice@web1", password=ADMIN[1], timeout=0)
    with pytest.raises(InvalidParameterError, match="invalid timeout"):
        logonscope.connect("unix:/nowhere", timeout=-1)


def test_a_host_that_accepts_no_connection_is_waited_for_until_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as clients:
        # with a full backlog the kernel drops further connections, as a firewall does
        for _ in range(2):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"http://alice@127.0.0.1:{full.getsockname()[1]}"
        with pytest.raises(TimedOutError, match=r"no connection to 127\.0\.0\.1, port \d+, within 0\.2 s; check"):
            logonscope.connect(url, password=ADMIN[1], timeout=0.2).sessions()


QUERY = "SELECT Name FROM Win32_ComputerSystem"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_query_waits_for_a_server_that_hangs_only_until_its_deadline(server: RunningServer, scheme: str) -> None:
    port = server.https if scheme == "https" else server.http
    with over_wsman(f"{scheme}://{ADMIN[0]}@127.0.0.1:{port}", server) as host:
        rows = list(host.query(QUERY, timeout=60))
        for text in (QUERY, "ASSOCIATORS OF {Win32_Process=1}", "SELECT * FROM meta_class", "SELECT * FROM X_Unknown"):
            server.loop.call_soon_threadsafe(time.sleep, 1.0)
            start = time.monotonic()
            with pytest.raises(TimedOutError, match=r"no complete answer within 0\.2 s; request less"):
                list(host.query_any(text, timeout=0.2))
            assert time.monotonic() - start < 0.8
            assert list(host.query(QUERY)) == rows, "the host can still be used"


def test_a_query_waits_for_the_request_of_another_thread_only_until_its_deadline(server: RunningServer) -> None:
    client = WsmanClient(parse_url(f"http://{ADMIN[0]}@127.0.0.1:{server.http}"), ADMIN[1])
    with WsmanHost(client) as host, ThreadPoolExecutor(1) as pool:
        pool.submit(client._lock.acquire).result()  # noqa: SLF001 -- as during a long request
        with pytest.raises(TimedOutError, match=r"no complete answer within 0\.05 s"):
            list(host.query(QUERY, timeout=0.05))
        pool.submit(client._lock.release).result()  # noqa: SLF001
        assert list(host.query(QUERY, timeout=60))


def test_several_threads_can_ask_over_one_connection(server: RunningServer) -> None:
    host = logonscope.connect(f"http://{ADMIN[0]}@127.0.0.1:{server.http}", password=ADMIN[1])
    asks: list[Callable[[Host], object]] = [
        lambda host: host.get("Win32_Process=1"), lambda host: host.sessions(), lambda host: host.whose(4312)[0],
        lambda host: list(host.query("SELECT * FROM Win32_Process")), lambda host: list(host.processes(41)),
        lambda host: [cls.name for cls in host.query_classes("SELECT * FROM meta_class WHERE __Class LIKE '%Logon%'")],
    ]  # fmt: skip
    with host, ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda ask: ask(host), asks * 3))
        assert at_once == [ask(host) for ask in asks] * 3
