"""Who could hold a port? Reads /proc/net/tcp and its neighbours: the sockets of the reader's network namespace."""

import os
import socket
import sys
from collections.abc import Iterator

from logonscope.facts import Socket
from logonscope.machine import Look, SocketQuery, Trouble

_FILES = ("tcp", "tcp6", "udp", "udp6")
_STATES = (
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
)  # fmt: skip


def sockets(root: str, look: Look, query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that a query names."""
    for name in _FILES:
        path = os.path.join(root, "proc/net", name)
        try:
            with open(path, "rb") as file:
                yield from _wanted(file.read().split(b"\n")[1:], name, query)
        except FileNotFoundError:  # no IPv6 in this kernel
            continue
        except OSError as error:
            look.report(Trouble(path, os.strerror(error.errno or 0), "read it as root to see who holds a port"))


def parse_socket(line: bytes, protocol: str) -> Socket:
    """Parse a line of /proc/net/tcp, tcp6, udp or udp6 (proc_net_tcp.txt of the kernel); ValueError for another."""
    words = line.split()
    if len(words) < 10:
        raise ValueError("a socket's line is cut short")
    address, port = _end(words[1])
    remote_address, remote_port = _end(words[2])
    number = int(words[3], 16)
    state = _STATES[number] if protocol.startswith("tcp") and number < len(_STATES) else ""
    return Socket(protocol, address, port, remote_address, remote_port, state, int(words[9]))


def _wanted(lines: list[bytes], protocol: str, query: SocketQuery) -> Iterator[Socket]:
    endings = None if query.ports is None else {b":%04X" % port for port in query.ports}
    for line in lines:
        words = line.split(None, 2)
        if endings is None or (len(words) > 2 and words[1][-5:] in endings):
            try:
                found = parse_socket(line, protocol)
            except ValueError:
                continue
            if query.inodes is None or found.inode in query.inodes:
                yield found


def _end(word: bytes) -> tuple[str, int]:
    """Parse ADDRESS:PORT, the address in words of four bytes in the machine's own order."""
    address, port = word.split(b":")
    raw = bytes.fromhex(address.decode("ascii"))
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)
