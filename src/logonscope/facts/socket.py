"""Network sockets as listed by the kernel."""

from typing import NamedTuple

from logonscope.facts.process import Process


class Socket(NamedTuple):
    """A socket: a line of /proc/net/tcp, tcp6, udp or udp6."""

    protocol: str  # tcp, tcp6, udp, udp6
    address: str
    port: int
    remote_address: str
    remote_port: int
    state: str  # LISTEN, ESTABLISHED, ...; "" for udp
    inode: int


class HeldSockets(NamedTuple):
    """The TCP sockets of a process, and the TCP ports that are listened on in its network namespace."""

    process: Process  # with comm, start and uids
    sockets: tuple[Socket, ...]  # in the order of its file descriptors
    listening_ports: frozenset[int]
