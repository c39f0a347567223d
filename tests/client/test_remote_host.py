"""Tests of client/remote_host.py: JSON where the other end is Logonscope, WS-Management where it is not."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from logonscope import Host, NotSupportedError, TransportFailureError, connect
from logonscope.client.https_connection import HttpsServer, make_context
from logonscope.client.json_host import JsonHost
from logonscope.client.remote_host import RemoteHost, is_logonscope
from logonscope.client.wsman_host import WsmanHost
from logonscope.server.certificate import tls_context
from logonscope.server.configuration import Settings
from tests.server.running import ADMIN, ALICE, RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


@pytest.fixture
def other(server: RunningServer) -> Iterator[int]:
    """Serve 404 for everything over TLS, as IIS does for a path that it has not; yield the port."""

    class Nothing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert "authorization" not in self.headers
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Nothing) as web:
        web.socket = tls_context(Settings(state=str(server.folder))).wrap_socket(web.socket, server_side=True)
        threading.Thread(target=web.serve_forever).start()
        try:
            yield web.server_port
        finally:
            web.shutdown()


def host_at(server: RunningServer, port: int, user: tuple[str, str] = ADMIN) -> Host:
    """Return the host at a port over TLS."""
    return connect(f"https://{user[0]}@127.0.0.1:{port}", password=user[1], certificate=server.certificate)


def test_another_logonscope_answers_in_json(server: RunningServer) -> None:
    with host_at(server, server.https) as host:
        assert isinstance(host, RemoteHost)
        assert [session.user for session in host.sessions(41)] == ["alice"]
        assert isinstance(host.protocol_host, JsonHost)
        assert host.get("Win32_Process=4312")["Name"] == "python3"
        assert host.sees_everything
        with pytest.raises(NotSupportedError):
            host.record("x")
    with host_at(server, server.https, ALICE) as host:
        assert not host.sees_everything


def test_a_served_recording_has_the_time_of_the_recording(server: RunningServer) -> None:
    with (
        host_at(server, server.https) as by_json,
        connect(f"http://{ADMIN[0]}@127.0.0.1:{server.http}", password=ADMIN[1]) as by_wsman,
    ):
        assert isinstance(by_wsman, WsmanHost)
        assert by_json.moment == by_wsman.moment == datetime(2026, 1, 1, 11, 40, tzinfo=UTC)


def test_another_server_gets_wsman_and_no_password_before(server: RunningServer, other: int) -> None:
    assert not is_logonscope(HttpsServer("127.0.0.1", other, make_context(server.certificate), *ADMIN))
    with host_at(server, other) as host:
        assert isinstance(host, RemoteHost)
        assert isinstance(host.protocol_host, WsmanHost)


def test_a_view_of_a_server_that_cannot_be_reached_is_no_matter_of_the_protocol(
    server: RunningServer, other: int
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for port, error in ((closed.getsockname()[1], TransportFailureError), (other, NotSupportedError)):
            host = connect(
                f"https://{ADMIN[0]}@127.0.0.1:{port}", password=ADMIN[1], certificate=server.certificate, view_as="bob"
            )
            with host, pytest.raises(error):
                host.sessions()


def test_a_certificate_that_is_not_trusted_is_reported(server: RunningServer) -> None:
    with pytest.raises(TransportFailureError, match=r"certificate of 127\.0\.0\.1 is not trusted"):
        connect(f"https://{ADMIN[0]}@127.0.0.1:{server.https}", password=ADMIN[1]).sessions()
