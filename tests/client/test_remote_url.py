"""Tests of client/remote_url.py: URLs of hosts, and no password in any message."""

import pytest

from logonscope import InvalidParameterError
from logonscope.client.remote_url import Url, parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://web1", Url("https", "web1", 5986, None)),
        ("http://web1", Url("http", "web1", 5985, None)),
        ("https://alice@web1:443/wsman", Url("https", "web1", 443, "alice")),
        ("https://corp%5Calice@web1", Url("https", "web1", 5986, "corp\\alice")),
        ("https://[::1]:5986/", Url("https", "::1", 5986, None)),
    ],
)
def test_urls(text: str, url: Url) -> None:
    assert parse_url(text) == url


def test_a_url_with_a_user_is_as_it_can_be_typed() -> None:
    texts = ["https://web1", "http://web1:80", "https://[::1]:443"]
    typed = ["https://bob@web1", "http://bob@web1:80", "https://bob@[::1]:443"]
    assert [parse_url(text).with_user("bob") for text in texts] == typed


@pytest.mark.parametrize(
    "text",
    [
        "ftp://web1",
        "https://",
        "https://web1/other",
        "https://web1:x",
        "https://web1:0",
        "https://web1?a",
        "https://[x",
    ],
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="invalid URL"):
        parse_url(text)


def test_a_password_has_no_place_in_a_url() -> None:
    with pytest.raises(InvalidParameterError, match="the URL contains a password") as refused:
        parse_url("https://alice:secret@web1")
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["https://alice:secret@web1:port", "ftp://alice:secret@web1", "https://alice:se/cret@web1"]
)
def test_a_password_in_a_url_is_in_no_message(text: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        parse_url(text)
    assert "cret" not in str(raised.value)
