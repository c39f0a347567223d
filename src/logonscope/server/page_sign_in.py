"""Sign-in of the page's users, over ``POST /page/...``: by password, Kerberos ticket, or `logonscope page`'s token.

A session has a cookie, which JavaScript cannot read, and a CSRF token, which the page sends with each request. Over
plain HTTP, ``POST /page/...`` sets no cookie, and accepts neither a password nor a ticket.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InvalidParameterError, LogonscopeError, RequestTooLargeError
from logonscope.machine import Deadline
from logonscope.server.auth.authenticator import NEGOTIATE, Credentials
from logonscope.server.auth.page_sessions import SESSION_SECONDS, PageSessions
from logonscope.server.auth.page_tokens import PageTokens
from logonscope.server.auth.peer import Peer
from logonscope.server.authorization import COOKIE, CSRF_HEADER, credentials_of, session_cookie
from logonscope.server.http import RequestAuthentication, ServerParts, start_authentication
from logonscope.server.origin_policy import Admission
from logonscope.server.page import Page
from logonscope.server.received import CLIENT_CLOSED_REQUEST, read_body, received_head, wait_until_disconnected
from logonscope.server.thread_calls import ClientDisconnectedError
from logonscope.wire.json.text import parse_object

MAX_OCTETS = 8192
"""Maximum size of the body of a request."""

_COOKIE_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict"
_SAME_ORIGIN = {"same-origin", ""}
"""Accepted values of Sec-Fetch-Site; "": the client is not a browser and does not send this header."""


def page_routes(
    parts: ServerParts, page: Page, admission: Admission, tokens: PageTokens | None = None
) -> tuple[Route, ...]:
    """Return the routes of the page.

    Args:
        parts: the parts of the application.
        page: the page's document.
        admission: checks the headers of a request; requests from pages of other origins are rejected.
        tokens: the tokens of ``logonscope page``; None: users sign in by a password or a Kerberos ticket.
    """
    sign_in = SignIn(parts, admission, tokens)
    handlers: Mapping[str, Callable[[Request, Peer], Awaitable[Response]]] = {
        "session": sign_in.session,
        "sign-in": sign_in.sign_in,
        "sign-in-by-ticket": sign_in.sign_in_by_ticket,
        "sign-out": sign_in.sign_out,
        "exchange": sign_in.exchange,
    }
    return (
        Route("/", page.answer, methods=["GET"]),
        *(
            Route(f"/page/{name}", partial(sign_in.answer, handler), methods=["POST"])
            for name, handler in handlers.items()
        ),
    )


class _SignedIn(NamedTuple):
    """A new session: its user, cookie and CSRF token."""

    caller: Caller
    cookie: str
    csrf_token: str


class SignIn:
    """Answers the requests of the page to sign in and out."""

    def __init__(self, parts: ServerParts, admission: Admission, tokens: PageTokens | None) -> None:
        self._parts, self._admission, self._tokens = parts, admission, tokens

    async def answer(self, handler: Callable[[Request, Peer], Awaitable[Response]], request: Request) -> Response:
        """Reject a request from a page of another origin; answer any other request."""
        peer: Peer = request.state.connection.peer
        try:
            self._admission.check(request.headers, peer)
            if request.headers.get("sec-fetch-site", "") not in _SAME_ORIGIN:
                return _error(403, "requests from pages of other origins are not allowed")
            return await handler(request, peer)
        except AccessDeniedError as error:
            return _error(403, str(error))
        except InvalidParameterError as error:
            return _error(400, str(error))
        except RequestTooLargeError as error:
            return _error(413, str(error))
        except (ClientDisconnect, ClientDisconnectedError):
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except LogonscopeError as error:  # the server is too busy, or the call timed out
            return _error(503, str(error))

    async def session(self, request: Request, peer: Peer) -> Response:
        """Return the user of the browser's session; without a session, return how the user can sign in."""
        sessions = self._sessions(peer)
        if sessions is None:
            return _json({"user": None, "sign_in": "token" if self._tokens is not None else "tls"})
        find = partial(sessions.find_caller, session_cookie(request.headers), _csrf_token(request))
        caller = await self._run_lookup(request, find)
        if caller is None:
            return _json({"user": None, "sign_in": "password", "has_kerberos": self._parts.authenticator.has_kerberos})
        return _json({"user": caller.name})

    async def sign_in(self, request: Request, peer: Peer) -> Response:
        """Begin a session of a user whose password is right."""
        sessions, members = self._sessions(peer), await _read_members(request)
        if sessions is None:
            raise AccessDeniedError("passwords are accepted over TLS only", "open the page by https")
        name, password = (_text(members, key) for key in ("user", "password"))
        signed_in, _ = await self._begin(request, sessions, Credentials("basic", name, password))
        if signed_in is None:
            return _error(403, "unknown user or wrong password")
        return _signed_in_response(signed_in)

    async def sign_in_by_ticket(self, request: Request, peer: Peer) -> Response:
        """Begin a session of a user whose browser has a Kerberos ticket (RFC 4559).

        The answer to a request without a ticket asks the browser for a ticket. Browsers send tickets only to servers
        that the settings of the browser allow.
        """
        sessions = self._sessions(peer)
        await _read_members(request)
        if sessions is None or not self._parts.authenticator.has_kerberos:
            raise AccessDeniedError("Kerberos tickets are not accepted here", "log in by a password, over TLS")
        credentials = credentials_of(request.headers.get("authorization"))
        if credentials is None or credentials.scheme != NEGOTIATE.lower():
            response = _error(401, "the browser sent no Kerberos ticket")
            response.headers["www-authenticate"] = NEGOTIATE
            return response
        try:
            signed_in, challenges = await self._begin(request, sessions, credentials)
        finally:
            # Otherwise the connection itself would stay authenticated, also for requests of pages of other origins.
            peer.session = None
        if signed_in is None:
            return _error(403, "the Kerberos ticket is of no user who may log in here")
        response = _signed_in_response(signed_in)
        if challenges:
            response.headers["www-authenticate"] = challenges[0]
        return response

    async def _begin(
        self, request: Request, sessions: PageSessions, credentials: Credentials
    ) -> tuple[_SignedIn | None, tuple[str, ...]]:
        """Begin a session if the credentials are right.

        Return the session (None: the credentials are wrong), and the values of WWW-Authenticate.
        """
        deadline = Deadline(self._parts.dispatcher.limits.seconds)
        disconnected = partial(wait_until_disconnected, request.receive)
        received = received_head(request)._replace(credentials=credentials)
        # the claimant: the user or the address to whose limit of threads the call counts
        authenticate, claimant = await start_authentication(self._parts, received, deadline, disconnected)
        begin = partial(_begin, sessions, authenticate)
        return await self._parts.pool.run(claimant, begin, deadline, disconnected)

    async def sign_out(self, request: Request, peer: Peer) -> Response:
        """End the session, or with ``everywhere`` all sessions of its user."""
        sessions, members = self._sessions(peer), await _read_members(request)
        if sessions is None:
            return _json({})
        cookie = session_cookie(request.headers)
        find = partial(sessions.find_caller, cookie, _csrf_token(request))
        caller = await self._run_lookup(request, find)
        # Ending a session needs its CSRF token, too: browsers send the cookie also for a page on another port.
        if caller is not None:
            sessions.end(cookie)
            if members.get("everywhere") is True:
                sessions.end_all(caller.name)
        response = _json({})
        response.headers["set-cookie"] = f"{COOKIE}=; {_COOKIE_ATTRIBUTES}; Max-Age=0"
        return response

    async def exchange(self, request: Request, peer: Peer) -> Response:  # noqa: ARG002 -- as the other handlers
        """Return the token that authenticates requests, in exchange for the token that works only once."""
        token = _text(await _read_members(request), "token")
        bearer = None if self._tokens is None else self._tokens.exchange(token)
        if self._tokens is None or bearer is None:
            return _error(403, "this address was opened already, or has expired")
        return _json({"token": bearer, "user": self._tokens.user})

    def _sessions(self, peer: Peer) -> PageSessions | None:
        """Return the sessions; None over plain HTTP, and for ``logonscope page``, which uses tokens instead."""
        return self._parts.sessions if peer.tls and self._tokens is None else None

    async def _run_lookup(self, request: Request, find: Callable[[], Caller | None]) -> Caller | None:
        """Look for a session in a thread: ``find`` may also look up an account, which can take long."""
        deadline = Deadline(self._parts.dispatcher.limits.seconds)
        disconnected = partial(wait_until_disconnected, request.receive)
        received = received_head(request)._replace(credentials=None)
        _, claimant = await start_authentication(self._parts, received, deadline, disconnected)
        return await self._parts.pool.run(claimant, find, deadline, disconnected)


def _begin(
    sessions: PageSessions, authenticate: Callable[[], RequestAuthentication]
) -> tuple[_SignedIn | None, tuple[str, ...]]:
    """Begin a session if the credentials are right; runs in a thread."""
    authentication = authenticate()
    caller = authentication.caller
    signed_in = None if caller is None else _SignedIn(caller, *sessions.begin(caller))
    return signed_in, authentication.challenges


def _signed_in_response(signed_in: _SignedIn) -> Response:
    """Return the response that gives a browser its session."""
    response = _json({"user": signed_in.caller.name, "csrf_token": signed_in.csrf_token})
    cookie = f"{COOKIE}={signed_in.cookie}; {_COOKIE_ATTRIBUTES}; Max-Age={SESSION_SECONDS}"
    response.headers["set-cookie"] = cookie
    return response


async def _read_members(request: Request) -> Mapping[str, Any]:
    """Return the members of the request.

    Raises:
        InvalidParameterError: the content type is not JSON, or the body is not an object, or is compressed.
        RequestTooLargeError: the body has more than MAX_OCTETS octets.
    """
    # For a page of another site, a browser sends this type only if the answer to a preflight request allows it.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidParameterError("invalid content type: expected application/json")
    return parse_object(await read_body(request, MAX_OCTETS))


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(f"invalid {name}: expected a text")
    return value


def _csrf_token(request: Request) -> str:
    return request.headers.get(CSRF_HEADER, "")


def _json(members: Mapping[str, Any]) -> Response:
    return JSONResponse(members, headers={"cache-control": "no-store"})


def _error(status: int, message: str) -> Response:
    response = _json({"error": {"message": message}})
    response.status_code = status
    return response
