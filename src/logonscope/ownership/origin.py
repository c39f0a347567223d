"""Origin of a login over a network: the address and port at the other end of the leader's own TCP connection.

Only ssh servers that run as root are considered: a user cannot choose the connections of such a server. The leader can
hold further sockets: PAM modules connect to directory services, and in a login of root the leader forwards ports. So
the connection of the login is the one whose local port another process listens on. If several connections have such a
port, the origin is not known. If none has, because the server has ended, the leader must have only one connection.
"""

from collections.abc import Iterable

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import HeldSockets, Socket
from logonscope.machine import Leader
from logonscope.ownership.logon_type import SSH_PROGRAMS
from logonscope.ownership.sessions import plain_address

SOURCE = "/proc/PID/net of its leader: the socket that it holds"


def with_origin(session: LogonSession, leader: Leader, held_sockets: HeldSockets | None) -> LogonSession:
    """Return a logon session with the address and port of its leader's connection; unchanged if it cannot be found."""
    connection = None if held_sockets is None else _find_connection(leader, held_sockets)
    if connection is None:
        return session
    sources = {**session.sources, "remote_port": SOURCE}
    address = session.remote_address
    if address is None:
        address, sources["remote_address"] = plain_address(connection.remote_address), SOURCE
    return session._replace(remote_address=address, remote_port=connection.remote_port, sources=sources)


def _find_connection(leader: Leader, held_sockets: HeldSockets) -> Socket | None:
    process = held_sockets.process
    # the leader may have ended since it was found, and another process may have its pid
    if leader.start is None or process.start != leader.start:
        return None
    if process.comm not in SSH_PROGRAMS or process.uids is None or any(process.uids[:3]):
        return None
    # ports of remote forwarding (-R) and X11: the leader itself accepts connections to them
    forwarded_ports = {socket.port for socket in held_sockets.sockets if socket.state == "LISTEN"}
    connections = [
        socket for socket in held_sockets.sockets if socket.state != "LISTEN" and socket.port not in forwarded_ports
    ]
    at_listening_port = [socket for socket in connections if socket.port in held_sockets.listening_ports]
    # Connections in all states count: if the connection of the login is closed already, no other one may replace it.
    connection = _only_socket(at_listening_port) if at_listening_port else _only_socket(connections)
    return connection if connection is not None and connection.state == "ESTABLISHED" else None


def _only_socket(sockets: Iterable[Socket]) -> Socket | None:
    """Return the only socket; None if there is none, or more than one. Descriptors of the same socket count once."""
    by_inode = {socket.inode: socket for socket in sockets}
    return next(iter(by_inode.values())) if len(by_inode) == 1 else None
