"""What happens to a request of HTTP? It is read as far as it may be long, let in, opened, answered, and sealed.

One ASGI application, a door a protocol; what blocks runs in the pool.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from logonscope.broker.deadline import Deadline
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    LogonscopeError,
    ServerTooBusyError,
    TimedOutError,
)
from logonscope.server.auth.gate import Entry, Gate, shown_by
from logonscope.server.auth.negotiate import Negotiation
from logonscope.server.connection import Connection
from logonscope.server.metrics import Metrics
from logonscope.server.work import GoneError, done
from logonscope.server.wsman import OK, Answer, Service, answer, refused
from logonscope.wire.wsman import sealed
from logonscope.wire.wsman.faults import REQUEST_TOO_LARGE, FaultError

UNAUTHENTICATED = "wsmanidentify"
"""The header by which Identify asks to be answered without credentials (MS-WSMV 3.1.4.1.19)."""

GONE = 499
"""What nobody reads: the client has gone."""

_UNSEALED = "messages have to be sealed here (Negotiate with message encryption), or sent over TLS\n"


class Doors(NamedTuple):
    """What the application has: who may come in, what answers, where both are done, how long a request may be."""

    gate: Gate
    service: Service
    pool: ThreadPoolExecutor
    entrance: ThreadPoolExecutor
    most_octets: int = 512_000
    metrics: Metrics | None = None
    metrics_within: bool = False  # also for whoever connects from this machine, without credentials


class Came(NamedTuple):
    """A request that was read whole."""

    connection: Connection
    headers: Headers
    body: bytes


def application(doors: Doors) -> Starlette:
    """Return the ASGI application."""

    async def wsman(request: Request) -> Response:
        return await _wsman(doors, request)

    async def metrics(request: Request) -> Response:
        return await _metrics(doors, request)

    routes = [Route(path, wsman, methods=["POST"]) for path in ("/wsman", "/wsman/")]
    if doors.metrics is not None:
        routes.append(Route("/metrics", metrics, methods=["GET"]))
    return Starlette(routes=routes)


async def _wsman(doors: Doors, request: Request) -> Response:
    deadline = Deadline(doors.service.seconds)
    if (refusal := _turned_away(doors, request)) is not None:
        return refusal
    try:
        came = Came(request.state.connection, request.headers, await _body(request, doors.most_octets))
        enter = await _entrance(doors, came, deadline, request)
        return await done(
            doors.pool, lambda: _handled(doors, came, enter(), deadline), deadline, lambda: _gone(request)
        )
    except (GoneError, ClientDisconnect):
        return Response(status_code=GONE)
    except ServerTooBusyError as error:
        return Response(f"{error}\n", status_code=503)
    except (FaultError, TimedOutError) as error:
        return _of(refused(error))


def _turned_away(doors: Doors, request: Request) -> Response | None:
    """Answer who has shown nothing, is to show something, and has a body for us: that is not waited for."""
    connection: Connection = request.state.connection
    if (
        connection.peer_credentials
        or connection.session
        or {"authorization", UNAUTHENTICATED}.intersection(request.headers)
    ):
        return None
    if _stated(request) > doors.most_octets:
        return Response(status_code=413)
    return _challenging(Response(status_code=401), doors.gate.enter(connection, None))


async def _metrics(doors: Doors, request: Request) -> Response:
    """Tell the numbers to an administrator, and to this machine where that is allowed."""
    deadline = Deadline(doors.service.seconds)
    came = Came(request.state.connection, request.headers, b"")
    try:
        if not (doors.metrics_within and came.connection.loopback):
            enter = await _entrance(doors, came, deadline, request)
            entry = await done(doors.pool, enter, deadline, lambda: _gone(request))
            if entry.caller is None:
                return _challenging(Response(status_code=401), entry)
            if not entry.caller.administrator:
                return Response("these numbers are of all logon sessions: for administrators\n", status_code=403)
        assert doors.metrics is not None  # noqa: S101 -- else there is no such route
        text = await done(doors.pool, doors.metrics.text, deadline, lambda: _gone(request))
        return Response(text, media_type=CONTENT_TYPE_LATEST)
    except GoneError:
        return Response(status_code=GONE)
    except LogonscopeError as error:
        return Response(f"{error}\n", status_code=503)


async def _entrance(doors: Doors, came: Came, deadline: Deadline, request: Request) -> Callable[[], Entry]:
    """Return what lets a request in: what is quick is left for the thread that answers.

    A password is looked at in threads of their own, so that guesses hold up no answer.
    """
    shown = shown_by(came.headers.get("authorization"))
    enter = partial(doors.gate.enter, came.connection, shown)
    if shown is not None and (seconds := doors.gate.delay(came.connection, shown)):
        await asyncio.sleep(seconds)
    if doors.gate.is_quick(came.connection, shown):
        return enter
    entry = await done(doors.entrance, enter, deadline, lambda: _gone(request))
    return lambda: entry


def _handled(doors: Doors, came: Came, entry: Entry, deadline: Deadline) -> Response:
    """Open a request, answer it, seal the answer; runs in a thread."""
    if entry.caller is None and UNAUTHENTICATED not in came.headers:
        return _challenging(Response(status_code=401), entry)
    content_type = came.headers.get("content-type", "")
    if entry.caller is not None and not came.body:  # a client that only wants to be let in (pypsrp, pywinrm)
        return _challenging(Response(), entry)
    if sealed.is_sealed(content_type):
        return _challenging(_unsealed(doors, came, entry, content_type, deadline), entry)
    if isinstance(entry.negotiation, Negotiation) and not (came.connection.tls or came.connection.loopback):
        return Response(_UNSEALED, status_code=403)
    return _challenging(_of(_answered(doors, came, entry, came.body, deadline)), entry)


def _unsealed(doors: Doors, came: Came, entry: Entry, content_type: str, deadline: Deadline) -> Response:
    negotiation = entry.negotiation
    if negotiation is None:
        return Response("nothing was agreed to seal with\n", status_code=400)
    try:
        message = sealed.read(content_type, came.body)
        data = negotiation.unseal(message)
    except InvalidParameterError as error:
        return Response(f"{error}\n", status_code=400)
    except AccessDeniedError:
        return Response(status_code=401)
    made = _answered(doors, came, entry, data, deadline)
    sealed_type, sealed_body = sealed.write(negotiation.seal(made.data, message.protocol))
    return Response(sealed_body, made.status, media_type=sealed_type)


def _answered(doors: Doors, came: Came, entry: Entry, data: bytes, deadline: Deadline) -> Answer:
    began = time.perf_counter()
    made = answer(doors.service, entry.caller, data, deadline, came.connection.peer)
    if doors.metrics is not None:
        outcome = "answered" if made.status == OK else "refused"
        doors.metrics.answered(made.operation, outcome, made.items, time.perf_counter() - began)
    return made


def _of(made: Answer) -> Response:
    return Response(made.data, made.status, media_type=made.content_type)


def _challenging(response: Response, entry: Entry) -> Response:
    if entry.challenges and (response.status_code == 401 or entry.negotiation is not None):
        for challenge in entry.challenges:
            response.headers.append("www-authenticate", challenge)
    return response


async def _body(request: Request, most: int) -> bytes:
    """Return the body.

    Raises:
        FaultError: it is longer than it may be.
    """
    parts, length = [], 0
    too_large = FaultError(REQUEST_TOO_LARGE, f"a request of more than {most:,} octets", "ask for less at once")
    if _stated(request) > most:
        raise too_large
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _stated(request: Request) -> int:
    """Return how long the body is said to be; h11 has looked at the header already, and holds who lies to it."""
    return int(request.headers.get("content-length", "0"))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
