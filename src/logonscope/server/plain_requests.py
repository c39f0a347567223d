"""A parser for requests in the usual form, and the writer of their responses.

They replace h11, which takes more time for a small request than the computation of its answer.

The usual form is a POST of HTTP/1.1 to a plain path, with a Content-Length and each header once. httptools (llhttp, the
parser of Node.js) reads it. Every other request is passed to h11 with all its bytes, even if httptools rejects it. h11
alone decides whether such a request is valid, so nothing is rejected here.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import FlowControl

MAX_HEAD_LENGTH, MAX_BODY_LENGTH = 8192, 65_536
"""Octets of the longest head and body that are read here."""

MAX_HEADERS = 255
"""Maximum number of headers of a request."""

_PATH = re.compile(rb"/[A-Za-z0-9._~/-]*")
_HEAD_END = b"\r\n\r\n"
_SPECIAL_HEADERS = frozenset({
    "connection", "content-encoding", "expect", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers that change how HTTP itself treats a request, or what its body means."""

_LENGTH = re.compile(r"\d{1,6}", re.ASCII)
_REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


class PlainRequest(NamedTuple):
    """A request in the usual form: its path, its headers with names in lower case, its body, and all its bytes."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    data: bytes


class PlainReader:
    """Reads the requests of a connection that have the usual form."""

    def __init__(self) -> None:
        self._data = bytearray()  # of an incomplete request
        self._length = 0  # of the whole request; 0: its head is not complete

    def read(self, data: bytes, *, may_wait: bool) -> PlainRequest | bytes | None:
        """Return the request that data completes; bytes: they are for h11; None: the request is incomplete.

        Args:
            data: what was received.
            may_wait: keep an incomplete request until its rest is received; otherwise its bytes are for h11.
        """
        if self._data:
            self._data += data
            if len(self._data) < self._length:
                return None
            data = bytes(self._data)
            self._data.clear()
        result = _parse(data)
        if isinstance(result, int):
            # The length is kept, so that a body that comes byte by byte is not parsed again for each byte.
            if may_wait:
                self._data += data
                self._length = result
                return None
            return data
        return data if result is None else result


class _Message:
    """The parts of a request that httptools has parsed. httptools calls these methods by their names."""

    def __init__(self) -> None:
        self.url, self.headers, self.header_count = b"", dict[str, str](), 0
        self.body, self.is_complete = b"", False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; if its name is repeated, ``headers`` has fewer items than ``header_count`` says."""
        self.headers[name.decode("ascii").lower()] = value.decode("ascii").strip(" \t")
        self.header_count += 1

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True


def _parse(data: bytes) -> PlainRequest | int | None:
    """Parse the bytes of a request.

    Return the request; None: it has another form; a number: it is incomplete, and has this length (0: not known yet).
    """
    if not data.startswith(b"POST /"):  # httptools would skip empty lines before it
        return None
    head_end = data.find(_HEAD_END, 0, MAX_HEAD_LENGTH)
    if head_end < 0:
        return 0 if len(data) < MAX_HEAD_LENGTH else None
    message = _Message()
    parser = HttpRequestParser(message)
    try:
        parser.feed_data(data)
    except (HttpParserError, HttpParserUpgrade):  # HttpParserError also if a header is not ASCII
        return None
    headers, length = message.headers, message.headers.get("content-length", "")
    # httptools is not strict about the spaces of the request line
    has_plain_line = _PATH.fullmatch(message.url) and data.startswith(b"POST %s HTTP/1.1\r\n" % message.url)
    has_usual_headers = (
        len(headers) == message.header_count <= MAX_HEADERS
        and "host" in headers
        and _SPECIAL_HEADERS.isdisjoint(headers)
    )
    if not (has_plain_line and has_usual_headers and _LENGTH.fullmatch(length)) or int(length) > MAX_BODY_LENGTH:
        return None
    request_length = head_end + len(_HEAD_END) + int(length)
    if len(data) < request_length:
        return request_length
    # With a second request behind it (pipelining), both are left to h11, which answers them in turn.
    if len(data) > request_length or not message.is_complete:
        return None
    return PlainRequest(message.url.decode("ascii"), headers, message.body, data)


class PlainExchange:
    """A plain request that is being answered: the ``receive`` and ``send`` of ASGI for its response.

    It has the attributes of uvicorn's RequestResponseCycle that uvicorn's protocol uses.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        flow: FlowControl,
        headers: list[tuple[bytes, bytes]],
        start_task: Callable[[Coroutine[Any, Any, None]], None],
        on_end: Callable[[], None],
    ) -> None:
        """Create the exchange.

        Args:
            transport: the connection.
            flow: whether the client reads its responses.
            headers: the headers that every response of this server has.
            start_task: runs a coroutine that sends the response.
            on_end: called by ``respond`` when the response is sent, unless a task sends it.
        """
        self.keep_alive, self.disconnected, self.response_complete = True, False, False
        self.message_event = asyncio.Event()
        self.is_started = False
        self.start_task = start_task
        self._transport, self._flow, self._headers, self._on_end = transport, flow, headers, on_end
        self._head, self._is_chunked = b"", False

    def respond(self, response: Response) -> None:
        """Send a response that is complete."""
        # If the client has not yet read earlier responses, a task waits and then sends this response.
        if self._flow.write_paused:
            self.start_task(response({"type": "http"}, self.receive, self.send))
            return
        if not self.disconnected:
            self._head = self._write_head(response.status_code, response.raw_headers)
            self._write(bytes(response.body), is_last=True)
        self._on_end()

    async def receive(self) -> dict[str, Any]:
        """Wait until the client disconnects: the request itself is complete."""
        while not self.disconnected:
            await self.message_event.wait()
            self.message_event.clear()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Write a part of the response: the head together with the first part of the body."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._head = self._write_head(message["status"], message["headers"])
            return
        self._write(message.get("body", b""), is_last=not message.get("more_body", False))

    def _write(self, body: bytes, *, is_last: bool) -> None:
        data = _chunk(body, is_last=is_last) if self._is_chunked else body
        self.is_started, self.response_complete = True, is_last
        self._transport.write(self._head + data if self._head else data)
        self._head = b""
        if is_last and not self.keep_alive:
            self._transport.close()

    def _write_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        lines = [b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b""))]
        lines += [b"%s: %s" % header for header in (*self._headers, *headers)]
        self._is_chunked = all(name != b"content-length" for name, _ in headers)
        if self._is_chunked:
            lines.append(b"transfer-encoding: chunked")
        return b"\r\n".join([*lines, b"\r\n"])


def _chunk(data: bytes, *, is_last: bool) -> bytes:
    """Return data as a chunk (RFC 9112 7.1), the last one with the end of the body.

    Without data, no chunk is returned: a chunk of length 0 would end the body.
    """
    chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
    return chunk + b"0\r\n\r\n" if is_last else chunk
