"""The doors over HTTP: a request is read as far as it may be long, authenticated, decrypted, and given to its door.

One ASGI application. It knows doors by a table, and none by name; what blocks runs in a pool of threads.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from logonscope.broker import Caller
from logonscope.dispatch.dispatcher import Answer, Dispatcher, Message
from logonscope.dispatch.operation import Door
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    LogonscopeError,
    RequestTooLargeError,
    ServerTooBusyError,
)
from logonscope.machine import Deadline
from logonscope.server.auth.authenticator import Authenticator, Credentials
from logonscope.server.auth.negotiate import Negotiation
from logonscope.server.auth.peer import Peer
from logonscope.server.auth.throttle import place_of
from logonscope.server.authorization import challenges, credentials_of
from logonscope.server.connection import Connection
from logonscope.server.metrics import Metrics
from logonscope.server.request_target import RoutedPath
from logonscope.server.thread_calls import GoneError
from logonscope.server.worker_pool import Claimant, Rank, Shares

OK = 200
GONE = 499
"""What nobody reads: the client has gone."""

_UNSEALED = "messages have to be sealed here (Negotiate with message encryption), or sent over TLS\n"


class MessageEncryption(Protocol):
    """Bodies that are encrypted by what a negotiation agreed on."""

    def is_sealed(self, content_type: str) -> bool:
        """Return whether a body of this type is one."""

    def unseal(self, context: Negotiation, content_type: str, body: bytes) -> bytes:
        """Return the content of a body.

        Raises:
            InvalidParameterError: it has another form.
            AccessDeniedError: it was not encrypted by the other end of the negotiation.
        """

    def seal(self, context: Negotiation, content_type: str, data: bytes) -> tuple[str, bytes]:
        """Return the content type and the body of an answer to a body of this type."""


class HttpDoor(NamedTuple):
    """A door and how HTTP reaches it.

    Attributes:
        door: the protocol.
        paths: to which its requests are posted.
        encryption: of its messages; None: there is none.
        open_header: with this header, in lower case, a request may come without credentials; "": none may.
        logs_in_empty: a request without a body only authenticates its connection, and is answered by nothing.
        open_paths: more paths; requests to them come without credentials, and credentials are not looked at.
    """

    door: Door
    paths: tuple[str, ...]
    encryption: MessageEncryption | None = None
    open_header: str = ""
    logs_in_empty: bool = False
    open_paths: tuple[str, ...] = ()


class Services(NamedTuple):
    """The parts of the application.

    Attributes:
        authenticator: of every request.
        dispatcher: of every door.
        doors: the protocols that are spoken.
        pool: threads that answer.
        entrance: threads that check passwords, so that guesses hold up no answer.
        most_octets: that a request may have.
        metrics: None: there are none.
        metrics_within: clients on this machine may read the metrics without credentials.
    """

    authenticator: Authenticator
    dispatcher: Dispatcher
    doors: tuple[HttpDoor, ...]
    pool: Shares
    entrance: Shares
    most_octets: int = 512_000
    metrics: Metrics | None = None
    metrics_within: bool = False

    def are_stuck(self) -> bool:
        """Return whether the threads of either pool do not return."""
        return self.pool.is_stuck or self.entrance.is_stuck


class Entry(NamedTuple):
    """Who a request is from, whose messages are encrypted by that negotiation, and values of WWW-Authenticate."""

    caller: Caller | None
    negotiation: Negotiation | None
    challenges: tuple[str, ...]
    reason: str = ""


class Received(NamedTuple):
    """A request that was read whole."""

    connection: Connection
    headers: Headers
    path: str
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the type of the body; "" where it has none."""
        return self.headers.get("content-type", "")


def application(services: Services) -> Starlette:
    """Return the ASGI application."""
    routes = [
        Route(path, Endpoint(services, door).answer, methods=["POST"])
        for door in services.doors
        for path in door.paths + door.open_paths
    ]
    if services.metrics is not None:
        routes.append(Route("/metrics", partial(_metrics, services, services.metrics), methods=["GET"]))
    return Starlette(routes=routes, middleware=[Middleware(RoutedPath)])


class Endpoint:
    """Answers the requests of HTTP that are for one door."""

    def __init__(self, services: Services, http_door: HttpDoor) -> None:
        self._services, self._http_door, self._door = services, http_door, http_door.door

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        services = self._services
        deadline = Deadline(services.dispatcher.limits.seconds)
        if (rejection := self._rejection(request)) is not None:
            return rejection
        try:
            body = await _body(request, services.most_octets)
            received = Received(request.state.connection, request.headers, request.scope["path"], body)
            if received.path in self._http_door.open_paths:
                claimant = Claimant(place_of(received.connection.peer.address))
                answer = partial(self._handled_anonymously, received, deadline)
            else:
                authenticate, claimant = await _authentication(services, received, deadline, request)
                answer = partial(self._handled, received, authenticate, deadline)
            return await services.pool.run(claimant, answer, deadline, lambda: _gone(request))
        except (GoneError, ClientDisconnect):
            return Response(status_code=GONE)
        except ServerTooBusyError as error:
            return Response(f"{error}\n", status_code=503)
        except LogonscopeError as error:  # the request is too large, or something hangs
            fault = self._door.fault(error, None)
            return _response(fault.status, fault.content_type, fault.body)

    def _rejection(self, request: Request) -> Response | None:
        """Return the answer to a client that has to send credentials first; its body is not waited for."""
        peer: Peer = request.state.connection.peer
        opened = self._http_door.open_header
        if peer.credentials or peer.session or {"authorization", opened}.intersection(request.headers):
            return None
        if _stated(request) > self._services.most_octets:
            return Response(status_code=413)
        if request.scope["path"] in self._http_door.open_paths:
            return None
        return _challenging(Response(status_code=401), _authenticated(self._services.authenticator, peer, None))

    def _handled_anonymously(self, received: Received, deadline: Deadline) -> Response:
        """Answer a request to an open path; runs in a thread."""
        answer = self._answered(received, Entry(None, None, ()), received.body, deadline)
        return _response(answer.status, answer.content_type, answer.body)

    def _handled(self, received: Received, authenticate: Callable[[], Entry], deadline: Deadline) -> Response:
        """Authenticate a request, decrypt it, answer it, encrypt the answer; runs in a thread."""
        entry = authenticate()
        received.connection.is_authenticated |= entry.caller is not None
        if entry.caller is None and self._http_door.open_header not in received.headers:
            return _challenging(_unauthorized(entry), entry)
        if entry.caller is not None and self._http_door.logs_in_empty and not received.body:
            return _challenging(Response(), entry)
        encryption = self._http_door.encryption
        if encryption is not None and encryption.is_sealed(received.content_type):
            return _challenging(self._decrypted(encryption, received, entry, deadline), entry)
        if entry.negotiation is not None and not received.connection.peer.is_private:
            return Response(_UNSEALED, status_code=403)
        answer = self._answered(received, entry, received.body, deadline)
        return _challenging(_response(answer.status, answer.content_type, answer.body), entry)

    def _decrypted(
        self, encryption: MessageEncryption, received: Received, entry: Entry, deadline: Deadline
    ) -> Response:
        negotiation = entry.negotiation
        if negotiation is None:
            return Response("nothing was agreed to seal with\n", status_code=400)
        try:
            data = encryption.unseal(negotiation, received.content_type, received.body)
        except InvalidParameterError as error:
            return Response(f"{error}\n", status_code=400)
        except AccessDeniedError:
            return Response(status_code=401)
        answer = self._answered(received, entry, data, deadline)
        content_type, body = encryption.seal(negotiation, received.content_type, answer.body)
        return _response(answer.status, content_type, body)

    def _answered(self, received: Received, entry: Entry, data: bytes, deadline: Deadline) -> Answer:
        began, metrics = time.perf_counter(), self._services.metrics
        peer = received.connection.peer.address
        message = Message(data, entry.caller, peer, received.content_type, received.path)
        answer = self._services.dispatcher.answer(self._door, message, deadline)
        if metrics is not None:
            outcome = "answered" if answer.status == OK else "refused"
            metrics.answered(answer.operation, outcome, answer.items, time.perf_counter() - began)
        return answer


async def _metrics(services: Services, metrics: Metrics, request: Request) -> Response:
    """Return the metrics to an administrator, and to this machine where that is allowed."""
    deadline = Deadline(services.dispatcher.limits.seconds)
    received = Received(request.state.connection, request.headers, request.scope["path"], b"")
    try:
        claimant = Claimant("metrics")
        if not (services.metrics_within and received.connection.peer.loopback):
            authenticate, claimant = await _authentication(services, received, deadline, request)
            entry = await services.pool.run(claimant, authenticate, deadline, lambda: _gone(request))
            if entry.caller is None:
                return _challenging(Response(status_code=401), entry)
            if not entry.caller.administrator:
                return Response("these numbers are of all logon sessions: for administrators\n", status_code=403)
        text = await services.pool.run(claimant, metrics.text, deadline, lambda: _gone(request))
        return Response(text, media_type=CONTENT_TYPE_LATEST)
    except GoneError:
        return Response(status_code=GONE)
    except LogonscopeError as error:
        return Response(f"{error}\n", status_code=503)


async def _authentication(
    services: Services, received: Received, deadline: Deadline, request: Request
) -> tuple[Callable[[], Entry], Claimant]:
    """Return what authenticates a request, and who takes a thread for its answer.

    Where authentication is quick, it is left for the thread that answers. A password is checked in threads of their
    own, of which each address has its share, so that guesses hold up no answer.
    """
    peer, credentials = received.connection.peer, credentials_of(received.headers.get("authorization"))
    authenticate = partial(_authenticated, services.authenticator, peer, credentials)
    if credentials is not None and (seconds := services.authenticator.delay(peer, credentials)):
        await asyncio.sleep(seconds)
        deadline.move(services.dispatcher.limits.seconds)  # that wait is not the answer's
    if services.authenticator.is_quick(peer, credentials):
        return authenticate, _claimant(peer, services.authenticator.presumed(peer))
    # A check may take PAM two seconds: those whom the address is known for do not wait behind the guesses of others.
    is_known = credentials is not None and services.authenticator.is_known(peer, credentials)
    at_entrance = Claimant(place_of(peer.address), Rank.ADMINISTRATOR if is_known else Rank.ORDINARY)
    entry = await services.entrance.run(at_entrance, authenticate, deadline, lambda: _gone(request))
    return lambda: entry, _claimant(peer, entry.caller)


def _claimant(peer: Peer, caller: Caller | None) -> Claimant:
    """Return whose share of the threads a request takes: the caller's, or the address's where it has no caller yet."""
    if peer.credentials is not None:
        uid = peer.credentials.uid
        return Claimant(uid, Rank.ROOT if uid == 0 else Rank.ORDINARY)
    if caller is None:
        return Claimant(place_of(peer.address))
    rank = Rank.ADMINISTRATOR if caller.administrator else Rank.ORDINARY
    return Claimant(caller.name if caller.uid is None else caller.uid, rank)


def _authenticated(authenticator: Authenticator, peer: Peer, credentials: Credentials | None) -> Entry:
    result = authenticator.authenticate(peer, credentials)
    return Entry(result.caller, result.negotiation, challenges(result, credentials), result.reason)


def _unauthorized(entry: Entry) -> Response:
    return Response(entry.reason and f"{entry.reason}\n", 401, media_type="text/plain")


def _response(status: int, content_type: str, body: bytes) -> Response:
    """Return a response of just this type: to a ``media_type`` of text, Starlette adds a charset."""
    return Response(body, status, headers={"content-type": content_type})


def _challenging(response: Response, entry: Entry) -> Response:
    if entry.challenges and (response.status_code == 401 or entry.negotiation is not None):
        for challenge in entry.challenges:
            response.headers.append("www-authenticate", challenge)
    return response


async def _body(request: Request, most: int) -> bytes:
    """Return the body.

    Raises:
        RequestTooLargeError: it is longer than it may be.
    """
    parts, length = [], 0
    too_large = RequestTooLargeError(f"a request of more than {most:,} octets", "ask for less at once")
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
