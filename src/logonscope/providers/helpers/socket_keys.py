"""What do tables of sockets share?"""

from logonscope.cim.types import Value
from logonscope.machine import Selection
from logonscope.providers.helpers.provider import column
from logonscope.providers.helpers.text import clean

SOCKET = {
    "Protocol": column(lambda socket, *_: clean(socket.protocol), "which file of /proc/net it stands in"),
    "LocalAddress": column(lambda socket, *_: clean(socket.address), "/proc/net: local_address"),
    "LocalPort": column(lambda socket, *_: socket.port, "/proc/net: local_address"),
    "State": column(lambda socket, *_: clean(socket.state) or None, "/proc/net: st"),
}


def inodes_meant(inode: Value, _: object = None) -> Selection:
    """Return the socket with this inode."""
    return Selection(inodes=frozenset({inode}) if isinstance(inode, int) else frozenset())


def socket_meant(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the socket that a reference names."""
    return inodes_meant(reference[1])


def ports_meant(port: Value, _: object = None) -> Selection:
    """Return the sockets with this port on their own side."""
    return Selection(ports=frozenset({port}) if isinstance(port, int) else frozenset())
