"""LS_Socket: which network sockets do processes hold? One that several share has a row for each in LS_ProcessSocket."""

from logonscope.providers.helpers.provider import Provider, column
from logonscope.providers.helpers.socket_keys import SOCKET, inodes_meant, ports_meant
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="socket",
    columns={
        "Inode": column(lambda socket, *_: socket.inode, "fd: socket:[INODE]"),
        **SOCKET,
        "RemoteAddress": column(lambda socket, *_: clean(socket.remote_address), "/proc/net: rem_address"),
        "RemotePort": column(lambda socket, *_: socket.remote_port, "/proc/net: rem_address"),
    },
    distinct=lambda socket, *_: socket.inode,
    fixes={"Inode": inodes_meant, "LocalPort": ports_meant},
)
