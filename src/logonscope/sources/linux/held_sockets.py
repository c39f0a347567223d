"""Reader of the TCP sockets that processes hold, each in the network namespace of its process.

The files of a namespace are read once for all of its processes.
"""

import os
from collections.abc import Collection, Mapping

from logonscope.facts import HeldSockets, Socket
from logonscope.machine import Look, ProcessQuery
from logonscope.machine.source import HELD_SOCKETS_FACTS
from logonscope.sources.linux.processes import read_processes
from logonscope.sources.linux.sockets import parse_socket

MAX_BYTES = 64 << 20
"""Maximum bytes of a file below /proc/PID/net that are read: some 400,000 sockets."""

_TCP_FILES = ("tcp", "tcp6")


class _NetworkNamespace:
    """The TCP sockets of one network namespace."""

    def __init__(self, folder: str) -> None:
        lines = [(name, line) for name in _TCP_FILES for line in _read_lines(os.path.join(folder, name))]
        # a line is parsed only when its socket is requested: a busy host has many thousands of lines
        self._line_by_inode = {words[9]: (name, line) for name, line in lines if len(words := line.split(None, 10)) > 9}
        # 0A is the state TCP_LISTEN
        listeners = (line.split(None, 4) for _, line in lines if b" 0A " in line)
        self.listening_ports = frozenset(
            int(words[1].rpartition(b":")[2], 16) for words in listeners if len(words) > 3 and words[3] == b"0A"
        )

    def sockets(self, inodes: Collection[int]) -> tuple[Socket, ...]:
        """Return the TCP sockets with these inodes."""
        lines = (self._line_by_inode.get(b"%d" % inode) for inode in inodes)
        return tuple(parse_socket(line, name) for name, line in filter(None, lines))


def read_held_sockets(proc: str, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
    """Return the TCP sockets of these processes, and the listening ports of their network namespaces, by pid.

    Processes that have no socket of any kind, or cannot be read, are left out.
    """
    namespaces: dict[int | str, _NetworkNamespace] = {}
    held: dict[int, HeldSockets] = {}
    for process in read_processes(proc, look, ProcessQuery(HELD_SOCKETS_FACTS | {"net_namespace"}, pids=pids)):
        folder = os.path.join(proc, str(process.pid))
        if not process.sockets:
            continue
        # in a copy of a host's files the namespaces are not known, so the files of each process are read
        key = folder if process.net_namespace is None else process.net_namespace
        if key not in namespaces:
            namespaces[key] = _NetworkNamespace(os.path.join(folder, "net"))
        namespace = namespaces[key]
        held[process.pid] = HeldSockets(process, namespace.sockets(process.sockets), namespace.listening_ports)
    return held


def _read_lines(path: str) -> list[bytes]:
    """Return the lines below the heading; no lines if the file cannot be read, for example without IPv6."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES).split(b"\n")[1:]
    except OSError:
        return []
