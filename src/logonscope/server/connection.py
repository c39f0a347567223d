"""Client connections, and uvicorn's HTTP/1.1 protocol with stricter parsing and timeouts.

A Connection exists from accept to close. ASGI requests have it as ``scope["state"]["connection"]``.
The state of authentication belongs to a connection, and ends with it.

A client must send each request completely within ``request_seconds`` after it has connected or got its last response,
and must not stop reading a response for longer than ``request_seconds``. A client that has not authenticated has less
time: the server waits UNAUTHENTICATED_SECONDS in total for its requests, and ``request_seconds`` in total while it does
not read its responses. uvicorn itself limits only the pause after a response.

This module overrides internals of uvicorn and h11: pyproject.toml pins their versions, and a test reports
which internal a new version has changed.
"""

import asyncio
import ipaddress
import logging
import re
import socket
import struct
import typing
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast, runtime_checkable

import h11
from h11._receivebuffer import ReceiveBuffer
from starlette.responses import PlainTextResponse
from uvicorn import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from logonscope.server.auth.peer import Peer, UnixCredentials
from logonscope.server.auth.peer_namespaces import shares_namespaces
from logonscope.server.certificate import TlsContext, common_name
from logonscope.server.plain_requests import MAX_HEADERS, PlainExchange, PlainReader, PlainRequest

MAX_HEAD_BYTES = 96 << 10
"""Bytes of the largest request head: a Kerberos token may have 64 KiB (MaxTokenSize), and a third more in base64."""

MAX_HEAD_LINES, MAX_CHUNKS = 1 + MAX_HEADERS, 1024
"""Maximum lines of a request head, and maximum chunks of a body without the last one, which is empty.

h11 takes 20 microseconds to parse a line or a chunk. A body of 4 MiB may have chunks of 4 KiB, which are usual.
"""

MAX_REQUEST_LINE = 8192
"""Bytes of the longest request line; to parse one with 30,000 escapes in its path would take 10 milliseconds."""

REJECTED_SECONDS = 5
"""Seconds for which a connection over a limit stays open at most, to get its 503."""

UNAUTHENTICATED_SECONDS = 10
"""Seconds that the server waits for requests of an unauthenticated connection, all requests together."""

CLOSE_NOTIFY_SECONDS = 1
"""Seconds that an idle client has to answer close_notify (TLS) at shutdown; most see it only at their next request."""

SINGLE_HEADERS = frozenset({
    b"authorization", b"content-type", b"origin", b"logonscope-as", b"logonscope-at", b"logonscope-max-line",
    b"logonscope-timeout",
})  # fmt: skip
"""Headers that a request may have only once: of two, a proxy could check the one that this server does not use."""

_LENIENT = re.compile(rb"(?<!\r)\n|\n[ \t]")
"""Lenient syntax that h11 accepts (RFC 9112 2.2 and 5.2): a line that ends with LF only, a folded header."""

_UCRED = struct.Struct("iII")
_log = logging.getLogger(__name__)


def _do_nothing() -> None:
    """Do nothing."""


def _accept_all(_connection: "Connection") -> bool:
    return True


@dataclass(eq=False)
class Connection:
    """An open connection of a client."""

    peer: Peer
    local: str
    """The server's address or path to which the client has connected."""
    on_close: list[Callable[[], object]] = field(default_factory=list)
    abort: Callable[[], object] = field(default=_do_nothing)
    """Closes the connection at once."""
    is_authenticated: bool = False

    def close(self) -> None:
        """Call each function of ``on_close`` once, even if another one raises an exception."""
        while self.on_close:
            try:
                self.on_close.pop()()
            except Exception:  # noqa: BLE001 -- an error in one function must not prevent the others
                _log.exception("internal error after closing the connection from %s", self.peer.address)


def connection_of_transport(transport: asyncio.BaseTransport) -> Connection:
    """Return the connection of a new transport."""
    client_socket: socket.socket = transport.get_extra_info("socket")
    context = transport.get_extra_info("sslcontext")
    binding = context.channel_binding if isinstance(context, TlsContext) else None
    if client_socket.family == socket.AF_UNIX:
        raw = client_socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        pid, uid, gid = _UCRED.unpack(raw)
        is_local = shares_namespaces(client_socket, pid)
        unix_peer = Peer("", False, True, UnixCredentials(pid, uid, gid, is_local), binding)
        return Connection(unix_peer, str(client_socket.getsockname()), is_authenticated=is_local)
    peer_address = _address(transport.get_extra_info("peername"))
    local_address = _address(transport.get_extra_info("sockname"))
    loopback = peer_address is not None and peer_address.is_loopback
    user = common_name(transport.get_extra_info("peercert"))
    network_peer = Peer(str(peer_address or ""), context is not None, loopback, None, binding, certificate_user=user)
    return Connection(network_peer, str(local_address or ""))


def _address(name: tuple[Any, ...] | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address of a socket name; an IPv4-mapped address as the IPv4 address (ipv6(7))."""
    if not name:  # the client has disconnected already
        return None
    address = ipaddress.ip_address(name[0])
    return getattr(address, "ipv4_mapped", None) or address


class _StrictBuffer(ReceiveBuffer):
    """The received data that h11 has not parsed yet.

    It rejects lines that h11 accepts but a proxy may parse differently (RFC 9112 11.2), and requests with so many lines
    or chunks that the event loop would parse them for a second, while all other clients wait.
    """

    _checked_length = 0
    _chunk_count = 0

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Return the lines of a complete head, or of the trailers after a body; None: they are incomplete.

        Raises:
            h11.LocalProtocolError: the lines are invalid, ambiguous or too many; h11 makes it a RemoteProtocolError.
        """
        # an empty line: the body has no trailers
        if not self._data.startswith(b"\r\n"):
            self._check_lines(self._data)
        lines: list[bytearray] | None = super().maybe_extract_lines()
        if lines is not None:
            self._chunk_count = 0
            if len(lines) > MAX_HEAD_LINES:
                raise h11.LocalProtocolError(f"invalid request: more than {MAX_HEAD_LINES} lines before its body")
            if lines and len(lines[0]) > MAX_REQUEST_LINE:
                raise h11.LocalProtocolError("invalid request: the request line is too long")
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        """Return the line with the length of a chunk; None: it is incomplete.

        Raises:
            h11.LocalProtocolError: the body has too many chunks.
        """
        line: bytearray | None = super().maybe_extract_next_line()
        self._chunk_count += line is not None
        if self._chunk_count > MAX_CHUNKS + 1:
            raise h11.LocalProtocolError(f"invalid request: more than {MAX_CHUNKS} chunks")
        return line

    def _check_lines(self, data: bytearray) -> None:
        # A head that arrives byte by byte must not be searched again from its start each time. The last 3 bytes are
        # searched again, since an empty line may begin in them.
        begin = max(0, self._checked_length - 3)
        end = data.find(b"\r\n\r\n", begin)
        self._checked_length = len(data) if end < 0 else 0
        lenient = _LENIENT.search(data, begin, len(data) if end < 0 else end + 2)
        if lenient is not None:
            is_folded = lenient[0].endswith((b" ", b"\t"))
            raise h11.LocalProtocolError(
                f"invalid request: {'a folded header' if is_folded else 'a line that ends with LF only'}"
            )


class _Strict(h11.Connection):
    """Rejects ambiguous requests that h11 accepts, since a proxy may parse them differently (RFC 9112 11.2)."""

    def __init__(self, our_role: type[h11.SERVER], max_incomplete_event_size: int = MAX_HEAD_BYTES) -> None:
        super().__init__(our_role, max_incomplete_event_size)
        self._receive_buffer = _StrictBuffer()

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: the request is invalid or ambiguous.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = [name for name, _ in event.headers]
            if b"content-length" in names and b"transfer-encoding" in names:
                self._reject("Content-Length with Transfer-Encoding")  # RFC 9112 6.1
            if repeated := [name for name in SINGLE_HEADERS.intersection(names) if names.count(name) > 1]:
                self._reject(f"more than one header {repeated[0].decode('ascii').title()}")
        return event

    def _reject(self, problem: str) -> NoReturn:
        self._process_error(self.their_role)
        raise h11.RemoteProtocolError(f"invalid request: {problem}")


class _OneWrite(_Strict):
    """Writes the head of a response together with the first part of its body, so that the client wakes up once."""

    _head: Sequence[bytes] = ()

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        """Return the data to write for an event; None: close the connection."""
        data = super().send_with_data_passthrough(event)
        if data is not None and isinstance(event, h11.Response):
            self._head = data
            return []
        head, self._head = self._head, ()
        return None if data is None else [*head, *data]


@runtime_checkable
class PlainApplication(typing.Protocol):
    """An ASGI application that also answers plain requests (plain_requests.py), without the dictionaries of ASGI."""

    def answer_plain(self, connection: Connection, request: PlainRequest, exchange: PlainExchange) -> bool:
        """Start to answer a plain request; return False if only the ASGI application itself can answer it."""


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, with a Connection for the requests, and timeouts for idle and slow clients."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        count_connection: Callable[[Connection], bool] = _accept_all,
        *,
        may_answer: Callable[[Connection], bool] = _accept_all,
        counted_connection: Connection | None = None,
    ) -> None:
        """Create the protocol of one connection.

        Args:
            config: as in uvicorn.
            server_state: as in uvicorn.
            app_state: as in uvicorn.
            count_connection: counts a connection; returns False if it is over a limit.
            may_answer: returns whether a connection over a limit may stay open for its 503.
            counted_connection: the connection, which was counted before its TLS handshake; None: without TLS.
        """
        super().__init__(config, server_state, app_state)
        self.conn = _OneWrite(h11.SERVER)
        self._count_connection, self._may_answer = count_connection, may_answer
        self._counted_connection = counted_connection
        self._plain_reader, self._early_data = PlainReader(), b""
        self._plain_app: PlainApplication | None = None
        self._plain_exchange: PlainExchange | None = None
        self._seconds: float = config.timeout_keep_alive
        # Seconds that are left for an unauthenticated client; all requests of the connection share them.
        self._unauthenticated_seconds: float = min(self._seconds, UNAUTHENTICATED_SECONDS)
        # Seconds for which responses may still wait for an unauthenticated client that reads slowly, all together.
        self._unauthenticated_reading_seconds: float = self._seconds
        self._response_wait_start = 0.0
        self._request_wait_start = 0.0
        self._request_timer: asyncio.TimerHandle | None = None  # runs until the next request is complete
        self._response_timer: asyncio.TimerHandle | None = None  # runs while the client does not read its response
        self.connection: Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Create and count the Connection, or take the one counted before the handshake; wait for the first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        new_connection = connection_of_transport(transport)
        if self._counted_connection is not None:
            self._counted_connection.peer, new_connection = new_connection.peer, self._counted_connection
        self.connection = new_connection
        new_connection.abort = self.transport.abort
        self.app_state = {**self.app_state, "connection": new_connection}
        if self._counted_connection is None and not self._count_connection(new_connection):
            self.app = service_unavailable
            self._seconds = min(self._seconds, REJECTED_SECONDS)
            if not self._may_answer(new_connection):
                self.transport.abort()
                return
        self._plain_app = self.app if isinstance(self.app, PlainApplication) else None
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and close the Connection."""
        self._stop_request_timer()
        self._stop_response_timer()
        super().connection_lost(exc)
        if self.connection is not None:
            self.connection.close()

    def data_received(self, data: bytes) -> None:
        """Answer a request in the usual form (plain_requests.py), or pass the received data to h11."""
        if self._plain_exchange is not None:
            # The next request waits until this one is answered.
            self._early_data += data
            self.flow.pause_reading()
        elif self._plain_app is not None and self._is_between_requests():
            request = self._plain_reader.read(data, may_wait=self._is_authenticated)
            if isinstance(request, bytes):
                super().data_received(request)
            elif request is not None and not self._answer_plain(self._plain_app, request):
                super().data_received(request.data)
        else:
            super().data_received(data)

    def handle_events(self) -> None:
        """Handle the events of h11; stop the request timer when a request is complete."""
        super().handle_events()
        if self.conn.their_state in {h11.DONE, h11.MUST_CLOSE}:
            self._stop_request_timer()

    def on_response_complete(self) -> None:
        """Start the timer for the next request, or, if the connection is to close, for the reading of the response."""
        self._await_request()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Send 400 for invalid data, or close the connection if a response has begun already."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            # If only the body is invalid, the application already runs, and must stop waiting for the body.
            if self.cycle is not None:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """Start the timer of the response: the client must continue to read before the timer ends."""
        super().pause_writing()
        seconds = self._seconds if self._is_authenticated else self._unauthenticated_reading_seconds
        self._response_wait_start = self.loop.time()
        self._response_timer = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer of the response: the client has read a part of it."""
        self._stop_response_timer()
        super().resume_writing()

    def shutdown(self) -> None:
        """Close the connection after its current request; do not wait long for close_notify of an idle TLS client."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(CLOSE_NOTIFY_SECONDS, self._abort_if_idle)

    @property
    def _is_authenticated(self) -> bool:
        return self.connection is not None and self.connection.is_authenticated

    def _is_between_requests(self) -> bool:
        """Return whether the next byte is the first one of a request, or one of an incomplete plain request."""
        return (
            self.conn.their_state is h11.IDLE
            and self.conn.our_state is h11.IDLE
            and (self.cycle is None or self.cycle.response_complete)
            and not self.conn.trailing_data[0]
        )

    def _answer_plain(self, app: PlainApplication, request: PlainRequest) -> bool:
        """Start to answer a plain request; return False if the application leaves the request to its ASGI interface."""
        assert self.connection is not None  # noqa: S101 -- connection_made sets it
        self._plain_exchange = exchange = PlainExchange(
            self.transport, self.flow, self.server_state.default_headers, self._start_plain_task, self._end_plain
        )
        # uvicorn treats the exchange like a request of its own: at a disconnect, and when the server stops.
        previous_cycle, self.cycle = self.cycle, cast("Any", exchange)
        self._stop_request_timer()
        if not app.answer_plain(self.connection, request, exchange):
            self._plain_exchange, self.cycle = None, previous_cycle
            return False
        return True

    def _start_plain_task(self, answer: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(self._finish_plain(answer))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _finish_plain(self, answer: Coroutine[Any, Any, None]) -> None:
        exchange = self._plain_exchange
        assert exchange is not None  # noqa: S101 -- set before its task starts
        try:
            await answer
        except BaseException:  # as uvicorn does: a programming error, or cancelled at the stop
            self.logger.exception("Exception in ASGI application\n")
            exchange.keep_alive = False
            if exchange.is_started:
                self.transport.close()
            else:
                await PlainTextResponse("Internal Server Error", 500)({"type": "http"}, exchange.receive, exchange.send)
        self._end_plain()

    def _end_plain(self) -> None:
        """Go on with the next request."""
        self._plain_exchange = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._await_request()
        self.flow.resume_reading()
        if self._early_data:
            data, self._early_data = self._early_data, b""
            self.data_received(data)

    def _await_request(self) -> None:
        """Start the timer for the next request."""
        self._stop_request_timer()
        seconds = self._seconds if self._is_authenticated else min(self._seconds, self._unauthenticated_seconds)
        self._request_wait_start = self.loop.time()
        self._request_timer = self.loop.call_later(seconds, self._close_overdue)

    def _close_overdue(self) -> None:
        """Close a connection whose next request is overdue."""
        # close() would first write the buffered response, and this client does not read it.
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _abort_if_idle(self) -> None:
        if not self.transport.get_write_buffer_size():
            self.transport.abort()

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
            self._unauthenticated_seconds -= self.loop.time() - self._request_wait_start

    def _stop_response_timer(self) -> None:
        if self._response_timer is not None:
            self._response_timer.cancel()
            self._response_timer = None
            self._unauthenticated_reading_seconds -= self.loop.time() - self._response_wait_start
