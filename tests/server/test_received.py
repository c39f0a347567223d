"""Tests of server/received.py: a body is read as far as the limit allows."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from logonscope.errors import InvalidParameterError, RequestTooLargeError
from logonscope.server.received import content_length, read_body, wait_until_disconnected


def read(parts: list[bytes], most: int, headers: dict[str, str] | None = None) -> bytes:
    """Read a body that comes in parts."""
    left = [*parts]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    request = Request({"type": "http", "method": "POST", "headers": raw}, receive)
    return asyncio.run(read_body(request, most))


def test_a_body_within_the_limit_is_whole() -> None:
    assert read([b"ab", b"c", b""], 3) == b"abc"


@pytest.mark.parametrize("headers", [{}, {"content-length": "4"}])
def test_a_body_beyond_the_limit_is_rejected(headers: dict[str, str]) -> None:
    with pytest.raises(RequestTooLargeError, match="limit of 3 octets"):
        read([b"ab", b"cd"], 3, headers)


def test_a_compressed_body_is_rejected_before_it_is_read() -> None:
    with pytest.raises(InvalidParameterError, match="invalid content encoding 'gzip': request bodies must not be"):
        read([], 3, {"content-encoding": "gzip"})
    assert read([b"ab"], 3, {"content-encoding": "Identity"}) == b"ab"


def test_no_length_is_none() -> None:
    assert (content_length({}), content_length({"content-length": "7"})) == (0, 7)


def test_what_comes_before_the_disconnect_is_passed_over() -> None:
    messages = [{"type": "http.request"}, {"type": "http.disconnect"}, {"type": "late"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    asyncio.run(wait_until_disconnected(receive))
    assert messages == [{"type": "late"}]
