"""Tests of server/page_sign_in.py: logging in to the page, over which connections, and from which pages."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.server.running import ADMIN, ALICE, RunningServer, running

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """An answer: status, headers, members."""

    status: int
    headers: Mapping[str, str]
    members: Any


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as found:
        yield found


def post(
    server: RunningServer, path: str, members: Any = None, headers: Mapping[str, str] | None = None, *, tls: bool = True
) -> Answer:
    context = ssl.create_default_context(cafile=server.certificate)
    client: http.client.HTTPConnection = (
        http.client.HTTPSConnection("localhost", server.https, context=context)
        if tls
        else http.client.HTTPConnection("127.0.0.1", server.http)
    )
    client.request("POST", path, json.dumps(members or {}), {**JSON, **(headers or {})})
    response = client.getresponse()
    body = response.read()
    client.close()
    lines = body.splitlines()
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        json.loads(lines[0]) if lines else None,
    )


def sign_in(server: RunningServer, user: tuple[str, str] = ALICE) -> dict[str, str]:
    """Log in and return the headers of the page's further requests."""
    answer = post(server, "/page/sign-in", {"user": user[0], "password": user[1]})
    assert answer.status == 200, answer
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": cookie, "Logonscope-CSRF": answer.members["csrf_token"]}


def test_a_session_has_the_rights_of_its_user(server: RunningServer) -> None:
    for user, sees_everything in ((ALICE, False), (ADMIN, True)):
        headers = sign_in(server, user)
        assert post(server, "/page/session", headers=headers).members == {"user": user[0]}
        assert post(server, "/v1/identify", headers=headers).members["sees_everything"] is sees_everything


def test_the_cookie_is_for_this_host_over_tls_and_no_program(server: RunningServer) -> None:
    answer = post(server, "/page/sign-in", {"user": ALICE[0], "password": ALICE[1]})
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-logonscope=")
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=43200"}
    assert answer.headers["cache-control"] == "no-store"


def test_the_cookie_alone_is_worth_nothing(server: RunningServer) -> None:
    headers = sign_in(server)
    cookie, token = headers["Cookie"], headers["Logonscope-CSRF"]
    for wrong in ({"Cookie": cookie}, {"Cookie": cookie, "Logonscope-CSRF": ""}, {"Logonscope-CSRF": token}):
        assert post(server, "/v1/tree", headers=wrong).status == 401
        assert post(server, "/page/session", headers=wrong).members == {
            "user": None, "sign_in": "password", "has_kerberos": False
        }  # fmt: skip
    assert (
        post(server, "/v1/identify", headers={"Cookie": f"{cookie}; {cookie}", "Logonscope-CSRF": token}).status == 401
    )


def test_a_browser_is_not_requested_a_password(server: RunningServer) -> None:
    assert "www-authenticate" not in post(server, "/v1/tree", headers={"Logonscope-CSRF": ""}).headers
    assert "www-authenticate" in post(server, "/v1/tree").headers


def test_a_wrong_password_begins_no_session(server: RunningServer) -> None:
    for user, password in ((ALICE[0], "wrong"), ("nobody-here", ALICE[1])):
        answer = post(server, "/page/sign-in", {"user": user, "password": password})
        assert (answer.status, answer.members["error"]["message"]) == (403, "unknown user or wrong password")
        assert "set-cookie" not in answer.headers


def test_without_tls_there_are_no_passwords_and_no_cookies(server: RunningServer) -> None:
    answer = post(server, "/page/sign-in", {"user": ALICE[0], "password": ALICE[1]}, tls=False)
    assert (answer.status, answer.headers.get("set-cookie")) == (403, None)
    headers = sign_in(server)
    assert post(server, "/v1/tree", tls=False, headers=headers).status == 401
    assert post(server, "/page/session", tls=False, headers=headers).members == {"user": None, "sign_in": "tls"}


def test_a_session_ends_by_logging_out(server: RunningServer) -> None:
    headers, other = sign_in(server), sign_in(server)
    # The page of another port gets the cookie, and cannot log its user out.
    post(server, "/page/sign-out", headers={"Cookie": headers["Cookie"]})
    assert post(server, "/v1/identify", headers=headers).status == 200
    answer = post(server, "/page/sign-out", headers=headers)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert post(server, "/v1/identify", headers=headers).status == 401
    assert post(server, "/v1/identify", headers=other).status == 200
    last = sign_in(server)
    post(server, "/page/sign-out", {"everywhere": True}, headers=last)
    assert {post(server, "/v1/identify", headers=one).status for one in (other, last)} == {401}


def test_only_the_page_of_this_server_may_log_in(server: RunningServer) -> None:
    members = {"user": ALICE[0], "password": ALICE[1]}
    own = f"https://localhost:{server.https}"
    for origin in ("https://evil.example", "null", f"http://localhost:{server.https}", "https://localhost:1"):
        assert post(server, "/page/sign-in", members, {"Origin": origin}).status == 403
        assert post(server, "/v1/identify", headers={"Origin": origin, **sign_in(server)}).status == 403
    assert post(server, "/page/sign-in", members, {"Sec-Fetch-Site": "same-site"}).status == 403
    assert post(server, "/page/sign-in", members, {"Sec-Fetch-Site": "same-origin", "Origin": own}).status == 200
    assert post(server, "/page/sign-in", members, {"Content-Type": "text/plain"}).status == 400


@pytest.mark.parametrize("members", [{}, {"user": "alice"}, {"user": 1, "password": 2}, {"user": "", "password": "x"}])
def test_what_is_no_user_and_password_is_rejected(server: RunningServer, members: Any) -> None:
    assert post(server, "/page/sign-in", members).status == 400


def test_a_large_request_is_rejected(server: RunningServer) -> None:
    assert post(server, "/page/sign-in", {"user": "x" * 9000, "password": "x"}).status == 413


def test_a_session_may_not_change_anything() -> None:
    with running(allow_methods=True) as server:
        headers = sign_in(server, ADMIN)
        members = {"path": "Win32_Process=4312", "method": "Terminate"}
        answer = post(server, "/v1/invoke", members, headers=headers)
        assert answer.status == 403, answer


def test_there_is_no_token_to_exchange(server: RunningServer) -> None:
    assert post(server, "/page/exchange", {"token": "x"}).status == 403


def test_tickets_are_for_servers_with_a_keytab_and_over_tls(server: RunningServer) -> None:
    headers = {"Authorization": "Negotiate YIIB"}
    for tls in (True, False):
        answer = post(server, "/page/sign-in-by-ticket", headers=headers, tls=tls)
        assert answer.status == 403
        assert "Kerberos tickets are not accepted here" in answer.members["error"]["message"]
        assert "www-authenticate" not in answer.headers
