"""Tests of server/streamed_response.py: parts of a response are sent in order, and its end ends the rows."""

import asyncio
from collections.abc import Callable
from typing import Any

from logonscope.dispatch.dispatcher import Answer
from logonscope.errors import LogonscopeError, ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.streamed_response import StreamedResponse
from logonscope.server.thread_calls import ClientDisconnectedError


class Parts:
    """The rest of an answer: as many parts as there are texts."""

    operation = "enumerate"

    def __init__(self, *texts: bytes) -> None:
        self.texts, self.items, self.is_closed = list(texts), 0, False

    def deadline(self) -> Deadline:
        return Deadline(5)

    def next_part(self, _: Deadline) -> tuple[bytes, bool]:
        self.items += 1
        return self.texts.pop(0), not self.texts

    def end_with(self, error: LogonscopeError) -> tuple[bytes, bool]:
        return error.name.encode(), True

    def close(self) -> None:
        self.is_closed = True


def sent(parts: Any, run: Callable[..., Any]) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the messages that the response sends, and how many rows it counts at its end."""
    messages, counts = list[dict[str, Any]](), list[int]()

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    response = StreamedResponse(Answer(200, "application/json", b"first", items=2, rest=parts), counts.append)
    response.run = run
    asyncio.run(response({"type": "http"}, receive, send))
    return messages, counts


async def at_once(call: Callable[[], Any], _: Deadline) -> Any:
    return call()


def test_the_parts_are_in_order_and_all_rows_are_counted() -> None:
    parts = Parts(b"second", b"third")
    (start, *bodies), counts = sent(parts, at_once)
    assert dict(start["headers"]) == {b"content-type": b"application/json"}
    assert [(body["body"], body["more_body"]) for body in bodies] == [
        (b"first", True), (b"second", True), (b"third", False),
    ]  # fmt: skip
    assert (counts, parts.is_closed) == ([4], True)


def test_without_a_thread_the_last_part_is_the_error() -> None:
    async def busy(_: Callable[[], Any], __: Deadline) -> Any:
        raise ServerTooBusyError("no thread", "wait")

    messages, _ = sent(parts := Parts(b"second"), busy)
    assert messages[-1]["body"] == ServerTooBusyError("", "").name.encode()
    assert (messages[-1]["more_body"], parts.is_closed) == (False, True)


def test_a_client_that_leaves_ends_the_rows() -> None:
    async def gone(_: Callable[[], Any], __: Deadline) -> Any:
        raise ClientDisconnectedError

    messages, counts = sent(parts := Parts(b"second"), gone)
    assert [message.get("body") for message in messages] == [None, b"first"]
    assert (counts, parts.is_closed) == ([2], True)
