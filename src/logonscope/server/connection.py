"""The connections of clients, each one object from first byte to last: ``scope["state"]["connection"]``.

Authentication holds for a connection, so what it keeps ends with it. Whoever is connected owes a request: whole, within
``request_seconds`` of arriving or of the last answer. Whoever asked has as long to take what it asked for. uvicorn
itself bounds only the pause after an answer. Internals of uvicorn and h11 are overridden here: pyproject.toml bounds
their versions, and a test says which internal a new version changed.
"""

import asyncio
import ipaddress
import logging
import re
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from logonscope.server.auth.peer import Peer, UnixCredentials
from logonscope.server.certificate import TlsContext

LONGEST_HEADERS = 96 << 10
"""Bytes: a Kerberos token may have 64 KiB (MaxTokenSize), a third more in base64."""

HURRIED = 5
"""Seconds that a connection has for which there is no room: it is only there to be told so."""

STRANGER_SECONDS = 10
"""Seconds that are waited for all requests of a connection together, as long as it is not authenticated."""

GOODBYE = 1
"""Seconds that an idle client has to answer TLS's goodbye when the server stops; most only look when they ask again."""

_LENIENT = re.compile(rb"(?<!\r)\n|\n[ \t]")
"""RFC 9112 2.2 and 5.2: a line that ends with LF alone, and a header that goes on in the next line."""

_UCRED = struct.Struct("iII")
_log = logging.getLogger(__name__)


def _nothing() -> None:
    """Do nothing."""


@dataclass(eq=False)
class Connection:
    """One client's connection, while it lasts."""

    peer: Peer
    local: str
    """The address or path that it was made to."""
    on_close: list[Callable[[], object]] = field(default_factory=list)
    abort: Callable[[], object] = field(default=_nothing)
    """Ends the connection at once."""
    is_authenticated: bool = False

    def close(self) -> None:
        """Call whoever wants to know that it is over, each once and each whatever the others do."""
        while self.on_close:
            try:
                self.on_close.pop()()
            except Exception:  # noqa: BLE001 -- whatever it is, it is theirs
                _log.exception("after the end of a connection from %s", self.peer.address)


def connection(transport: asyncio.BaseTransport) -> Connection:
    """Return the connection of a transport that was made just now."""
    there: socket.socket = transport.get_extra_info("socket")
    context = transport.get_extra_info("sslcontext")
    binding = context.channel_binding if isinstance(context, TlsContext) else None
    if there.family == socket.AF_UNIX:
        raw = there.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        credentials = UnixCredentials(*_UCRED.unpack(raw))
        return Connection(Peer("", False, True, credentials, binding), str(there.getsockname()), is_authenticated=True)
    peer = _address(transport.get_extra_info("peername"))
    local = _address(transport.get_extra_info("sockname"))
    loopback = peer is not None and peer.is_loopback
    return Connection(Peer(str(peer or ""), context is not None, loopback, None, binding), str(local or ""))


def _address(name: tuple[Any, ...] | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address; that of an IPv4 client as such, also where a socket takes both (ipv6(7))."""
    if not name:  # it is gone already
        return None
    address = ipaddress.ip_address(name[0])
    return getattr(address, "ipv4_mapped", None) or address


class _Strict(h11.Connection):
    """Refuses what h11 lets pass, and what a proxy in front may read in another way than it does (RFC 9112 11.2)."""

    _checked = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: the request is none, or ambiguous.
        """
        if self.their_state is h11.IDLE:
            self._check_head(self._receive_buffer._data)  # noqa: SLF001 -- nothing else has the lines as they came
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = [name for name, _ in event.headers]
            if b"content-length" in names and b"transfer-encoding" in names:
                self._refuse("Content-Length with Transfer-Encoding")  # RFC 9112 6.1
            if names.count(b"authorization") > 1:
                self._refuse("more than one Authorization")
        return event

    def _check_head(self, data: bytearray) -> None:
        begin = max(0, self._checked - 3)  # a head that comes byte by byte is not searched anew with each
        end = data.find(b"\r\n\r\n", begin)
        self._checked = len(data) if end < 0 else 0
        bad = _LENIENT.search(data, begin, len(data) if end < 0 else end + 2)
        if bad is not None:
            self._refuse("a folded header" if bad[0].endswith((b" ", b"\t")) else "a line that ends with LF alone")

    def _refuse(self, what: str) -> NoReturn:
        self._process_error(self.their_role)
        raise h11.RemoteProtocolError(f"{what} is not accepted")


class _Whole(_Strict):
    """Gives the head of an answer out with the first of its body: one write, for which a client wakes up once."""

    _head: Sequence[bytes] = ()

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        """Return what is to be written for an event; None: the connection is to be closed."""
        data = super().send_with_data_passthrough(event)
        if data is not None and isinstance(event, h11.Response):
            self._head = data
            return []
        head, self._head = self._head, ()
        return None if data is None else [*head, *data]


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a connection that requests can see, and that cannot be held for nothing."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        enter: Callable[[Connection], bool] = lambda _: True,
        *,
        may_answer: Callable[[Connection], bool] = lambda _: True,
        bare: Connection | None = None,
    ) -> None:
        """Take what uvicorn's takes, and who counts connections.

        Args:
            config: uvicorn's.
            server_state: uvicorn's.
            app_state: uvicorn's.
            enter: counts a connection; False: there is no room for it.
            may_answer: whether one without room may stay for its 503.
            bare: the connection as it was counted before its TLS handshake.
        """
        super().__init__(config, server_state, app_state)
        self.conn = _Whole(h11.SERVER, LONGEST_HEADERS)
        self._enter, self._may_answer, self._bare = enter, may_answer, bare
        self._seconds: float = config.timeout_keep_alive
        self._stranger_seconds: float = min(self._seconds, STRANGER_SECONDS)
        self._owed_since = 0.0
        self._owed: asyncio.TimerHandle | None = None  # a request
        self._untaken: asyncio.TimerHandle | None = None  # an answer
        self.connection: Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make the connection known to each of its requests."""
        super().connection_made(cast("asyncio.Transport", transport))
        made = connection(transport)
        if self._bare is not None:
            self._bare.peer, made = made.peer, self._bare
        self.connection = made
        made.abort = self.transport.abort
        self.app_state = {**self.app_state, "connection": made}
        if self._bare is None and not self._enter(made):
            self.app = service_unavailable
            self._seconds = min(self._seconds, HURRIED)
            if not self._may_answer(made):
                self.transport.abort()
                return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection, and what was kept for it."""
        self._settle()
        self._take_up()
        super().connection_lost(exc)
        if self.connection is not None:
            self.connection.close()

    def handle_events(self) -> None:
        """Look at what came; a request that came whole is owed no more."""
        super().handle_events()
        if self.conn.their_state in {h11.DONE, h11.MUST_CLOSE}:
            self._settle()

    def on_response_complete(self) -> None:
        """Wait for the next request, or where there is to be none for the answer to be taken."""
        self._await_request()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, unless an answer is under way: there is no place for another."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            if self.cycle is not None:  # its head was sound, its body is not: whoever answers it has nobody to tell
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """Wait for the client to take what it asked for."""
        super().pause_writing()
        self._untaken = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it took some."""
        self._take_up()
        super().resume_writing()

    def shutdown(self) -> None:
        """Close the connection after its request, if it has one; wait for no idle client's goodbye (TLS)."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(GOODBYE, self._leave)

    def _await_request(self) -> None:
        self._settle()
        is_known = self.connection is not None and self.connection.is_authenticated
        seconds = self._seconds if is_known else min(self._seconds, self._stranger_seconds)
        self._owed_since = self.loop.time()
        self._owed = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # it does not even take what was answered: close() would wait for that
        else:
            self.transport.close()

    def _leave(self) -> None:
        if not self.transport.get_write_buffer_size():
            self.transport.abort()

    def _settle(self) -> None:
        if self._owed is not None:
            self._owed.cancel()
            self._owed = None
            self._stranger_seconds -= self.loop.time() - self._owed_since

    def _take_up(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
