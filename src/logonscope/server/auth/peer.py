"""The client end of a connection, with the values that authentication needs; independent of protocol and web server."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class UnixCredentials(NamedTuple):
    """The process that connected to a unix socket, as the kernel recorded it at that time (unix(7), SO_PEERCRED).

    ``shares_namespaces``: the process is certainly in the user and pid namespaces of this server. If this is False, the
    uid may be that of a user of a container.
    """

    pid: int
    uid: int
    gid: int
    shares_namespaces: bool = False


@dataclass(eq=False)
class Peer:
    """The client of one connection; it lasts as long as the connection.

    Attributes:
        address: the IP address, without port; empty on a unix socket, or if the client had disconnected already.
        tls: the connection is encrypted by TLS.
        loopback: the connection does not leave this machine.
        credentials: on a unix socket, the process that connected.
        channel_binding: the hash of tls-server-end-point (RFC 5929 4.1), without this prefix; None: no TLS, or the RFC
            defines no hash for the server's certificate.
        certificate_user: the common name of the client's certificate, which TLS has verified; None: the client sent no
            certificate, or one without exactly one common name.
        session: state of the authenticator, kept from one request to the next.
    """

    address: str
    tls: bool
    loopback: bool
    credentials: UnixCredentials | None = None
    channel_binding: bytes | None = None
    session: Any = None
    certificate_user: str | None = None

    @property
    def is_private(self) -> bool:
        """Return whether only the two ends can read the connection."""
        return self.tls or self.loopback
