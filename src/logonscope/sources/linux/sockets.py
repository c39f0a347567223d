"""Reader of network sockets: /proc/net/tcp, tcp6, udp and udp6, those of the reader's network namespace."""

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


def read_sockets(root: str, look: Look, query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that a query names."""
    for name in _FILES:
        path = os.path.join(root, "proc/net", name)
        try:
            with open(path, "rb") as file:
                yield from _parse_matching_lines(file.read().split(b"\n")[1:], name, query)
        except FileNotFoundError:  # no IPv6 in this kernel
            continue
        except OSError as error:
            look.report(Trouble(path, os.strerror(error.errno or 0), "run as root to see which process holds a port"))


def parse_socket(line: bytes, protocol: str) -> Socket:
    """Parse a line of /proc/net/tcp, tcp6, udp or udp6 (proc_net_tcp.txt of the kernel); ValueError for others."""
    words = line.split()
    if len(words) < 10:
        raise ValueError("the line of a socket is truncated")
    address, port = _parse_endpoint(words[1])
    remote_address, remote_port = _parse_endpoint(words[2])
    number = int(words[3], 16)
    state = _STATES[number] if protocol.startswith("tcp") and number < len(_STATES) else ""
    return Socket(protocol, address, port, remote_address, remote_port, state, int(words[9]))


def _parse_matching_lines(lines: list[bytes], protocol: str, query: SocketQuery) -> Iterator[Socket]:
    # parsing a line costs much more than this comparison, and a busy host has many thousands of lines
    endings = None if query.ports is None else {b":%04X" % port for port in query.ports}
    for line in lines:
        words = line.split(None, 2)
        if endings is None or (len(words) > 2 and words[1][-5:] in endings):
            try:
                parsed_socket = parse_socket(line, protocol)
            except ValueError:
                continue
            if query.inodes is None or parsed_socket.inode in query.inodes:
                yield parsed_socket


def _parse_endpoint(word: bytes) -> tuple[str, int]:
    """Parse ADDRESS:PORT in hexadecimal; the address has words of four bytes in the byte order of the machine."""
    address, port = word.split(b":")
    raw = bytes.fromhex(address.decode("ascii"))
    if sys.byteorder == "little":
        raw = b"".join(raw[index : index + 4][::-1] for index in range(0, len(raw), 4))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), int(port, 16)
