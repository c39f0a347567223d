"""An attacker that holds connections open from many addresses and opens each anew that is closed.

connection_holder PORT COUNT ADDRESSES MODE; the mode says what is sent over each connection: `silent`, nothing;
`dripped`, the first half of a ClientHello, a byte every half second; `half`, the first half of the head of a request.
"""

import contextlib
import errno
import json
import selectors
import socket
import ssl
import sys
import time

from tests.siege.attackers.identity import become, take_descriptors

UID = 64_501
DRIP = 0.5
"""Seconds between two bytes, and before a closed connection is opened anew."""

HALF_HEAD = b"POST /wsman HTTP/1.1\r\nHost: server\r\nContent-Type: application/soap+xml\r\nContent-Le"


def half_hello() -> bytes:
    """Return the first half of the ClientHello of this Python."""
    context, out = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    hello = out.read()
    return hello[: len(hello) // 2]


def is_closed(client: socket.socket) -> bool:
    """Take what came, and return whether it was the end of the connection."""
    try:
        return not client.recv(1 << 16)
    except BlockingIOError:
        return False
    except OSError:
        return True


class Held:
    """One connection, whose end leads to the next one."""

    def __init__(self, number: int, content: bytes, step: int) -> None:
        self.number, self._content, self._step = number, content, step
        self._sent = 0
        self.client = socket.socket()
        self.client.setblocking(False)

    def send(self) -> None:
        """Send the next bytes, if there are any left."""
        part = self._content[self._sent : self._sent + self._step]
        if part:
            with contextlib.suppress(OSError):  # it is not connected yet, or not any more
                self._sent += self.client.send(part)


class Holder:
    """All connections; for one thread."""

    def __init__(self, port: int, addresses: int, content: bytes, step: int) -> None:
        self._port, self._addresses, self._content, self._step = port, addresses, content, step
        self._selector = selectors.DefaultSelector()
        self._closed: list[int] = []
        self.opened = 0

    def open(self, number: int) -> None:
        """Open a connection from one of the addresses."""
        held = Held(number, self._content, self._step)
        held.client.bind((f"127.{1 + number % self._addresses}.0.9", 0))
        error = held.client.connect_ex(("127.0.0.1", self._port))
        if error in (0, errno.EINPROGRESS):
            self.opened += 1
            self._selector.register(held.client, selectors.EVENT_READ, held)
        else:
            held.client.close()
            self._closed.append(number)

    def hold(self, count: int) -> None:
        """Open so many, and hold them until standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        for number in range(count):
            self.open(number)
        print("ready", flush=True)
        due = time.monotonic()
        while True:
            for key, _ in self._selector.select(DRIP):
                if key.data is None:
                    return
                self._read(key.data)
            if time.monotonic() >= due:
                due = time.monotonic() + DRIP
                self._renew()

    def _read(self, held: Held) -> None:
        """Take what came; at the end of the connection, have it opened anew."""
        if is_closed(held.client):
            self._selector.unregister(held.client)
            held.client.close()
            self._closed.append(held.number)

    def _renew(self) -> None:
        closed, self._closed = self._closed, []
        for number in closed:
            self.open(number)
        for key in self._selector.get_map().values():
            if key.data is not None:
                key.data.send()


def main() -> None:
    """Hold connections."""
    port, count, addresses, mode = sys.argv[1:]
    take_descriptors()
    content, step = {"silent": (b"", 0), "dripped": (half_hello(), 1), "half": (HALF_HEAD, 1 << 10)}[mode]
    become(UID)
    holder = Holder(int(port), int(addresses), content, step)
    holder.hold(int(count))
    print(json.dumps({"opened": holder.opened}), flush=True)


if __name__ == "__main__":
    main()
