"""TLS connections up to the end of their handshake: counted bare sockets until the client has sent something.

Waiting and handshake together may take HANDSHAKE_SECONDS.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

from logonscope.server.auth.throttle import place_of
from logonscope.server.connection import Connection, Protocol, connection
from logonscope.server.handshake_turns import FirstBytes, Handshakes

HANDSHAKE_SECONDS = 10


class Gates:
    """The connections that wait for their handshake, or are in it; for one event loop."""

    def __init__(self, enter: Callable[[Connection], bool]) -> None:
        self._enter = enter
        self.first_bytes, self.handshakes = FirstBytes(), Handshakes()
        self._open: set[Gate] = set()

    def __repr__(self) -> str:
        return f"<Gates: {len(self._open)} open>"

    def gate(self, context: ssl.SSLContext, protocol: Callable[[Connection], Protocol]) -> "Gate":
        """Return the protocol of a connection that was just accepted."""
        return Gate(self, context, protocol)

    def enter(self, gate: "Gate", bare: Connection) -> bool:
        """Count a connection; False: there is no room."""
        if not self._enter(bare):
            return False
        self._open.add(gate)
        return True

    def leave(self, gate: "Gate") -> None:
        """Forget a connection that is through, or has ended."""
        self._open.discard(gate)

    def abort(self) -> None:
        """End all that wait, for good."""
        for gate in [*self._open]:
            gate.abort()
        self.first_bytes.close()


class Gate(asyncio.Protocol):
    """One connection from its accept to the end of its handshake."""

    def __init__(self, gates: Gates, context: ssl.SSLContext, protocol: Callable[[Connection], Protocol]) -> None:
        self._gates, self._context, self._protocol = gates, context, protocol
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []  # came before this task learned that the handshake was over
        self._is_lost = False

    def data_received(self, data: bytes) -> None:
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        self._is_lost = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        bare = connection(transport)
        bare.abort = self.abort
        if self._gates.enter(self, bare):
            self._task = asyncio.get_running_loop().create_task(self._shake_hands(self._transport, bare))
        else:
            self._transport.abort()

    def abort(self) -> None:
        """End the connection."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _shake_hands(self, transport: asyncio.Transport, bare: Connection) -> None:
        transport.pause_reading()  # not in connection_made: there, Python 3.11.2 starts to read all the same
        is_through = False
        try:
            with contextlib.suppress(OSError, TimeoutError):  # ssl.SSLError among them: the client has gone, or no TLS
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    tls = await self._encrypted(transport, bare)
                is_through = tls is not None and not self._is_lost
                if tls is not None and is_through:
                    self._hand_over(tls, self._protocol(bare))
        finally:
            self._task = None  # else a cancelled task keeps itself and the buffers of TLS, by its traceback
            self._gates.leave(self)
            if not is_through:
                transport.abort()
                bare.close()

    async def _encrypted(self, transport: asyncio.Transport, bare: Connection) -> asyncio.Transport | None:
        """Return the transport of the connection once its handshake is over; None where the client has gone."""
        await self._gates.first_bytes.of(transport.get_extra_info("socket"))
        async with self._gates.handshakes.turn(place_of(bare.peer.address), self.abort):
            return await asyncio.get_running_loop().start_tls(
                transport, self, self._context, server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS, ssl_shutdown_timeout=HANDSHAKE_SECONDS,
            )  # fmt: skip

    def _hand_over(self, tls: asyncio.Transport, protocol: Protocol) -> None:
        tls.set_protocol(protocol)
        protocol.connection_made(tls)
        for data in self._early:
            protocol.data_received(data)
