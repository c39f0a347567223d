"""client/link.py: is another machine reached by every way that there is, and is it said why it is not?"""

from collections.abc import Iterator

import pytest

import logonscope
from logonscope import AccessDeniedError, InvalidParameterError, TransportFailureError
from logonscope.client.link import Url, parse_url
from logonscope.server.auth.users import UserFile
from tests.server.running import ADMIN, ALICE, QUICK, Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://web1", Url("https", "web1", 5986, None)),
        ("http://web1", Url("http", "web1", 5985, None)),
        ("https://alice@web1:443/wsman", Url("https", "web1", 443, "alice")),
        ("https://[::1]:5986/", Url("https", "::1", 5986, None)),
    ],
)
def test_urls(text: str, url: Url) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text", ["ftp://web1", "https://", "https://web1/other", "https://web1:x", "https://web1?a", "https://[x"]
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="is no URL"):
        parse_url(text)


def test_a_password_has_no_place_in_a_url() -> None:
    with pytest.raises(InvalidParameterError, match="there is a password in the URL") as refused:
        parse_url("https://alice:secret@web1")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_is_reached_with_and_without_tls(server: Running, scheme: str) -> None:
    port = server.https if scheme == "https" else server.http
    host = logonscope.connect(
        f"{scheme}://{ADMIN[0]}@127.0.0.1:{port}", password=ADMIN[1], certificate=server.certificate
    )
    assert len(host.sessions()) == 6


def test_who_may_not_come_by_ntlm_comes_by_basic_where_nobody_can_read_it(server: Running) -> None:
    UserFile(server.folder / "users", hasher=QUICK).add("plain", ADMIN[1], administrator=True)
    url = f"https://plain@127.0.0.1:{server.https}"
    assert logonscope.connect(url, password=ADMIN[1], certificate=server.certificate).everything


def test_refusals_say_what_to_do() -> None:
    name, password = ALICE
    with running() as server:
        ours, file = f"https://{name}@127.0.0.1:{server.https}", server.certificate
        for url, given, certificate, error, words in (
            (ours, "wrong", file, AccessDeniedError, "does not let alice in"),
            (ours, password, None, TransportFailureError, "self-signed certificate; give its certificate"),
            (
                f"http://{name}@127.0.0.1:1",
                password,
                None,
                TransportFailureError,
                "does not answer: Connection refused",
            ),
            (ours.replace("https", "http"), password, None, TransportFailureError, "does not answer"),
        ):
            with pytest.raises(error) as refused:
                logonscope.connect(url, password=given, certificate=certificate).sessions()
            assert words in str(refused.value)
            assert given not in str(refused.value)
            assert "without TLS" not in str(refused.value)
