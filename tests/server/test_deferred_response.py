"""Tests of server/deferred_response.py: the answer comes when there is one, and nothing is held before."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from starlette.responses import Response

from logonscope.dispatch.operation import Reply
from logonscope.dispatch.subscriptions import EventPull
from logonscope.errors import LogonscopeError, ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.deferred_response import DeferredResponse


class Pull:
    """A pull that has its answer after some looks."""

    wait_seconds, pause_seconds = 0.01, 0.0

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def notify(self, call: Callable[[], object]) -> None:
        call()

    def deadline(self) -> Deadline:
        return Deadline(5)

    def next_reply(self) -> Reply | None:
        self.looks -= 1
        return None if self.looks else Reply(200, "text/plain", b"events")

    def end_with(self, error: LogonscopeError) -> Reply:
        return Reply(500, "text/plain", error.name.encode())


def respond(reply: Reply) -> Response:
    return Response(reply.body, reply.status)


def sent(looks: int, run: Callable[..., Any], *, leaves: bool = False) -> list[dict[str, Any]]:
    """Return the messages that the response sends; ``leaves``: the client disconnects at once."""
    messages = list[dict[str, Any]]()

    async def send(message: Any) -> None:
        messages.append(message)

    async def disconnected() -> None:
        if not leaves:
            await asyncio.Event().wait()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def answer() -> None:
        response = DeferredResponse(cast(EventPull, Pull(looks)), respond)
        response.run, response.wait_for_disconnect = run, disconnected
        response.headers.append("www-authenticate", "Negotiate abc")
        await response({"type": "http"}, receive, send)

    asyncio.run(answer())
    return messages


async def at_once(call: Callable[[], Any], _: Deadline) -> Any:
    return call()


def test_the_answer_is_sent_when_there_is_one() -> None:
    start, body = sent(3, at_once)
    assert (start["status"], body["body"]) == (200, b"events")
    # what the authentication of the request adds is kept
    assert (b"www-authenticate", b"Negotiate abc") in start["headers"]


def test_without_a_thread_the_answer_is_the_error() -> None:
    async def busy(_: Callable[[], Any], __: Deadline) -> Any:
        raise ServerTooBusyError("no thread", "wait")

    start, body = sent(1, busy)
    assert (start["status"], body["body"]) == (500, b"WBEM_E_SERVER_TOO_BUSY")


def test_a_client_that_leaves_ends_the_wait() -> None:
    assert sent(1000, at_once, leaves=True)[0]["status"] == 499
