"""Columns of sockets, and the selections for inodes and ports."""

from logonscope.cim.types import Value
from logonscope.machine import Selection
from logonscope.providers.helpers.provider import column
from logonscope.providers.helpers.text import clean

SOCKET_COLUMNS = {
    "Protocol": column(lambda socket, *_: clean(socket.protocol), "the file of /proc/net that lists it"),
    "LocalAddress": column(lambda socket, *_: clean(socket.address), "/proc/net: local_address"),
    "LocalPort": column(lambda socket, *_: socket.port, "/proc/net: local_address"),
    "State": column(lambda socket, *_: clean(socket.state) or None, "/proc/net: st"),
    "NetworkNamespace": column(lambda socket, *_: socket.namespace, "/proc/PID/ns/net"),
    "NetworkNamespaceProcessId": column(lambda socket, *_: socket.namespace_pid, "/proc/PID/ns/net"),
}
"""The columns that LS_Socket and LS_ProcessSocket have in common."""


def select_inode(inode: Value, _: object = None) -> Selection:
    """Return the selection of the socket with this inode."""
    return Selection(inodes=frozenset({inode}) if isinstance(inode, int) else frozenset())


def select_socket(reference: tuple[Value, ...], _: object = None) -> Selection:
    """Return the selection for a reference to a socket."""
    return select_inode(reference[1])


def select_port(port: Value, _: object = None) -> Selection:
    """Return the selection of the sockets with this local port."""
    return Selection(ports=frozenset({port}) if isinstance(port, int) else frozenset())
