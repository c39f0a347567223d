"""Network sockets, as the kernel lists them."""

from typing import NamedTuple


class Socket(NamedTuple):
    """A line of /proc/net/tcp and its neighbours."""

    protocol: str  # tcp, tcp6, udp, udp6
    address: str
    port: int
    remote_address: str
    remote_port: int
    state: str  # LISTEN, ESTABLISHED, ...; "" for udp
    inode: int
