"""TLS connections from accept to the end of the handshake.

A connection is counted when it is accepted, and stays a plain socket until the client sends its first bytes: a silent
client costs no memory for TLS. Waiting and handshake together may take HANDSHAKE_SECONDS.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from typing import cast

from logonscope.log_intervals import LogIntervals
from logonscope.server.auth.throttle import client_network
from logonscope.server.connection import Connection, Protocol, connection_of_transport
from logonscope.server.handshake_turns import FirstBytes, Handshakes

HANDSHAKE_SECONDS = 10

_log = logging.getLogger(__name__)


class PendingHandshakes:
    """The connections that wait for their TLS handshake or are in it; used from one event loop."""

    def __init__(self, count_connection: Callable[[Connection], bool]) -> None:
        self._count_connection = count_connection
        self.first_bytes, self.handshakes = FirstBytes(), Handshakes()
        self._open: set[HandshakeProtocol] = set()
        self._log_intervals = LogIntervals()  # one for each reason of a failure: OpenSSL has some hundred reasons

    def __repr__(self) -> str:
        return f"<PendingHandshakes: {len(self._open)} open>"

    def new_protocol(
        self, context: ssl.SSLContext, make_protocol: Callable[[Connection], Protocol]
    ) -> "HandshakeProtocol":
        """Return the protocol of a new connection until its handshake ends; ``make_protocol`` makes the next one."""
        return HandshakeProtocol(self, context, make_protocol)

    def add(self, handshake: "HandshakeProtocol", connection: Connection) -> bool:
        """Count a connection; return False if it is over a limit."""
        if not self._count_connection(connection):
            return False
        self._open.add(handshake)
        return True

    def remove(self, handshake: "HandshakeProtocol") -> None:
        """Remove a connection whose handshake has ended."""
        self._open.discard(handshake)

    def report_failure(self, address: str, error: ssl.SSLError) -> None:
        """Log why a handshake failed, at most once a minute for each reason."""
        reason = _reason_of(error)
        if self._log_intervals.is_due(reason):
            _log.warning("TLS handshake with %s failed: %s", address, reason)

    def abort(self) -> None:
        """Close all pending connections, and let no new one wait for its first bytes."""
        for handshake in [*self._open]:
            handshake.abort()
        self.first_bytes.close()


class HandshakeProtocol(asyncio.Protocol):
    """The asyncio protocol of one connection, from accept to the end of the TLS handshake."""

    def __init__(
        self, pending: PendingHandshakes, context: ssl.SSLContext, make_protocol: Callable[[Connection], Protocol]
    ) -> None:
        self._pending, self._context, self._make_protocol = pending, context, make_protocol
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._early_data: list[bytes] = []  # data that was decrypted before the task saw the end of the handshake
        self._is_lost = False

    def data_received(self, data: bytes) -> None:
        self._early_data.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        self._is_lost = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        connection = connection_of_transport(transport)
        connection.abort = self.abort
        if self._pending.add(self, connection):
            self._task = asyncio.get_running_loop().create_task(self._run_handshake(self._transport, connection))
        else:
            self._transport.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _run_handshake(self, transport: asyncio.Transport, connection: Connection) -> None:
        # in connection_made, this would have no effect: Python 3.11.2 starts to read after connection_made
        transport.pause_reading()
        is_complete = False
        try:
            # the client disconnected, or sent nothing more: neither needs a log line
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    tls_transport = await self._start_tls(transport, connection)
                is_complete = tls_transport is not None and not self._is_lost
                if tls_transport is not None and is_complete:
                    self._hand_over(tls_transport, self._make_protocol(connection))
        finally:
            # the traceback of a cancelled task would keep the task and the buffers of TLS in memory
            self._task = None
            self._pending.remove(self)
            if not is_complete:
                transport.abort()
                connection.close()

    async def _start_tls(self, transport: asyncio.Transport, connection: Connection) -> asyncio.Transport | None:
        """Return the TLS transport after the handshake; None if it failed or the client disconnected."""
        await self._pending.first_bytes.wait_for_data(transport.get_extra_info("socket"))
        async with self._pending.handshakes.turn(client_network(connection.peer.address), self.abort):
            try:
                return await asyncio.get_running_loop().start_tls(
                    transport, self, self._context, server_side=True,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS, ssl_shutdown_timeout=HANDSHAKE_SECONDS,
                )  # fmt: skip
            except ssl.SSLEOFError:
                return None
            except ssl.SSLError as error:
                self._pending.report_failure(connection.peer.address, error)
                return None

    def _hand_over(self, tls_transport: asyncio.Transport, protocol: Protocol) -> None:
        """Pass the connection, and the data that arrived during the handshake, to the HTTP protocol."""
        tls_transport.set_protocol(protocol)
        protocol.connection_made(tls_transport)
        for data in self._early_data:
            protocol.data_received(data)


def _reason_of(error: ssl.SSLError) -> str:
    """Return why a handshake failed: in the words of OpenSSL, or in clearer ones where these are not clear."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate is not valid: {error.verify_message}"
    reason = (error.reason or "unknown error").lower().replace("_", " ")
    if "alert" in reason:
        return f"the client rejected it: {reason}"
    return "the client sent HTTP without TLS" if reason == "http request" else reason
