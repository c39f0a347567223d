"""Sockets as listed by the kernel: network sockets, and unix sockets that have a path or an abstract name."""

from typing import NamedTuple

from logonscope.facts.process import Process

UNIX = "unix"
"""The protocol of unix sockets."""


class Socket(NamedTuple):
    """A socket: a line of a file in /proc/net; a unix socket can also come from an answer of sock_diag(7).

    Attributes:
        protocol: tcp, tcp6, udp, udp6, udplite, udplite6, unix.
        address: the local address; "" for unix, like the remote address.
        port: the local port; 0 for unix, like the remote port.
        state: LISTEN, ESTABLISHED, ...; "" for udp and udplite, and for unix sockets in any
            state but LISTEN and ESTABLISHED.
    """

    protocol: str
    address: str
    port: int
    remote_address: str
    remote_port: int
    state: str
    inode: int
    # of a unix socket: the path as the process bound it (unix(7)), or the abstract name after "@"
    path: str | None = None
    # the inode of the socket's network namespace; None: not known
    namespace: int | None = None
    # the pid of a process in that namespace; None: the namespace is the reader's own, or not known
    namespace_pid: int | None = None

    @property
    def local_end(self) -> str:
        """The local end as text: ``127.0.0.1:80``, ``[::1]:80``, ``/run/app.sock``."""
        return self.path or _join_endpoint(self.address, self.port)

    @property
    def remote_end(self) -> str:
        """The remote end as text."""
        return _join_endpoint(self.remote_address, self.remote_port)


class HeldSockets(NamedTuple):
    """The TCP sockets of a process, and the TCP ports that are listened on in its network namespace.

    Attributes:
        process: with comm, start and uids.
        sockets: in the order of the file descriptors of the process.
    """

    process: Process
    sockets: tuple[Socket, ...]
    listening_ports: frozenset[int]


def _join_endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
