"""LS_Socket: the network sockets that processes hold. LS_ProcessSocket has a row for each process with the socket."""

from logonscope.providers.helpers.provider import Provider, column
from logonscope.providers.helpers.socket_keys import SOCKET_COLUMNS, select_inode, select_port
from logonscope.providers.helpers.text import clean

PROVIDER = Provider(
    subject="socket",
    columns={
        "Inode": column(lambda socket, *_: socket.inode, "fd: socket:[INODE]"),
        **SOCKET_COLUMNS,
        "RemoteAddress": column(lambda socket, *_: clean(socket.remote_address), "/proc/net: rem_address"),
        "RemotePort": column(lambda socket, *_: socket.remote_port, "/proc/net: rem_address"),
    },
    distinct_key=lambda socket, *_: socket.inode,
    selections={"Inode": select_inode, "LocalPort": select_port},
)
