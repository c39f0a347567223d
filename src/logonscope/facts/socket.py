"""Network sockets as listed by the kernel."""

from typing import NamedTuple


class Socket(NamedTuple):
    """A socket: a line of /proc/net/tcp, tcp6, udp or udp6."""

    protocol: str  # tcp, tcp6, udp, udp6
    address: str
    port: int
    remote_address: str
    remote_port: int
    state: str  # LISTEN, ESTABLISHED, ...; "" for udp
    inode: int
