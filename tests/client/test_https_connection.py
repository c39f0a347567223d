"""Tests of client/https_connection.py: tokens and passwords over TLS, and errors of the connection."""

from collections.abc import Iterator

import pytest

from logonscope import AccessDeniedError, InvalidParameterError, TransportFailureError, connect
from logonscope.client.https_connection import HttpsServer, make_context
from logonscope.server.auth.token_file import TokenFile
from tests.server.running import ADMIN, RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def test_a_token_authenticates(server: RunningServer) -> None:
    tokens = TokenFile(str(server.folder / "tokens"))
    _, text = tokens.add("job", uid=1000, administrator=False, scope="read", seconds=60)
    with connect(f"https://127.0.0.1:{server.https}", token=text, certificate=server.certificate) as host:
        assert {session.user for session in host.sessions()} == {"alice"}
        tokens.remove("job")
        with pytest.raises(AccessDeniedError, match="invalid token"):
            host.sessions()


def test_a_token_is_not_sent_in_the_clear_to_another_machine(server: RunningServer) -> None:
    with pytest.raises(
        InvalidParameterError, match="cannot send a token over http to web1; give https://; over http, "
    ):
        connect("http://web1", token="lgs_x")  # noqa: S106 -- no secret
    _, text = TokenFile(str(server.folder / "tokens")).add(
        "plain", uid=1000, administrator=False, scope="read", seconds=60
    )
    with connect(f"http://127.0.0.1:{server.http}", token=text) as host:
        assert {session.user for session in host.sessions()} == {"alice"}


def test_bytes_may_arrive_in_parts(server: RunningServer) -> None:
    connection = HttpsServer("127.0.0.1", server.https, make_context(server.certificate), *ADMIN).connect(5)
    status, content_type, parts = connection.post("/v1/processes", b"{}", {}, 5)
    assert (status, content_type) == (200, "application/x-ndjson")
    assert b"".join(parts).endswith(b"}\n")
    connection.close()


def test_a_connection_carries_the_next_request_after_a_body_of_known_length(server: RunningServer) -> None:
    connection = HttpsServer("127.0.0.1", server.https, make_context(server.certificate), *ADMIN).connect(5)
    for _ in range(3):
        status, content_type, parts = connection.post("/v1/identify", b"{}", {}, 5)
        assert (status, content_type) == (200, "application/json")
        assert b"".join(parts).endswith(b"}\n")
    connection.close()


def test_a_method_is_run_over_a_connection_that_had_an_answer(server: RunningServer) -> None:
    with connect(
        f"https://{ADMIN[0]}@127.0.0.1:{server.https}", password=ADMIN[1], certificate=server.certificate
    ) as host:
        assert host.get("Win32_Process=4312").Name == "python3"
        assert host.invoke("Win32_Process=4312", "GetOwner").return_value == 0


def test_an_untrusted_certificate_and_a_closed_port() -> None:
    with running() as server:
        connection = HttpsServer("127.0.0.1", server.https, make_context(None)).connect(5)
        with pytest.raises(TransportFailureError, match="is not trusted"):
            connection.post("/v1/identify", b"", {}, 5)
    with pytest.raises(TransportFailureError, match="no valid response"):
        HttpsServer("127.0.0.1", server.https, make_context(None)).connect(5).post("/v1/identify", b"", {}, 5)
