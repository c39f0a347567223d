"""TLS clients that misbehave: each sends bytes of a handshake, or after one, in another way than a client should."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from random import Random

from tests.server.test_fuzz_entrance import spoilt

PATIENCE = 15.0
"""Seconds until the server has to hang up: a handshake has ten, a request of the tests one."""

QUICK = 1.5
"""Seconds until a client leaves that is not silent."""

MAX_FLIGHTS = 10
CLOSE_NOTIFY = b"\x15\x03\x03\x00\x02\x01\x00"
"""An alert of its own record, as it is sent before there are keys (RFC 8446 6.1)."""

VERSIONS = (b"\x00\x02", b"\x02\x00", b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x03\x04", b"\x03\x05", b"\xff\xff")
SSL_2_HELLO = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01\x00\x80" * 7 + b"x" * 16
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\xff\xff" + b"x" * 99,
    b"\x17\x03\x03\x00\x20" + b"\x00" * 32,
    b"\0",
)


class TlsClient:
    """The client's side of a connection; what it sends goes through the test's hands."""

    def __init__(self, connection: socket.socket, *, tls_1_2: bool = False) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if tls_1_2:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._socket = connection

    def hello(self) -> bytes:
        """Return the first flight, a ClientHello."""
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def shake_hands(self, change: Callable[[bytes], bytes] = lambda flight: flight) -> bool:
        """Hold the handshake, each flight but the first changed; return whether the client came to its end."""
        self._socket.sendall(self.hello())
        for _ in range(MAX_FLIGHTS):
            data = self._socket.recv(1 << 16)
            self._incoming.write(data)
            is_over = True
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                is_over = False
            if flight := self._outgoing.read():
                self._socket.sendall(change(flight))
            if is_over or not data:
                return is_over
        return False

    def encrypted(self, data: bytes) -> bytes:
        """Return data as it is to be sent."""
        self._tls.write(data)
        return self._outgoing.read()

    def close_notify(self) -> bytes:
        """Return the alert by which a client says that it sends no more."""
        with suppress(ssl.SSLWantReadError, ssl.SSLSyscallError):
            self._tls.unwrap()
        return self._outgoing.read()

    def answer(self) -> bytes:
        """Return what the server sends until it says goodbye, or hangs up."""
        content = bytearray()
        while data := self._socket.recv(1 << 16):
            self._incoming.write(data)
            with suppress(ssl.SSLWantReadError):
                while part := self._tls.read(1 << 16):
                    content += part
                break  # a goodbye
        return bytes(content)


Misbehaviour = Callable[[Random, socket.socket, bytes], None]


def _spoil_hello(chance: Random, connection: socket.socket, _request: bytes) -> None:
    connection.sendall(spoilt(chance, TlsClient(connection).hello(), chance.choice((1, 1, 2, 5))))


def _cut_hello(chance: Random, connection: socket.socket, _request: bytes) -> None:
    hello = TlsClient(connection).hello()
    connection.sendall(hello[: chance.randrange(len(hello) + 1)])


def _drip_hello(chance: Random, connection: socket.socket, _request: bytes) -> None:
    client = TlsClient(connection)
    hello, step = client.hello(), chance.choice((1, 7, 50))
    for start in range(0, len(hello) - chance.choice((0, 0, 9)), step):
        connection.sendall(hello[start : start + step])
        time.sleep(0.0005)


def _wrong_version(chance: Random, connection: socket.socket, _request: bytes) -> None:
    """Name another version in the record, in the hello, or in its extension; or come with SSL 2."""
    hello = TlsClient(connection, tls_1_2=chance.random() < 0.5).hello()
    version = chance.choice(VERSIONS)
    hellos = (
        hello[:1] + version + hello[3:], hello[:9] + version + hello[11:], SSL_2_HELLO,
        hello.replace(b"\x03\x04\x03\x03", version * 2), hello.replace(b"\x03\x03", version),
    )  # fmt: skip
    connection.sendall(chance.choice(hellos))


def _no_tls(chance: Random, connection: socket.socket, request: bytes) -> None:
    connection.sendall(chance.choice((*GARBAGE, request, CLOSE_NOTIFY, CLOSE_NOTIFY * 2)))


def _spoil_finished(chance: Random, connection: socket.socket, _request: bytes) -> None:
    TlsClient(connection, tls_1_2=chance.random() < 0.5).shake_hands(lambda flight: spoilt(chance, flight, 2))


def _leave_within(chance: Random, connection: socket.socket, _request: bytes) -> None:
    """Send a hello, and close the connection or say goodbye once the server's part has come."""
    connection.sendall(TlsClient(connection, tls_1_2=chance.random() < 0.5).hello())
    connection.recv(chance.choice((1, 100, 1 << 16)))
    connection.sendall(chance.choice((b"", CLOSE_NOTIFY, *GARBAGE)))


def _garbage_after(chance: Random, connection: socket.socket, request: bytes) -> None:
    """Send something that is no record of this connection between two halves of a request, a new hello too."""
    client = TlsClient(connection, tls_1_2=chance.random() < 0.5)
    if client.shake_hands():
        half = request[: chance.randrange(len(request) + 1)]
        new_hello = TlsClient(connection).hello()
        connection.sendall(client.encrypted(half) + chance.choice((*GARBAGE, new_hello, CLOSE_NOTIFY)))


def _goodbye_within(chance: Random, connection: socket.socket, request: bytes) -> None:
    """Say goodbye after a part of a request, or after several requests."""
    client = TlsClient(connection, tls_1_2=chance.random() < 0.5)
    if client.shake_hands():
        sent = (request * 3)[: chance.randrange(3 * len(request) + 1)]
        connection.sendall((client.encrypted(sent) if sent else b"") + client.close_notify())


def _spoil_record(chance: Random, connection: socket.socket, request: bytes) -> None:
    client = TlsClient(connection, tls_1_2=chance.random() < 0.5)
    if client.shake_hands():
        connection.sendall(spoilt(chance, client.encrypted(request), chance.choice((1, 3))))


MISBEHAVIOURS: tuple[Misbehaviour, ...] = (
    _spoil_hello, _spoil_hello, _cut_hello, _drip_hello, _wrong_version, _no_tls, _spoil_finished, _leave_within,
    _garbage_after, _goodbye_within, _spoil_record,
)  # fmt: skip


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """Connect to the server."""
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as connection:
        yield connection


def misbehave(port: int, request: bytes, silent: float, seed: int) -> bytes:
    """Misbehave once, as a seed says, and return what the server sent until the end.

    Args:
        port: of the server.
        request: that a client sends once there is a handshake.
        silent: how likely it is that the client waits until the server hangs up; others leave.
        seed: decides everything.
    """
    chance, got = Random(seed), b""  # noqa: S311 -- to be the same in every run
    with connected(port) as connection, suppress(OSError):
        is_silent = chance.random() < silent
        connection.settimeout(PATIENCE if is_silent else QUICK)
        chance.choice(MISBEHAVIOURS)(chance, connection, request)
        if not is_silent and chance.random() < 0.5:
            return b""
        if not is_silent:
            connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(1 << 16):
            got += part
    return got
