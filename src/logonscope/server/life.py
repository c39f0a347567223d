"""How does the server live? It starts, says so, answers, takes a new certificate, and stops when its requests are done.

uvicorn's Server, with three things of its own: each listener has its own kind of encryption, the signals end in an exit
code of 0, and a service manager is kept informed. SIGTERM and SIGINT stop it, SIGHUP has the certificate read again.
"""

import asyncio
import contextlib
import errno
import json
import logging
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from logonscope.dispatch.audit import AUDIT
from logonscope.errors import LogonscopeError
from logonscope.server import listening_sockets, memory, systemd
from logonscope.server.certificate import TlsContext, described, tls_context
from logonscope.server.configuration import Settings
from logonscope.server.connection import Connection, Protocol
from logonscope.server.connection_limits import Crowd
from logonscope.server.listening_sockets import Opened
from logonscope.server.tls_accept import Gates

RESERVE = 100
"""Descriptors that connections never take: for reading the machine, and for root's socket."""

QUIET = 60.0
"""Seconds between two lines of the log about the same want of descriptors."""

LAST_SECONDS: float = 5
"""For what does not even end when it is cancelled, as a thread in a read that hangs; then the kernel ends us."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160), 0x2028, 0x2029)}
_log = logging.getLogger(__name__)


def run(
    app: ASGIApp,
    settings: Settings,
    sockets: Sequence[Opened] | None = None,
    on_stop: Callable[[], object] | None = None,
    is_stuck: Callable[[], bool] = bool,
) -> None:
    """Serve until told to stop; this is all that the process is for.

    Args:
        app: needs ASGI's lifespan; each request has its Connection in ``scope["state"]["connection"]``.
        settings: as ``config.settings`` has them.
        sockets: those of ``listen.sockets`` if None.
        on_stop: called once no more connections are taken: ends requests that would wait for long.
        is_stuck: asked on behalf of the service manager's watchdog: True has the server restarted.

    Raises:
        AccessDeniedError, InvalidParameterError: a socket or the certificate cannot be had.
        LogonscopeError: the application does not start.
    """
    memory.limit_free_memory()
    raise_files()
    opened = listening_sockets.sockets(settings.listen) if sockets is None else sockets
    asyncio.run(Server(app, settings, opened, on_stop, is_stuck).serve())


class Server(uvicorn.Server):
    """One event loop for all listeners; ``serve()`` it, and ``stop()`` it from the same thread."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        opened: Sequence[Opened],
        on_stop: Callable[[], object] | None = None,
        is_stuck: Callable[[], bool] = bool,
    ) -> None:
        super().__init__(_config(app, settings))
        self.opened = opened
        self._settings, self._on_stop, self._is_stuck = settings, on_stop, is_stuck
        self._tls = tls_context(settings) if any(one.listener.tls for one in opened) else None
        most = most_connections(settings.max_connections)
        self._crowd = Crowd(most, min(most, settings.max_connections_per_address))
        self._gates: Gates | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's
        """Start the application, then listen."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            listening_sockets.close(self.opened)
            raise LogonscopeError("the server does not start", "the log says why")
        self._gates = Gates(self._crowd.enter)
        asyncio.get_running_loop().set_exception_handler(WithoutRoom().handle)
        self.servers = [await self._listen(one) for one in self.opened]
        self.started = True
        where = ", ".join(_where(one) for one in self.opened)
        _log.info("listening on %s", where)
        if self._tls is not None:
            _log.info("%s", described(self._tls, self._settings))
        self._spawn(memory.return_free_memory())
        self._spawn(systemd.keep_watchdog(self._is_stuck))
        systemd.notify("READY=1", f"STATUS=Listening on {where}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 -- uvicorn's
        """Take no more connections; let requests end, and after a while cut them off."""
        systemd.notify("STOPPING=1", "STATUS=Waiting for open requests")
        _log.info("stopping")
        listening_sockets.close(self.opened)
        if self._gates is not None:
            self._gates.abort()
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown()
        for task in self._tasks:
            task.cancel()
        self._abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Turn signals into what they ask for; in another thread than the main one there are none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        meanings = {signal.SIGTERM: self._told, signal.SIGINT: self._told, signal.SIGHUP: self._reload}
        for number, meaning in meanings.items():
            loop.add_signal_handler(number, meaning)
        try:
            yield
        finally:
            for number in meanings:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Stop; the second time, at once."""
        self.force_exit, self.should_exit = self.should_exit, True
        if self.force_exit:
            self._abort()

    async def reload(self) -> None:
        """Take the certificate as its file has it now, for connections to come; keep the old one if that is none."""
        systemd.reloading()
        try:
            if self._tls is not None:
                await self._renew(tls_context(self._settings))
        except LogonscopeError as error:
            _log.error("the certificate stays the one it was: %s", error)
        systemd.notify("READY=1")

    async def _renew(self, context: TlsContext) -> None:
        """Listen anew where there is TLS: asyncio binds a context to its listener."""
        self._tls = context
        for number, one in enumerate(self.opened):
            if one.listener.tls:
                before = self.servers[number]
                self.servers[number] = await self._listen(one)
                before.close()
        _log.info("%s", described(context, self._settings))

    async def _listen(self, one: Opened) -> asyncio.Server:
        own = one.socket.dup()  # asyncio closes it; what waits to be accepted waits on the other
        factory = self._gate if one.listener.tls else self._protocol
        # asyncio accepts so many at a time before it closes those over a limit: they have to fit into the reserve.
        server = await asyncio.get_running_loop().create_server(factory, sock=own, backlog=RESERVE // 8)
        own.listen(listening_sockets.BACKLOG)
        return server

    def _gate(self) -> asyncio.Protocol:
        assert self._gates is not None  # noqa: S101 -- made before anything listens
        assert self._tls is not None  # noqa: S101 -- the same
        return self._gates.gate(self._tls, self._protocol)

    def _protocol(self, bare: Connection | None = None) -> Protocol:
        crowd = self._crowd
        state = self.lifespan.state
        return Protocol(self.config, self.server_state, state, crowd.enter, may_answer=crowd.may_answer, bare=bare)

    def _abort(self) -> None:
        for left in list(self.server_state.connections):
            left.transport.abort()

    def _told(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._settings.stop_seconds + LAST_SECONDS)
        self.stop()

    def _reload(self) -> None:
        self._spawn(self.reload())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop holds it weakly
        task.add_done_callback(self._tasks.discard)


class WithoutRoom:
    """The event loop's handler of errors: a want of descriptors is one line a minute, not a traceback an accept."""

    def __init__(self) -> None:
        self._told = -QUIET

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error, as ``loop.set_exception_handler`` wants it."""
        error = context.get("exception")
        if isinstance(error, ValueError) and "_start_serving" in context.get("message", ""):
            return  # asyncio listens again a second after a want of descriptors; we have stopped since
        if not (isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}):
            loop.default_exception_handler(context)
        elif loop.time() - self._told >= QUIET:
            self._told = loop.time()
            _log.error("cannot accept connections: %s; raise LimitNOFILE=, or lower max_connections", error.strerror)


def most_connections(wanted: int) -> int:
    """Return how many connections there may be, of the network and of the unix socket each, within the descriptors."""
    room, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if room == resource.RLIM_INFINITY else max(1, min(wanted, (room - RESERVE) // 2))


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        workers=1,
        log_config=None,
        access_log=False,  # who asked for what is in the audit log
        proxy_headers=False,  # else whoever connects from this machine says where it comes from
        server_header=False,
        timeout_keep_alive=settings.request_seconds,
        timeout_graceful_shutdown=settings.stop_seconds,
    )


def raise_files() -> None:
    """Have as many descriptors as we may: each connection is one, before it is counted too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _where(one: Opened) -> str:
    port = 0 if one.listener.path else one.socket.getsockname()[1]
    return str(one.listener._replace(port=port))


def configure_log(settings: Settings) -> None:
    """Log to standard error, a line each: what clients send can neither break it nor make another."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if settings.log_format == "json" else _Line("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_is_no_cut_off)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # it has a switch of its own
    if settings.log_level != "debug":
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it tells of each step, and of all that is no HTTP


def _is_no_cut_off(record: logging.LogRecord) -> bool:
    """Leave out how far a request had come that was cut off at the end: uvicorn has said how many there were."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Line(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        return super().formatMessage(record).translate(_CONTROL)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        told = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        if record.name == AUDIT:
            return json.dumps(told | {"audit": json.loads(record.getMessage())})
        told["message"] = record.getMessage()
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)
