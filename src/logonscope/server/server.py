"""The server process from start to stop: listeners, signals, reload of the certificate, and shutdown.

It is uvicorn's Server with three changes: each listener has its own encryption, a stop by a signal exits with code 0,
and the service manager is notified. SIGTERM and SIGINT stop the server; SIGHUP reloads the certificate. If a thread
hangs during the stop, the kernel ends the process, and the exit code is not 0.
"""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from logonscope.errors import LogonscopeError
from logonscope.log_intervals import LogIntervals
from logonscope.server import listening_sockets, memory, systemd
from logonscope.server.certificate import describe_certificate, tls_context
from logonscope.server.configuration import Settings
from logonscope.server.connection import Connection, Protocol
from logonscope.server.connection_limits import ConnectionLimits
from logonscope.server.listening_sockets import OpenSocket
from logonscope.server.process_limits import RESERVED_DESCRIPTORS, most_connections, raise_open_files_limit
from logonscope.server.tls_accept import PendingHandshakes

KILL_SECONDS: float = 5
"""Seconds after ``stop_seconds`` when the kernel ends the process: a thread in a hung read cannot be cancelled."""

SWITCH_SECONDS = 0.001
"""Seconds that a thread may compute while others wait for the interpreter; Python's default is 0.005.

The thread of the event loop waits, too, several times for each request, and waiting threads get the interpreter in no
order. Beside eight threads that compute, an administrator's request took up to 10 seconds with the default, and
0.3 seconds with this value.
"""

_log = logging.getLogger(__name__)


def run(
    app: ASGIApp,
    settings: Settings,
    sockets: Sequence[OpenSocket] | None = None,
    on_stop: Callable[[], object] | None = None,
    is_stuck: Callable[[], bool] = bool,
) -> None:
    """Run the server in this process until a signal stops it.

    Args:
        app: the ASGI application, with a lifespan; each request has its Connection in ``scope["state"]["connection"]``.
        settings: the settings of the server.
        sockets: the listening sockets; None: those of ``listening_sockets.listen_sockets``.
        on_stop: called when the server has stopped accepting connections: ends requests that would wait long.
        is_stuck: while it returns True, the watchdog of the service manager is not notified (``keep_watchdog``).

    Raises:
        AccessDeniedError, InvalidParameterError: a socket cannot be opened, or the certificate cannot be read.
        LogonscopeError: the application does not start.
    """
    memory.limit_free_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    raise_open_files_limit()
    open_sockets = listening_sockets.listen_sockets(settings.listen) if sockets is None else sockets
    asyncio.run(Server(app, settings, open_sockets, on_stop, is_stuck).serve())


class Server(uvicorn.Server):
    """A server with one event loop for all listeners; call ``serve()``, and ``stop()`` from the same thread."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        open_sockets: Sequence[OpenSocket],
        on_stop: Callable[[], object] | None = None,
        is_stuck: Callable[[], bool] = bool,
    ) -> None:
        super().__init__(_config(app, settings))
        self.open_sockets = open_sockets
        self._settings, self._on_stop, self._is_stuck = settings, on_stop, is_stuck
        self._tls = tls_context(settings) if any(open_socket.listener.tls for open_socket in open_sockets) else None
        connection_limit = most_connections(settings.max_connections)
        if connection_limit < settings.max_connections:
            _log.warning(
                "the limit of open files allows %d connections, not %d (max_connections); raise it: LimitNOFILE= of the"
                " unit, or ulimit -n", connection_limit, settings.max_connections,
            )  # fmt: skip
        self._connection_limits = ConnectionLimits(
            connection_limit, min(connection_limit, settings.max_connections_per_address)
        )
        self._pending_handshakes: PendingHandshakes | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's
        """Start the application, then the listeners."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            listening_sockets.close_sockets(self.open_sockets)
            raise LogonscopeError("cannot start the server: the application failed to start", "see the server's log")
        self._pending_handshakes = PendingHandshakes(self._connection_limits.add_connection)
        asyncio.get_running_loop().set_exception_handler(LoopErrors().handle)
        self.servers = [await self._listen(open_socket) for open_socket in self.open_sockets]
        self.started = True
        listeners = ", ".join(map(_bound_listener, self.open_sockets))
        _log.info("listening on %s", listeners)
        if self._tls is not None:
            _log.info("%s", describe_certificate(self._tls, self._settings))
        self._spawn(memory.return_free_memory())
        self._spawn(systemd.keep_watchdog(self._is_stuck))
        systemd.notify("READY=1", f"STATUS=Listening on {listeners}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's
        """Stop accepting connections; let open requests end, and cancel them after ``stop_seconds``."""
        systemd.notify("STOPPING=1", "STATUS=Waiting for open requests")
        _log.info("stopping")
        listening_sockets.close_sockets(self.open_sockets)
        if self._pending_handshakes is not None:
            self._pending_handshakes.abort()
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown()
        for task in self._tasks:
            task.cancel()
        self._abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while the server runs, if it runs in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self._stop_on_signal,
            signal.SIGINT: self._stop_on_signal,
            signal.SIGHUP: self.reload,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Stop when the open requests are answered; at the second call, stop at once."""
        self.force_exit, self.should_exit = self.should_exit, True
        if self.force_exit:
            self._abort()

    def reload(self) -> None:
        """Reload the certificate for new connections; keep the current one if the file is not valid."""
        systemd.notify_reloading()
        try:
            if self._tls is not None:
                # a handshake uses the context that is set when it begins
                self._tls = tls_context(self._settings)
                _log.info("%s", describe_certificate(self._tls, self._settings))
        except LogonscopeError as error:
            _log.error("cannot reload the certificate, keeping the current one: %s", error)
        systemd.notify("READY=1")

    async def _listen(self, open_socket: OpenSocket) -> asyncio.Server:
        """Start accepting the connections of a socket."""
        # asyncio closes the socket that it gets, and close_sockets closes the original
        duplicate = open_socket.socket.dup()
        factory = self._tls_protocol if open_socket.listener.tls else self._http_protocol
        # asyncio accepts up to ``backlog`` connections of each listener at a time, before the limits close any of them.
        # The connections of several listeners together must fit into the reserved descriptors. For the kernel, listen()
        # sets the larger backlog again.
        server = await asyncio.get_running_loop().create_server(
            factory, sock=duplicate, backlog=RESERVED_DESCRIPTORS // 8
        )
        duplicate.listen(listening_sockets.BACKLOG)
        return server

    def _tls_protocol(self) -> asyncio.Protocol:
        """Return the protocol of a connection before its TLS handshake."""
        assert self._pending_handshakes is not None  # noqa: S101 -- startup sets it before it listens
        assert self._tls is not None  # noqa: S101 -- __init__ sets it if a listener uses TLS
        return self._pending_handshakes.new_protocol(self._tls, self._http_protocol)

    def _http_protocol(self, counted_connection: Connection | None = None) -> Protocol:
        """Return the protocol of a connection without TLS, or with TLS after the handshake.

        Args:
            counted_connection: a connection with TLS, which the limits have counted before the handshake.
        """
        limits = self._connection_limits
        state = self.lifespan.state
        return Protocol(
            self.config, self.server_state, state, limits.add_connection, may_answer=limits.may_answer,
            counted_connection=counted_connection,
        )  # fmt: skip

    def _abort(self) -> None:
        """Close all connections at once."""
        for protocol in list(self.server_state.connections):
            protocol.transport.abort()

    def _stop_on_signal(self) -> None:
        """Stop the server. If a thread hangs, asyncio waits for the thread, and SIGALRM ends the process."""
        signal.setitimer(signal.ITIMER_REAL, self._settings.stop_seconds + KILL_SECONDS)
        self.stop()

    def _spawn(self, coroutine: Any) -> None:
        """Run a coroutine as a task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)  # the event loop has only a weak reference to the task
        task.add_done_callback(self._tasks.discard)


class LoopErrors:
    """The exception handler of the event loop: logs a lack of descriptors at most once a minute, without traceback.

    A harmless error after such a lack is not logged; all other errors go to the default handler.
    """

    def __init__(self) -> None:
        self._log_intervals = LogIntervals()

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error (``loop.set_exception_handler``)."""
        error = context.get("exception")
        # After EMFILE, asyncio starts listening again one second later; by then the server may have stopped.
        if isinstance(error, ValueError) and "_start_serving" in context.get("message", ""):
            return
        if not (isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}):
            loop.default_exception_handler(context)
        elif self._log_intervals.is_due("descriptors"):
            _log.error("cannot accept connections: %s; raise LimitNOFILE=, or lower max_connections", error.strerror)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        workers=1,
        log_config=None,
        access_log=False,  # the metrics count requests; the audit log has authentications and methods
        proxy_headers=False,  # with True, every client on this host could forge its address
        server_header=False,
        timeout_keep_alive=settings.request_seconds,
        timeout_graceful_shutdown=settings.stop_seconds,
    )


def _bound_listener(open_socket: OpenSocket) -> str:
    """Return the listener of a socket with the port that it really has: port 0 lets the kernel choose one."""
    port = 0 if open_socket.listener.path else open_socket.socket.getsockname()[1]
    return str(open_socket.listener._replace(port=port))
