"""Tests of server/http.py: HTTP requests are authenticated, limited and answered, over real sockets."""

import base64
import gzip
import http.client
import itertools
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from lxml import etree

from logonscope.broker import Caller
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.negotiate import MAX_TOKEN_LENGTH
from logonscope.server.auth.passwords import PasswordBackend, Passwords
from logonscope.server.auth.throttle import USER_LIMIT, Throttle
from logonscope.server.http import HttpDoor
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import SOAP
from logonscope.wire.xml import clark_name
from tests.dispatch.lines import LinesDoor
from tests.server.running import ADMIN, ALICE, BOB, RunningServer, local, running
from tests.server.serving import wait_until
from tests.server.soap import envelope, selector_set

_IDENTIFY = f'<i:Identify xmlns:i="{names.IDENTITY}"/>'
IDENTIFY = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{_IDENTIFY}</s:Body></s:Envelope>'.encode()
XML = {"Content-Type": "application/soap+xml;charset=UTF-8"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running(doors=(HttpDoor(LinesDoor(), ("/lines", "/text/lines")),), metrics="administrators") as found:
        yield found


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    def text(self, name: str) -> str | None:
        """Return the content of an element of the envelope."""
        return etree.fromstring(self.body).findtext(f".//{name}")


def basic(user: tuple[str, str]) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(':'.join(user).encode()).decode()}"}


def post(
    server: RunningServer, body: bytes, headers: dict[str, str], path: str = "/wsman", *, tls: bool = False
) -> Answer:
    if tls:
        context = ssl.create_default_context(cafile=server.certificate)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection("127.0.0.1", server.https, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", server.http)
    try:
        connection.request("POST", path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


GET = envelope(names.GET, "Win32_LogonSession", selectors=selector_set([("LogonId", "41")]))
LOGON_ID = clark_name(f"{names.WMI}/root/cimv2/Win32_LogonSession", "LogonId")


@pytest.mark.parametrize("path", ["/wsman", "/wsman/"])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("headers", [XML, {}, {"Content-Type": "text/xml"}])
def test_a_request_with_a_password_is_answered(
    server: RunningServer, path: str, tls: bool, headers: dict[str, str]
) -> None:
    answer = post(server, GET, {**headers, **basic(ADMIN)}, path, tls=tls)
    assert (answer.status, answer.text(LOGON_ID)) == (200, "41")
    assert answer.headers["Content-Type"] == "application/soap+xml;charset=UTF-8"
    assert "Server" not in answer.headers


@pytest.mark.parametrize("tls", [False, True])
def test_a_page_of_another_origin_is_rejected(server: RunningServer, tls: bool) -> None:
    own = f"{'https' if tls else 'http'}://127.0.0.1:{server.https if tls else server.http}"
    for header in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert post(server, GET, {"Content-Type": "text/plain", **basic(ADMIN), **header}, tls=tls).status == 403
    for header in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Host": "any.name"}):
        assert post(server, GET, {**XML, **basic(ADMIN), **header}, tls=tls).status == 200


def test_a_compressed_request_gets_a_fault_that_says_so(server: RunningServer) -> None:
    answer = post(server, gzip.compress(GET), {**XML, **basic(ADMIN), "Content-Encoding": "gzip"})
    assert answer.status == 500
    assert "invalid content encoding 'gzip'" in (answer.text(clark_name(SOAP, "Text")) or "")


def test_every_user_sees_their_own(server: RunningServer) -> None:
    assert post(server, GET, basic(ALICE)).status == 200
    refused = post(server, GET, basic(BOB))
    assert refused.status == 500
    assert 'Win32_LogonSession.LogonId="41" for you to see' in (refused.text(clark_name(SOAP, "Text")) or "")


STRANGERS: list[dict[str, str]] = [{}, basic(("alice", "wrong")), basic(("carol", "x")), {"Authorization": "Digest x"}]


def test_a_request_without_credentials_gets_401_and_nothing_else() -> None:
    with running() as server:
        for headers, body in itertools.product(STRANGERS, (GET, IDENTIFY)):
            answer = post(server, body, {**XML, **headers})
            assert (answer.status, answer.body) == (401, b"")
            offered = answer.headers.get_all("WWW-Authenticate")
            assert offered == ["Negotiate", 'Basic realm="Logonscope", charset="UTF-8"']


def test_identify_is_public_and_its_version_needs_authentication(server: RunningServer) -> None:
    version = clark_name(names.IDENTITY, "ProductVersion")
    anonymous = post(server, IDENTIFY, {"WSMANIDENTIFY": "unauthenticated"})
    assert (anonymous.status, anonymous.text(version)) == (200, "Logonscope")
    known = post(server, IDENTIFY, basic(ALICE))
    assert (known.text(version) or "").startswith("Logonscope 0.")
    other = post(server, GET, {"WSMANIDENTIFY": "unauthenticated"})
    assert (other.status, other.text(clark_name(SOAP, "Text"))) == (500, "authentication required; send credentials")


def test_what_is_too_long_is_refused_unread(server: RunningServer) -> None:
    answer = post(server, b" " * 600_000, basic(ADMIN))
    assert answer.status == 500
    assert "the request exceeds the limit of 512,000 octets" in (answer.text(clark_name(SOAP, "Text")) or "")


@pytest.mark.parametrize(
    ("headers", "length", "status"), [({}, 400_000, 401), ({}, 600_000, 413), (ADMIN, 600_000, 500)]
)
def test_a_body_is_not_waited_for_where_it_changes_nothing(
    server: RunningServer, headers: tuple[str, str], length: int, status: int
) -> None:
    shown = f"Authorization: {basic(headers)['Authorization']}\r\n" if headers else ""
    with socket.create_connection(("127.0.0.1", server.http), timeout=5) as client:
        client.sendall(f"POST /wsman HTTP/1.1\r\nHost: x\r\n{shown}Content-Length: {length}\r\n\r\nstarted".encode())
        assert client.recv(99).startswith(b"HTTP/1.1 %d " % status)


def test_a_token_may_be_as_long_as_windows_makes_them(server: RunningServer) -> None:
    token = base64.b64encode(b"\x60" * MAX_TOKEN_LENGTH).decode()
    answer = post(server, b"", {"Authorization": f"Negotiate {token}"})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Negotiate")


def test_other_methods_and_paths(server: RunningServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http)
    for method, path, status in (("GET", "/wsman", 405), ("POST", "/", 405), ("GET", "/etc/passwd", 404)):
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


@pytest.mark.parametrize("path", ["http://web1:5985/wsman", "HTTPS://web1/WSMAN/", "/WSMAN", "/WsMan/"])
def test_a_path_may_be_absolute_and_in_any_case(server: RunningServer, path: str) -> None:
    assert post(server, GET, basic(ADMIN), path).status == 200
    assert post(server, GET, {}, path).status == 401


@pytest.mark.parametrize("path", ["http:///wsman", "ftp://web1/wsman", "*", "wsman"])
def test_other_targets_are_nothing(server: RunningServer, path: str) -> None:
    assert post(server, GET, basic(ADMIN), path).status in {400, 404}


def test_a_target_without_a_path_is_the_page_which_is_only_read(server: RunningServer) -> None:
    assert post(server, GET, basic(ADMIN), "http://web1").status == 405


@pytest.mark.parametrize("path", ["/wsman-anon/identify", "/WSMan-Anon/Identify", "http://web1/wsman-anon/identify"])
def test_identify_has_a_public_path(server: RunningServer, path: str) -> None:
    version = clark_name(names.IDENTITY, "ProductVersion")
    for headers in ({}, basic(ADMIN), basic(("nobody", "wrong"))):
        answer = post(server, IDENTIFY, headers, path)
        assert (answer.status, answer.text(version)) == (200, "Logonscope")
        refused = post(server, GET, headers, path)
        assert (refused.status, refused.text(clark_name(SOAP, "Text"))) == (
            500,
            "authentication required; send credentials",
        )
    assert post(server, b" " * 600_000, {}, path).status == 413


def test_numbers_are_for_administrators(server: RunningServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http)
    for headers, status in ((basic(ADMIN), 200), (basic(ALICE), 403), ({}, 401)):
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        body = response.read()
        assert response.status == status
        assert (b"logonscope_logon_sessions" in body) is (status == 200)
    connection.close()


@pytest.mark.skipif(os.geteuid() not in {0, 1000}, reason="the logon session is root's to see, and uid 1000's")
def test_on_the_unix_socket_the_kernel_says_who_asks(server: RunningServer) -> None:
    client = socket.socket(socket.AF_UNIX)
    client.connect(server.unix)
    head = b"POST /wsman HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
    client.sendall(head + b"%d\r\n\r\n" % len(GET) + GET)
    with client, client.makefile("rb") as answer:
        assert b">41<" in answer.read()


def test_a_disconnected_client_ends_its_work(server: RunningServer) -> None:
    enumerate_all = envelope(names.ENUMERATE, "Win32_Process", "<n:Enumerate/>")
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", server.http))
        head = f"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(ADMIN)['Authorization']}\r\n"
        client.sendall(f"{head}Content-Length: {len(enumerate_all)}\r\n\r\n".encode() + enumerate_all)
        client.close()
    deadline = time.monotonic() + 10
    while server.services.pool.open_requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert post(server, GET, basic(ADMIN)).status == 200


def test_what_happened_is_written_down(server: RunningServer) -> None:
    post(server, GET, basic(("mallory", "x")))
    lines = [json.loads(line) for line in (server.folder / "audit").read_text().splitlines()]
    last = lines[-1]
    del last["time"]
    assert last == {
        "event": "authentication", "peer": "127.0.0.1", "user": "mallory", "scheme": "basic", "accepted": False,
    }  # fmt: skip


def test_many_ask_at_once_and_each_gets_its_own(server: RunningServer) -> None:
    def ask(at: int) -> bool:
        user = (ADMIN, ALICE, BOB)[at % 3]
        return post(server, GET, basic(user), tls=at % 2 == 0).status == (500 if user is BOB else 200)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(120)))


def test_another_door_has_its_paths_and_nothing_of_what_only_one_of_them_has(server: RunningServer) -> None:
    session = b"get path=Win32_LogonSession.LogonId='\"41\"'"
    for path in ("/lines", "/text/lines"):
        found = post(server, session, {**basic(ADMIN), "Content-Type": "text/lines"}, path)
        assert (found.status, found.headers["Content-Type"]) == (200, "text/lines")
    assert post(server, session, {}, "/lines").status == 401
    assert post(server, session, {"WSMANIDENTIFY": "unauthenticated"}, "/lines").status == 401
    assert post(server, b"", basic(ADMIN), "/lines").body.startswith(b"WBEM_E_NOT_SUPPORTED unknown operation 'lines'")
    sealed = 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
    assert post(server, session, {**basic(ADMIN), "Content-Type": sealed}, "/lines").status == 200
    too_large = post(server, b" " * 600_000, basic(ADMIN), "/lines")
    assert too_large.body.startswith(b"WBEM_E_TOO_MUCH_DATA the request exceeds the limit of 512,000 octets")


def test_guesses_from_everywhere_at_once_are_looked_at_so_many_times_and_no_more() -> None:
    """Each connection comes from an address of its own; a password that is looked at is one line of the audit log."""
    with running() as server, ThreadPoolExecutor(2 * USER_LIMIT) as pool:

        def guess(number: int) -> int:
            here = (f"127.0.{1 + number % 200}.1", 0)
            connection = http.client.HTTPConnection("127.0.0.1", server.http, source_address=here, timeout=60)
            try:
                connection.request("POST", "/wsman", b"", XML | basic((BOB[0], f"guess {number}")))
                return connection.getresponse().status
            except TimeoutError:
                return 0
            finally:
                connection.close()

        statuses = [*pool.map(guess, range(2 * USER_LIMIT))]
        looked_at = (server.folder / "audit").read_text(encoding="utf-8").count('"accepted": false')
    assert looked_at == statuses.count(401) <= USER_LIMIT
    assert 503 in statuses


def test_who_authenticated_from_an_address_does_not_wait_there_behind_the_guesses_of_others() -> None:
    """Each guess keeps its thread until the end, as PAM keeps one for two seconds."""
    over = threading.Event()

    def verify(name: str, _: str) -> Caller | None:
        if name == ADMIN[0]:
            return Caller(name, 0, administrator=True)
        over.wait(20)
        return None

    slow = Authenticator(Passwords((PasswordBackend(verify),), Throttle()), None, local)
    with running(authenticator=slow) as server, ThreadPoolExecutor(20) as pool:

        def guess(number: int) -> int:
            here = (f"127.1.{number}.1", 0)
            with closing(http.client.HTTPConnection("127.0.0.1", server.http, source_address=here)) as connection:
                connection.request("POST", "/wsman", GET, XML | basic((f"user{number}", "guess")))
                return connection.getresponse().status

        try:
            assert post(server, GET, XML | basic(ADMIN)).status == 200
            guesses = [pool.submit(guess, number) for number in range(20)]
            wait_until(lambda: server.services.password_pool.open_requests == len(guesses))
            assert post(server, GET, XML | basic(ADMIN)).status == 200
            assert not any(one.done() for one in guesses)
        finally:
            over.set()
        assert {one.result() for one in guesses} == {401}
