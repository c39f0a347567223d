"""Tests of server/origin_policy.py: which pages, and which names of the server, a browser may use."""

import os

import pytest
from starlette.datastructures import Headers

from logonscope.errors import AccessDeniedError
from logonscope.server.auth.peer import Peer
from logonscope.server.origin_policy import OriginPolicy

PLAIN, ENCRYPTED = Peer("127.0.0.1", False, True), Peer("192.0.2.7", True, False)
POLICY = OriginPolicy(("Web1.Example.com",), ("https://page.example.com/",))
NAME = os.uname().nodename


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:5985", "127.0.0.1", "127.0.0.1:5985", "[::1]:5985", NAME, "web1.example.com:80", ""],
)
def test_own_names_and_addresses_are_allowed(host: str) -> None:
    POLICY.check(Headers({"host": host}), PLAIN)


@pytest.mark.parametrize("host", [
    "evil.example", "localhost.evil.example", f"{NAME}.evil.example", "127.0.0.1.nip.io", f"[::1%{'z' * 80}]",
])  # fmt: skip
def test_another_name_is_rejected_over_http_alone(host: str) -> None:
    with pytest.raises(AccessDeniedError, match="is not a name of this server"):
        POLICY.check(Headers({"host": host}), PLAIN)
    POLICY.check(Headers({"host": host}), ENCRYPTED)


@pytest.mark.parametrize("peer", [PLAIN, ENCRYPTED])
def test_a_page_of_another_origin_is_rejected(peer: Peer) -> None:
    POLICY.check(Headers({"host": "localhost", "origin": "https://page.example.com"}), peer)
    for origin in ("https://evil.example", "null", "http://page.example.com", "https://page.example.com.evil.example"):
        with pytest.raises(AccessDeniedError, match="are not allowed"):
            POLICY.check(Headers({"host": "localhost", "origin": origin}), peer)


@pytest.mark.parametrize("peer", [PLAIN, ENCRYPTED])
def test_an_image_of_a_page_of_another_origin_is_rejected(peer: Peer) -> None:
    for site in ("same-origin", "none"):
        POLICY.check(Headers({"host": "localhost", "sec-fetch-site": site}), peer)
    for site in ("cross-site", "same-site"):
        with pytest.raises(AccessDeniedError, match="requests from pages of other origins are not allowed"):
            POLICY.check(Headers({"host": "localhost", "sec-fetch-site": site}), peer)
    allowed = {"host": "localhost", "sec-fetch-site": "cross-site", "origin": "https://page.example.com"}
    POLICY.check(Headers(allowed), peer)


def test_every_name_may_be_allowed() -> None:
    policy = OriginPolicy(None, ())
    policy.check(Headers({"host": "any.name"}), PLAIN)
    with pytest.raises(AccessDeniedError, match=r"requests from pages of 'https://evil.example' are not allowed"):
        policy.check(Headers({"host": "any.name", "origin": "https://evil.example"}), PLAIN)
