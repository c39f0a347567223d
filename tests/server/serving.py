"""A small ASGI application, and a thread or process that serves it, for tests of the server without doors."""

import asyncio
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from logonscope.server import listening_sockets, logs, server
from logonscope.server.configuration import Settings, parse_listener, read_settings
from logonscope.server.connection import Connection

PATIENCE = 5.0


async def shown(request: Request) -> Response:
    """Tell about the connection, and how often it was asked on it."""
    connection: Connection = request.state.connection
    peer = connection.peer
    peer.session = (peer.session or 0) + 1
    binding = peer.channel_binding
    return JSONResponse({
        "peer": peer.address, "local": connection.local, "tls": peer.tls, "loopback": peer.loopback,
        "credentials": peer.credentials, "binding": binding.hex() if binding else None,
        "session": peer.session, "seen": [request.client.host if request.client else None, request.url.scheme],
    })  # fmt: skip


async def slow(request: Request) -> Response:
    """Answer after a while."""
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("done")


async def stuck(_: Request) -> Response:
    """Never answer, and not heed being cancelled either."""
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    return PlainTextResponse("done")


async def early(_: Request) -> Response:
    """Answer without a look at the body."""
    return PlainTextResponse("no", status_code=401)


async def large(_: Request) -> Response:
    """Answer with more than any buffer takes."""
    return Response(b"x" * (32 << 20))


async def body(request: Request) -> Response:
    """Answer with the length of the body."""
    return PlainTextResponse(str(len(await request.body())))


def application(*more: Route) -> Starlette:
    """Return an application with these routes and more."""
    here = [
        Route(f"/{door.__name__}", door, methods=["GET", "POST"]) for door in (shown, slow, stuck, early, large, body)
    ]
    return Starlette(routes=[*here, *more])


class Serving:
    """A server that runs in a thread of this process."""

    def __init__(self, told: Settings, app: Starlette, on_stop: Callable[[], object] | None) -> None:
        self.server = server.Server(app, told, listening_sockets.open_sockets(told.listen), on_stop)
        self.addresses = [one.socket.getsockname() for one in self.server.open_sockets]
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.server.serve()

    def call(self, function: Callable[[], object]) -> None:
        """Call something in the server's thread."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(function)

    def reload(self) -> None:
        """Reload, and wait until it is done."""
        assert self.loop is not None

        async def reload() -> None:
            self.server.reload()

        asyncio.run_coroutine_threadsafe(reload(), self.loop).result(PATIENCE)

    def connect(self, number: int = 0, *, trusting: Path | None = None, plain: bool = False) -> socket.socket:
        """Connect to a listener; over TLS where it wants that, unless ``plain``."""
        address = self.addresses[number]
        family = (
            socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if len(address) == 4 else socket.AF_INET
        )
        client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(PATIENCE)
        client.connect(address)
        if plain or not self.server.open_sockets[number].listener.tls:
            return client
        context = ssl.create_default_context(cafile=trusting)
        if trusting is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(client, server_hostname="localhost")


@contextmanager
def serving(
    *urls: str,
    app: Starlette | None = None,
    on_stop: Callable[[], object] | None = None,
    **told: Any,
) -> Iterator[Serving]:
    """Serve on these listeners (default: a free port of 127.0.0.1) with these settings."""
    where = tuple(map(parse_listener, urls or ("http://127.0.0.1:0",)))
    runs = Serving(Settings(listen=where, **({"stop_seconds": 1} | told)), app or application(), on_stop)
    runs.thread.start()
    wait_until(lambda: runs.server.started)
    try:
        yield runs
    finally:
        runs.call(runs.server.stop)
        runs.thread.join(PATIENCE * 2)
        assert not runs.thread.is_alive()


def wait_until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def ask(client: socket.socket, path: str = "/shown", *headers: str, content: bytes = b"") -> tuple[int, bytes]:
    """Send a request and return status and body of its answer."""
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(content)}", *headers, "", ""]
    client.sendall("\r\n".join(lines).encode() + content)
    return answer(client)


def answer(client: socket.socket) -> tuple[int, bytes]:
    """Read an answer."""
    status, _, content = whole_answer(client)
    return status, content


def whole_answer(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read an answer with its headers."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(1 << 16)
        assert part, f"closed after {data!r}"
        data += part
    head, _, content = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    whole = bytearray(content)
    while len(whole) < int(headers["content-length"]):
        whole += client.recv(1 << 20)
    return int(first.split()[1]), headers, bytes(whole)


def shown_to(client: socket.socket) -> dict[str, Any]:
    """Return what the server says about this connection."""
    status, content = ask(client)
    assert status == 200
    told: dict[str, Any] = json.loads(content)
    return told


def is_closed(client: socket.socket) -> bool:
    """Wait for the end of the connection."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionResetError:
        return True
    return True


if __name__ == "__main__":  # a process of its own: the argument is its settings file
    told = read_settings(sys.argv[1])
    logs.configure_log(told)
    server.run(application(), told, on_stop=lambda: print("told to stop", flush=True))
    print("stopped", flush=True)
