"""Tests of server/request_target.py: request targets are normalised before routing."""

import pytest

from logonscope.server.request_target import normalized_path


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/wsman", "/wsman"),
        ("/WSMAN/", "/wsman"),
        ("http://web1/wsman", "/wsman"),
        ("HTTP://web1:5985/WSMan", "/wsman"),
        ("https://[::1]:5986/wsman/", "/wsman"),
        ("http://web1", "/"),
        ("http://web1/", "/"),
        ("/", "/"),
        ("/wsman//", "/wsman/"),
        ("//web1/wsman", "//web1/wsman"),
        ("http:///wsman", "http:///wsman"),
        ("ftp://web1/wsman", "ftp://web1/wsman"),
        ("http://[/wsman", "http://[/wsman"),
        ("*", "*"),
    ],
)
def test_a_target_has_one_path(target: str, path: str) -> None:
    assert normalized_path(target) == path
