"""The doors over HTTP, as one ASGI application that reads, authenticates and decrypts requests for the dispatcher.

The application has a table of doors, and knows no protocol by name. Blocking work runs in thread pools.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from logonscope.broker import Caller
from logonscope.dispatch.dispatcher import Answer, AnswerStream, Dispatcher, ReceivedRequest
from logonscope.dispatch.operation import Door, Reply
from logonscope.dispatch.pushes import EventPush
from logonscope.dispatch.subscriptions import EventPull
from logonscope.dispatch.watches import WatchStream
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    LogonscopeError,
    NotSupportedError,
    RequestTooLargeError,
    ServerTooBusyError,
)
from logonscope.machine import Deadline
from logonscope.server.auth.authenticator import BEARER, Authenticator, Credentials
from logonscope.server.auth.negotiate import Negotiation
from logonscope.server.auth.page_sessions import PageSessions
from logonscope.server.auth.peer import Peer
from logonscope.server.auth.throttle import client_network
from logonscope.server.authorization import challenges, has_credentials
from logonscope.server.connection import Connection
from logonscope.server.deferred_response import DeferredResponse
from logonscope.server.metrics import Metrics
from logonscope.server.origin_policy import Admission
from logonscope.server.plain_requests import PlainExchange, PlainRequest
from logonscope.server.push_tasks import PushStartResponse, PushTasks
from logonscope.server.received import (
    CLIENT_CLOSED_REQUEST,
    Received,
    content_length,
    make_received,
    read_body,
    received_head,
    too_large,
    wait_until_disconnected,
)
from logonscope.server.request_target import PathNormalizer, normalized_path
from logonscope.server.streamed_response import PooledResponse, StreamedResponse
from logonscope.server.thread_calls import ClientDisconnectedError
from logonscope.server.worker_pool import Claimant, PooledCall, Rank, WorkerPool

OK = 200
OTHER_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
"""Methods of HTTP beside POST: rejected with a hint, save a GET of a path in ``HttpDoor.queries``."""

_BEARER_HINT = "it may have expired, or be removed or for other hosts: see `logonscope token list` on the server"

_ENCRYPTION_REQUIRED = "message encryption required: use Negotiate with message encryption, or TLS\n"

MakeResponse = Callable[[int, str, bytes], Response]
"""Makes a response of a status, a content type and a body."""


class MessageEncryption(Protocol):
    """Encryption of bodies with the session key of a negotiation."""

    def is_encrypted(self, content_type: str) -> bool:
        """Return whether a body of this content type is encrypted."""

    def decrypt(self, context: Negotiation, content_type: str, body: bytes) -> bytes:
        """Decrypt a body.

        Raises:
            InvalidParameterError: the body is malformed.
            AccessDeniedError: the body was not encrypted by the peer of this negotiation.
        """

    def encrypt(self, context: Negotiation, content_type: str, data: bytes) -> tuple[str, bytes]:
        """Encrypt the answer to a request of this content type; return the content type and body of the answer."""


class HttpDoor(NamedTuple):
    """A door and its HTTP interface.

    Attributes:
        door: the protocol.
        paths: the paths of its POST requests.
        encryption: the encryption of its messages; None: there is none.
        anonymous_header: a request with this header (in lower case) needs no credentials; "": there is none.
        accepts_empty_requests: a request with an empty body only authenticates its connection; the response is empty.
        documents: functions that return texts in JSON, by the path at which authenticated clients may GET the text.
        admission: checks the headers of a request before anything else of it is read; None: it is not checked.
        has_faults_for_http: rejections by HTTP, such as 401 and 503, have a fault of the door as their body.
        queries: paths of requests that may be a GET, with the function that makes their body from the query of the URL.
        anonymous_paths: further paths, whose requests need no credentials; credentials are ignored there.
    """

    door: Door
    paths: tuple[str, ...]
    encryption: MessageEncryption | None = None
    anonymous_header: str = ""
    accepts_empty_requests: bool = False
    anonymous_paths: tuple[str, ...] = ()
    documents: Mapping[str, Callable[[], bytes]] = {}
    admission: "Admission | None" = None
    has_faults_for_http: bool = False
    queries: Mapping[str, Callable[[Mapping[str, str]], bytes]] = {}


class ServerParts(NamedTuple):
    """The parts of the application.

    Attributes:
        authenticator: authenticates the requests.
        dispatcher: runs the requests of all doors.
        doors: the protocols.
        pool: the threads that run requests.
        password_pool: the threads that check passwords and tickets, so that password guesses delay no request.
        max_request_octets: the maximum size of a request body.
        metrics: the metrics; None: off.
        are_metrics_open_on_loopback: clients on this host may read the metrics without credentials.
        sessions: the sessions of the page; None: users cannot sign in.
        pushes: the deliveries of events to addresses of subscribers; None: there are none.
        routes: what else is served, such as the page.
    """

    authenticator: Authenticator
    dispatcher: Dispatcher
    doors: tuple[HttpDoor, ...]
    pool: WorkerPool
    password_pool: WorkerPool
    max_request_octets: int = 512_000
    metrics: Metrics | None = None
    are_metrics_open_on_loopback: bool = False
    sessions: PageSessions | None = None
    pushes: PushTasks | None = None
    routes: tuple[Route, ...] = ()

    def are_stuck(self) -> bool:
        """Return whether one of the pools is stuck (``WorkerPool.is_stuck``)."""
        return self.pool.is_stuck or self.password_pool.is_stuck

    def begin_stop(self) -> None:
        """End what would wait long: open enumerations, watches and deliveries; called in the event loop."""
        # the deliveries first, so that their subscribers get the reason
        if self.pushes is not None:
            self.pushes.begin_stop()
        self.dispatcher.close()

    def stop(self) -> None:
        """Wait, for some seconds at most, until the last messages to subscribers are sent; the server has stopped."""
        if self.pushes is not None:
            self.pushes.stop()


class RequestAuthentication(NamedTuple):
    """The authentication of a request.

    Attributes:
        caller: the authenticated caller; None: there is none.
        negotiation: the negotiation that encrypts the messages of the connection; None: there is none.
        challenges: the values of WWW-Authenticate for the response.
        reason: why authentication failed, as far as the client may know it.
    """

    caller: Caller | None
    negotiation: Negotiation | None
    challenges: tuple[str, ...]
    reason: str = ""

    def itself(self) -> "RequestAuthentication":
        """Return this authentication: the function to call for a request whose authentication is already complete."""
        return self


class DoorApplication(Starlette):
    """The ASGI application. POST requests to a fixed path of a door skip Starlette's middleware and routes."""

    def __init__(self, endpoints: Mapping[str, "Endpoint"], routes: Sequence[Route]) -> None:
        super().__init__(routes=routes, middleware=[Middleware(PathNormalizer)])
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path = normalized_path(scope["path"])
            endpoint = self._endpoints.get(path)
            if endpoint is not None:
                request_scope = {**scope, "path": path}
                response = await endpoint.answer(Request(request_scope, receive, send))
                await response(request_scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def answer_plain(self, connection: Connection, request: PlainRequest, exchange: PlainExchange) -> bool:
        """Start to answer a plain request; return False if its path is not a fixed path of a door."""
        path = normalized_path(request.path)
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            endpoint.answer_plain(make_received(connection, request.headers, path, request.body), exchange)
        return endpoint is not None


def application(parts: ServerParts) -> DoorApplication:
    """Return the ASGI application."""
    endpoints = {path: Endpoint(parts, door) for door in parts.doors for path in door.paths + door.anonymous_paths}
    routes = [
        Route(path, partial(Endpoint(parts, door).document, render), methods=["GET"])
        for door in parts.doors
        for path, render in door.documents.items()
    ]
    routes += [Route(path, endpoint.answer, methods=["POST"]) for path, endpoint in endpoints.items()]
    routes += [Route(path, endpoint.answer_other, methods=OTHER_METHODS) for path, endpoint in endpoints.items()]
    if parts.metrics is not None:
        routes.append(Route("/metrics", partial(_metrics, parts, parts.metrics), methods=["GET"]))
    return DoorApplication(endpoints, [*routes, *parts.routes])


class Endpoint:
    """Answers the HTTP requests for one door."""

    def __init__(self, parts: ServerParts, http_door: HttpDoor) -> None:
        self._parts, self._http_door, self._door = parts, http_door, http_door.door

    async def answer(self, request: Request) -> Response:
        """Answer a POST request."""
        # The timeout of the request includes the time to read the body and to check the credentials.
        deadline, max_octets = Deadline(self._parts.dispatcher.limits.seconds), self._parts.max_request_octets
        received = received_head(request)
        if (rejection := self._rejection(received)) is not None:
            return rejection
        try:
            received = received._replace(body=await read_body(request, max_octets))
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except (InvalidParameterError, RequestTooLargeError) as error:
            return self._fault(error)
        return await self._answer(received, deadline, partial(wait_until_disconnected, request.receive))

    async def _answer_query(self, make_body: Callable[[Mapping[str, str]], bytes], request: Request) -> Response:
        """Answer a GET, as the EventSource of a browser sends it: a body is made from the query of the URL."""
        deadline, received = Deadline(self._parts.dispatcher.limits.seconds), received_head(request)
        if (rejection := self._rejection(received)) is not None:
            return rejection
        headers = {**received.headers, "content-type": "application/json"}
        received = received._replace(headers=headers, body=make_body(request.query_params))
        return await self._answer(received, deadline, partial(wait_until_disconnected, request.receive))

    def answer_plain(self, received: Received, exchange: PlainExchange) -> None:
        """Start to answer a request that was read completely."""
        deadline, max_octets = Deadline(self._parts.dispatcher.limits.seconds), self._parts.max_request_octets
        response = self._rejection(received)
        if response is None and len(received.body) > max_octets:
            response = self._fault(too_large(max_octets))
        if response is not None:
            exchange.respond(response)
        elif (call := self._start_call(received, deadline)) is not None:
            call.when_over(partial(self._send_result, call, exchange), partial(self._send_later, call, exchange))
        else:
            disconnected = partial(wait_until_disconnected, exchange.receive)
            exchange.start_task(self._send(self._answer(received, deadline, disconnected), exchange))

    def _start_call(self, received: Received, deadline: Deadline) -> PooledCall[Response] | None:
        """Start to run a request in a thread; None: the request has to wait first, or its path is anonymous."""
        authenticator, peer, credentials = (
            self._parts.authenticator, received.connection.peer, received.credentials
        )  # fmt: skip
        is_quick = authenticator.is_quick(peer, credentials) and not (
            credentials is not None and authenticator.is_delayed(peer, credentials)
        )
        if not is_quick or received.path in self._http_door.anonymous_paths:
            return None
        claimant = _claimant(peer, authenticator.known_caller(peer))
        authenticate = partial(_authenticate, authenticator, peer, credentials)
        return self._parts.pool.start(claimant, partial(self._handle, received, authenticate, deadline), deadline)

    def _send_result(self, call: PooledCall[Response], exchange: PlainExchange) -> None:
        """Send the response of a call that has returned."""
        if call.has_failed or isinstance(response := call.result(), PooledResponse):
            self._send_later(call, exchange)
        else:
            call.end_request()
            exchange.respond(response)

    def _send_later(self, call: PooledCall[Response], exchange: PlainExchange) -> None:
        """Send the response of a call by a task: the call takes long or failed, or its response is rendered later."""
        exchange.start_task(self._send(self._response_of(self._late_response(call, exchange)), exchange))

    async def _late_response(self, call: PooledCall[Response], exchange: PlainExchange) -> Response:
        wait_for_disconnect = partial(wait_until_disconnected, exchange.receive)
        try:
            response = await call.wait_long(wait_for_disconnect)
        finally:
            call.end_request()
        return self._in_pool(response, call.claimant, wait_for_disconnect)

    async def _send(self, response: Awaitable[Response], exchange: PlainExchange) -> None:
        await (await response)({"type": "http"}, exchange.receive, exchange.send)

    async def _answer(
        self, received: Received, deadline: Deadline, wait_for_disconnect: Callable[[], Awaitable[None]]
    ) -> Response:
        return await self._response_of(self._run(received, deadline, wait_for_disconnect))

    async def _run(
        self, received: Received, deadline: Deadline, wait_for_disconnect: Callable[[], Awaitable[None]]
    ) -> Response:
        """Authenticate and run a request, in threads."""
        parts = self._parts
        if received.path in self._http_door.anonymous_paths:
            claimant = Claimant(client_network(received.connection.peer.address))
            answer = partial(self._handle_anonymously, received, deadline)
        else:
            authenticate, claimant = await start_authentication(parts, received, deadline, wait_for_disconnect)
            answer = partial(self._handle, received, authenticate, deadline)
        response = await parts.pool.run(claimant, answer, deadline, wait_for_disconnect)
        return self._in_pool(response, claimant, wait_for_disconnect)

    def _in_pool(
        self, response: Response, claimant: Claimant, wait_for_disconnect: Callable[[], Awaitable[None]]
    ) -> Response:
        """Return a response; if it needs threads later, the threads will count for this claimant."""
        if isinstance(response, PooledResponse):
            # the client may also disconnect between two parts of a stream
            response.wait_for_disconnect = wait_for_disconnect
            response.run = partial(self._parts.pool.run, claimant, wait_for_disconnect=wait_for_disconnect)
            response.claimant = claimant
        return response

    async def _response_of(self, response: Awaitable[Response]) -> Response:
        """Await a response, and return it, or the response to the error that was raised."""
        try:
            return await response
        except ClientDisconnectedError:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except ServerTooBusyError as error:
            return self._reject(error, Response(f"{error}\n", status_code=503))
        except LogonscopeError as error:  # the request timed out
            return self._fault(error)

    def _fault(self, error: LogonscopeError) -> Response:
        """Return the response of the door to an error."""
        fault = self._door.fault(error, None)
        return _response(fault.status, fault.content_type, fault.body)

    async def document(self, render: Callable[[], bytes], request: Request) -> Response:
        """Return a document to an authenticated client."""
        parts = self._parts
        deadline = Deadline(parts.dispatcher.limits.seconds)
        received = received_head(request)
        if (rejection := self._rejection(received)) is not None:
            return rejection
        try:
            disconnected = partial(wait_until_disconnected, request.receive)
            authenticate, claimant = await start_authentication(parts, received, deadline, disconnected)
            authentication = await parts.pool.run(claimant, authenticate, deadline, disconnected)
            if authentication.caller is None:
                return _with_challenges(self._unauthorized(received, authentication), authentication)
            received.connection.is_authenticated = True
            return _response(OK, "application/json", await parts.pool.run(claimant, render, deadline, disconnected))
        except ClientDisconnectedError:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except LogonscopeError as error:
            return self._reject(error, Response(f"{error}\n", status_code=503))

    async def answer_other(self, request: Request) -> Response:
        """Answer a GET whose arguments are in the query of its URL; reject any other request that is not a POST."""
        if request.method == "GET" and (make_body := self._http_door.queries.get(request.scope["path"])) is not None:
            return await self._answer_query(make_body, request)
        error = NotSupportedError(f"{request.method} is not supported here", "send a POST request")
        return self._reject(error, Response("Method Not Allowed", 405, media_type="text/plain"), allow="POST")

    def _rejection(self, received: Received) -> Response | None:
        """Return the response that rejects a request by its head alone; None: it is not rejected."""
        peer, headers = received.connection.peer, received.headers
        anonymous_header, admission = self._http_door.anonymous_header, self._http_door.admission
        # a web page cannot open a unix socket
        if admission is not None and peer.credentials is None:
            try:
                admission.check(headers, peer)
            except AccessDeniedError as denied:
                return self._reject(denied, Response(f"{denied}\n", status_code=403))
        is_known = peer.credentials or peer.session or peer.certificate_user is not None
        if is_known or has_credentials(headers) or anonymous_header in headers:
            return None
        if content_length(headers) > self._parts.max_request_octets:
            error = RequestTooLargeError("the request is too large", "split the request")
            return self._reject(error, Response(status_code=413))
        if received.path in self._http_door.anonymous_paths:
            return None
        authentication = _authenticate(self._parts.authenticator, peer, None)
        return _with_challenges(self._unauthorized(received, authentication), authentication)

    def _unauthorized(self, received: Received, authentication: RequestAuthentication) -> Response:
        """Return the response to a request that is not authenticated."""
        reason = authentication.reason
        error = AccessDeniedError("authentication required", "send credentials")
        if received.credentials is not None:
            is_token = received.credentials.scheme == BEARER
            hint = _BEARER_HINT if is_token else "send the password of a user, over TLS or from this host, or a token"
            error = AccessDeniedError(reason or "authentication failed", hint)
        elif reason:
            error = AccessDeniedError(reason)
        return self._reject(error, Response(reason and f"{reason}\n", 401, media_type="text/plain"))

    def _reject(self, error: LogonscopeError, response: Response, **headers: str) -> Response:
        """Return the response that rejects a request; its body is a fault of the door if its clients expect one."""
        if self._http_door.has_faults_for_http:
            fault = self._door.fault(error, None)
            response = _response(response.status_code, fault.content_type, fault.body)
        response.headers.update(headers)
        return response

    def _handle_anonymously(self, received: Received, deadline: Deadline) -> Response:
        """Answer a request to an anonymous path; runs in a thread."""
        answer = self._dispatch(received, RequestAuthentication(None, None, ()), received.body, deadline)
        return _response(answer.status, answer.content_type, answer.body)

    def _handle(
        self, received: Received, authenticate: Callable[[], RequestAuthentication], deadline: Deadline
    ) -> Response:
        """Authenticate a request, decrypt it, run it, and encrypt the answer; runs in a thread."""
        authentication = authenticate()
        # is_authenticated stays True after a later failure: only timeouts and limits of the connection depend on it.
        received.connection.is_authenticated |= authentication.caller is not None
        if authentication.caller is None and self._http_door.anonymous_header not in received.headers:
            return _with_challenges(self._unauthorized(received, authentication), authentication)
        if authentication.caller is not None and self._http_door.accepts_empty_requests and not received.body:
            return _with_challenges(Response(), authentication)
        encryption = self._http_door.encryption
        if encryption is not None and encryption.is_encrypted(received.content_type):
            return _with_challenges(
                self._handle_encrypted(encryption, received, authentication, deadline), authentication
            )
        # Over the network without TLS, the messages of a Negotiate client must be encrypted, as on Windows.
        if authentication.negotiation is not None and not received.connection.peer.is_private:
            error = AccessDeniedError(_ENCRYPTION_REQUIRED.strip())
            return self._reject(error, Response(_ENCRYPTION_REQUIRED, status_code=403))
        start = time.perf_counter()
        answer = self._dispatch(received, authentication, received.body, deadline)
        if isinstance(answer.rest, AnswerStream | WatchStream):
            response: Response = StreamedResponse(answer, partial(self._count, answer, start))
        else:
            response = self._complete_response(answer, start, _response)
        return _with_challenges(response, authentication)

    def _complete_response(self, answer: Answer, start: float, make_response: MakeResponse) -> Response:
        """Return the response with a whole answer; for a pull without events, the response that waits for them."""
        respond = partial(self._respond, answer.operation, start, make_response)
        if isinstance(answer.rest, EventPull):
            return DeferredResponse(answer.rest, respond)
        response = respond(Reply(answer.status, answer.content_type, answer.body, answer.items))
        if isinstance(answer.rest, EventPush) and self._parts.pushes is not None:
            return PushStartResponse(response, answer.rest, self._parts.pushes)
        return response

    def _respond(self, operation: str, start: float, make_response: MakeResponse, reply: Reply) -> Response:
        """Count a whole answer, and return its response."""
        self._count(Answer(reply.status, "", b"", operation), start, reply.items)
        return make_response(reply.status, reply.content_type, reply.body)

    def _handle_encrypted(
        self,
        encryption: MessageEncryption,
        received: Received,
        authentication: RequestAuthentication,
        deadline: Deadline,
    ) -> Response:
        negotiation = authentication.negotiation
        if negotiation is None:
            reason = "cannot decrypt the message: the connection was not authenticated by Negotiate\n"
            return Response(reason, status_code=400)
        try:
            data = encryption.decrypt(negotiation, received.content_type, received.body)
        except InvalidParameterError as error:
            return Response(f"{error}\n", status_code=400)
        except AccessDeniedError:
            return Response(status_code=401)
        start = time.perf_counter()
        answer = self._dispatch(received, authentication, data, deadline)
        encrypted = partial(_encrypted_response, encryption, negotiation, received.content_type)
        return self._complete_response(answer, start, encrypted)

    def _dispatch(
        self, received: Received, authentication: RequestAuthentication, data: bytes, deadline: Deadline
    ) -> Answer:
        """Run a request."""
        peer = received.connection.peer.address
        raw_request = ReceivedRequest(
            data, authentication.caller, peer, received.content_type, received.path, received.headers
        )
        answer = self._parts.dispatcher.answer(self._door, raw_request, deadline)
        if answer.rest is not None:
            answer.rest.is_allowed = self._parts.authenticator.check_of_validity(
                received.connection.peer, received.credentials, authentication.caller
            )
        return answer

    def _count(self, answer: Answer, start: float, items: int) -> None:
        """Count a complete answer in the metrics: the seconds since ``start``, and its rows or events."""
        if self._parts.metrics is not None:
            outcome = "answered" if answer.status == OK else "refused"
            self._parts.metrics.count_answer(answer.operation, outcome, items, time.perf_counter() - start)


async def _metrics(parts: ServerParts, metrics: Metrics, request: Request) -> Response:
    """Return the metrics to an administrator; with ``metrics = "loopback"`` also to any client on this host."""
    deadline = Deadline(parts.dispatcher.limits.seconds)
    received, disconnected = received_head(request), partial(wait_until_disconnected, request.receive)
    try:
        # One claimant for all scrapes on loopback, so that they use one share of the threads.
        claimant = Claimant("metrics")
        if not (parts.are_metrics_open_on_loopback and received.connection.peer.loopback):
            authenticate, claimant = await start_authentication(parts, received, deadline, disconnected)
            authentication = await parts.pool.run(claimant, authenticate, deadline, disconnected)
            if authentication.caller is None:
                return _with_challenges(Response(status_code=401), authentication)
            if not authentication.caller.administrator:
                return Response("access denied: only administrators may read the metrics\n", status_code=403)
        text = await parts.pool.run(claimant, metrics.text, deadline, disconnected)
        return Response(text, media_type=CONTENT_TYPE_LATEST)
    except ClientDisconnectedError:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    except LogonscopeError as error:
        return Response(f"{error}\n", status_code=503)


async def start_authentication(
    parts: ServerParts, received: Received, deadline: Deadline, wait_for_disconnect: Callable[[], Awaitable[None]]
) -> tuple[Callable[[], RequestAuthentication], Claimant]:
    """Return a function that authenticates a request, and the Claimant to whose limit of threads the request counts.

    A password or a ticket is checked here, in a pool of its own where each address has its share, so that password
    guesses delay no request. An authentication that is quick is left to the thread that runs the request. This function
    raises the errors of ``Authenticator.delay`` and ``WorkerPool.run``.
    """
    peer, credentials = received.connection.peer, received.credentials
    authenticate = partial(_authenticate, parts.authenticator, peer, credentials)
    # The delay after failed attempts is spent in the event loop, so that it takes no thread; it does not count against
    # the timeout of the request.
    if credentials is not None and (seconds := parts.authenticator.delay(peer, credentials)):
        await asyncio.sleep(seconds)
        deadline.move(parts.dispatcher.limits.seconds)
    if parts.authenticator.is_quick(peer, credentials):
        return authenticate, _claimant(peer, parts.authenticator.known_caller(peer))
    # PAM may take two seconds for a check: users who have authenticated from this address before may use a reserved
    # thread, so that they do not wait for the password guesses of others.
    is_known = credentials is not None and parts.authenticator.is_known(peer, credentials)
    password_claimant = Claimant(client_network(peer.address), Rank.ADMINISTRATOR if is_known else Rank.ORDINARY)
    authentication = await parts.password_pool.run(password_claimant, authenticate, deadline, wait_for_disconnect)
    return authentication.itself, _claimant(peer, authentication.caller)


def _claimant(peer: Peer, caller: Caller | None) -> Claimant:
    """Return the claimant of a request's thread: its caller, or the client address if it has no caller yet."""
    # On the unix socket only root gets a higher rank: there, members of the administrators' groups are ordinary users.
    if peer.credentials is not None:
        uid, is_local = peer.credentials.uid, peer.credentials.shares_namespaces
        if not is_local:
            return Claimant(f"uid {uid} of other namespaces")
        return Claimant(uid, Rank.ROOT if uid == 0 else Rank.ORDINARY)
    if caller is None:
        return Claimant(client_network(peer.address))
    rank = Rank.ADMINISTRATOR if caller.administrator else Rank.ORDINARY
    return Claimant(caller.name if caller.uid is None else caller.uid, rank)


def _authenticate(authenticator: Authenticator, peer: Peer, credentials: Credentials | None) -> RequestAuthentication:
    result = authenticator.authenticate(peer, credentials)
    return RequestAuthentication(result.caller, result.negotiation, challenges(result, credentials), result.reason)


def _response(status: int, content_type: str, body: bytes) -> Response:
    """Return a response with exactly this content type: Starlette adds a charset to a text ``media_type``."""
    return Response(body, status, headers={"content-type": content_type})


def _encrypted_response(
    encryption: MessageEncryption, negotiation: Negotiation, request_type: str, status: int, _: str, body: bytes
) -> Response:
    """Return the response to an encrypted request of this content type."""
    return _response(status, *encryption.encrypt(negotiation, request_type, body))


def _with_challenges(response: Response, authentication: RequestAuthentication) -> Response:
    """Add WWW-Authenticate to a 401, or to any response that continues or completes a negotiation."""
    if authentication.challenges and (response.status_code == 401 or authentication.negotiation is not None):
        for challenge in authentication.challenges:
            response.headers.append("www-authenticate", challenge)
    return response
