"""A running server for tests: real sockets and TLS in a thread, with test users, serving the example host."""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from argon2 import PasswordHasher

from logonscope.broker import Caller
from logonscope.faces import web
from logonscope.machine import Source
from logonscope.ownership import LINUX
from logonscope.server import listening_sockets
from logonscope.server.auth.authenticator import Authenticator
from logonscope.server.auth.user_file import UserFile
from logonscope.server.configuration import Settings, read_settings
from logonscope.server.http import HttpDoor, ServerParts, application
from logonscope.server.serve import ServedHost, build_server_parts
from logonscope.server.server import Server
from tests.broker.memory import Memory
from tests.providers.asked import SNAPSHOT

ADMIN, ALICE, BOB = ("scanner", "correct horse"), ("alice", "battery staple"), ("bob", "tr0ub4dor & 3")
"""Names and passwords: an administrator, and two who see what alice and bob see."""

QUICK = PasswordHasher(1, 8, 1)


class RunningServer(NamedTuple):
    """Where a server listens, and what it is made of."""

    http: int
    https: int
    unix: str
    folder: Path
    services: ServerParts
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def wsman(self) -> str:
        """Return the URL without TLS."""
        return f"http://127.0.0.1:{self.http}/wsman"

    @property
    def wsman_over_tls(self) -> str:
        """Return the URL with TLS."""
        return f"https://127.0.0.1:{self.https}/wsman"

    @property
    def certificate(self) -> str:
        """Return the file of the certificate that it made, for clients."""
        return str(self.folder / "self-signed.crt")


def example() -> Source:
    """Return the example host."""
    return Memory(SNAPSHOT)


def hostile() -> Source:
    """Return the example host where one process has 33,000 characters as its argument that XML writes as five each."""
    processes = tuple(
        process._replace(cmdline=b"x\0" + b"&" * 33_000 + b"\0") if process.pid == 4312 else process
        for process in SNAPSHOT.processes
    )
    return Memory(SNAPSHOT._replace(processes=processes))


def local(uid: int) -> Caller:
    """Return the caller of a uid of this machine."""
    return Caller(f"uid {uid}", uid, administrator=uid == 0)


@contextmanager
def running(
    source: Source | None = None,
    doors: tuple[HttpDoor, ...] = (),
    authenticator: Authenticator | None = None,
    uids: tuple[int, int] = (1000, 1001),
    **told: Any,
) -> Iterator[RunningServer]:
    """Run a server.

    Args:
        source: the host that it answers about.
        doors: more than it has.
        authenticator: replaces its own.
        uids: alice's and bob's.
        told: settings, as texts.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        users = UserFile(folder / "users", hasher=QUICK)
        users.add(*ADMIN, administrator=True, ntlm=True)
        users.add(*ALICE, uid=uids[0], ntlm=True)
        users.add(*BOB, uid=uids[1], ntlm=True)
        where = ["http://127.0.0.1:0", "https://127.0.0.1:0", f"unix:{folder / 'socket'}"]
        common = {
            "listen": where,
            "state": name,
            "users": str(users.path),
            "tokens": str(folder / "tokens"),
            "pam": "",
            "audit_log": str(folder / "audit"),
        }
        made = read_settings(None, common | told)
        services = build_server_parts(ServedHost(source or example(), LINUX, local), made, web.FOLDER)
        services = services if authenticator is None else services._replace(authenticator=authenticator)
        yield from _served(made, services._replace(doors=services.doors + doors), folder)


def _served(made: Settings, services: ServerParts, folder: Path) -> Iterator[RunningServer]:
    opened = listening_sockets.listen_sockets(made.listen)
    loop = asyncio.new_event_loop()
    server = Server(application(services), made, opened, on_stop=services.begin_stop)
    thread = threading.Thread(target=_serve, args=(server, loop))
    ports = [one.socket.getsockname()[1] for one in opened if not one.listener.path]
    thread.start()
    try:
        while not server.started and thread.is_alive():
            threading.Event().wait(0.01)
        yield RunningServer(ports[0], ports[1], str(folder / "socket"), folder, services, server, loop)
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join()
        services.stop()
        loop.close()
        services.pool.shutdown()
        services.password_pool.shutdown()


def _serve(server: Server, loop: asyncio.AbstractEventLoop) -> None:
    """Run a server, and cancel what is left at its end, as ``asyncio.run`` does."""
    loop.run_until_complete(server.serve())
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
