"""The other end of a connection, as far as authentication has to know it. Knows no protocol and no web server."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class UnixCredentials(NamedTuple):
    """The process at the other end of a unix socket, as the kernel saw it connect (unix(7), SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int


@dataclass(eq=False)
class Peer:
    """A client at the other end of one connection, for as long as the connection lasts.

    Attributes:
        address: without port; empty on a unix socket.
        tls: the connection is encrypted by TLS.
        loopback: the connection does not leave this machine.
        credentials: on a unix socket, the process that connected.
        channel_binding: the hash of tls-server-end-point (RFC 5929 4.1), without that prefix.
        session: what the authenticator keeps from one request to the next.
    """

    address: str
    tls: bool
    loopback: bool
    credentials: UnixCredentials | None = None
    channel_binding: bytes | None = None
    session: Any = None

    @property
    def is_private(self) -> bool:
        """Return whether nobody but the two ends can read the connection."""
        return self.tls or self.loopback
