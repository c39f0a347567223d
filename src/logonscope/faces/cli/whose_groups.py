"""Groups of answers to ``whose``: processes with the same sockets, such as the workers of nginx, share one text."""

from collections.abc import Hashable, Sequence

from logonscope.answers.whose import Socket, Whose

_NO_CONNECTION = {"LISTEN", ""}
"""The states of sockets that may have no peer; "": the socket has no state, such as a UDP socket."""


def is_connection(socket: Socket) -> bool:
    """Return whether a socket is one end of a connection."""
    # of UDP sockets, only a connected one has a remote port
    return socket.state not in _NO_CONNECTION or socket.remote_port != 0


def group_answers(answers: Sequence[Whose]) -> list[Sequence[Whose]]:
    """Return the answers in groups; if the target was neither a port nor a unix socket, each group has one answer."""
    groups: dict[Hashable, list[Whose]] = {}
    for answer in answers:
        groups.setdefault(_group_key(answer), []).append(answer)
    return [*groups.values()]


def _group_key(answer: Whose) -> Hashable:
    """Return what the answers of a group have in common: the logon session, its evidence, and the sockets.

    Workers of a server share a listening socket, or each worker has its own at the same address (SO_REUSEPORT,
    socket(7)). Each worker has its own connections: they are compared only if a process holds nothing else.
    """
    if not answer.sockets:
        return answer.pid
    listening_ends = frozenset(
        (socket.protocol, socket.local_end, socket.namespace) for socket in answer.sockets if not is_connection(socket)
    )
    held_sockets: Hashable = listening_ends or frozenset(socket.inode for socket in answer.sockets)
    return answer.logon_id, answer.evidence, held_sockets
