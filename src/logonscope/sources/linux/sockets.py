"""Reader of sockets: tcp, udp and udplite of /proc/net, for IPv4 and IPv6. unix_sockets.py reads unix sockets."""

import os
import sys
from collections.abc import Iterator

from logonscope.facts import Socket
from logonscope.machine import Look, SocketQuery
from logonscope.sources.linux.net_namespaces import (
    LINES_PER_CHECK,
    NetNamespace,
    other_namespaces,
    own_namespace,
    report_missing,
    report_unreadable,
)

_FILES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6")
_STATES = (
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
)  # fmt: skip


def read_sockets(root: str, look: Look, query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that a query names."""
    proc = os.path.join(root, "proc")
    reader_namespace = own_namespace(proc)
    if reader_namespace.folders:
        yield from _read_namespace(reader_namespace, look, query)
    else:
        report_missing(f"{proc}/net", look)
    for namespace in other_namespaces(proc, reader_namespace, look) if query.all_namespaces else ():
        yield from _read_namespace(namespace, look, query)


def _read_namespace(namespace: NetNamespace, look: Look, query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets of a network namespace, read through the first of its processes that has not ended."""
    for folder, pid in zip(namespace.folders, namespace.pids, strict=True):
        read_tables = _read_unix if query.family == "unix" else _read_network
        tables, is_read = read_tables(folder, look, query, is_reader_namespace=pid is None), False
        for listed_socket in tables:
            is_read = True
            yield listed_socket._replace(namespace=namespace.inode, namespace_pid=pid)
        if is_read or os.path.isdir(folder):
            return


def _read_unix(folder: str, look: Look, query: SocketQuery, *, is_reader_namespace: bool) -> Iterator[Socket]:
    from logonscope.sources.linux.unix_sockets import read_unix_sockets  # noqa: PLC0415 -- ports need none

    return read_unix_sockets(folder, look, query, is_reader_namespace=is_reader_namespace)


def _read_network(folder: str, look: Look, query: SocketQuery, *, is_reader_namespace: bool) -> Iterator[Socket]:
    missing_count = 0
    for name in _FILES:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                next(file, None)
                yield from _parse_matching_lines(file, name, look, query)
        except (FileNotFoundError, ProcessLookupError):  # no IPv6 in this kernel, or the process has ended
            missing_count += 1
        except OSError as error:
            report_unreadable(path, error, look)
    # the reader's namespace has such files, but a container engine can hide them by a mount over /proc/net
    if is_reader_namespace and missing_count == len(_FILES):
        report_missing(os.path.join(folder, _FILES[0]), look)


def parse_socket(line: bytes, protocol: str) -> Socket:
    """Parse a line of /proc/net/tcp, udp or udplite (proc_net_tcp.rst of the kernel); ValueError for another line."""
    words = line.split()
    if len(words) < 10:
        raise ValueError("the line of a socket is truncated")
    address, port = _parse_endpoint(words[1])
    remote_address, remote_port = _parse_endpoint(words[2])
    state_number = int(words[3], 16)
    state = _STATES[state_number] if protocol.startswith("tcp") and state_number < len(_STATES) else ""
    return Socket(protocol, address, port, remote_address, remote_port, state, int(words[9]))


def _parse_matching_lines(lines: Iterator[bytes], protocol: str, look: Look, query: SocketQuery) -> Iterator[Socket]:
    # parsing a line costs much more than these comparisons, and a busy host has many thousands of lines
    endings = None if query.ports is None else {b":%04X" % port for port in query.ports}
    inodes = None if query.inodes is None else {b"%d" % inode for inode in query.inodes}
    word_count = 2 if inodes is None else 10  # up to the local address, or the inode
    for number, line in enumerate(lines):
        if not number % LINES_PER_CHECK:
            look.check()
        words = line.split(None, word_count)
        if len(words) < word_count:
            continue
        if (endings is None or words[1][-5:] in endings) and (inodes is None or words[word_count - 1] in inodes):
            try:
                parsed_socket = parse_socket(line, protocol)
            except ValueError:
                continue
            yield parsed_socket


def _parse_endpoint(word: bytes) -> tuple[str, int]:
    """Parse ADDRESS:PORT in hexadecimal; the address has words of four bytes in the byte order of the machine."""
    address, port = word.split(b":")
    raw = bytes.fromhex(address.decode("ascii"))
    if sys.byteorder == "little":
        raw = b"".join(raw[index : index + 4][::-1] for index in range(0, len(raw), 4))
    if len(raw) == 4:
        return ".".join(map(str, raw)), int(port, 16)
    import socket  # noqa: PLC0415 -- slow to import, and many hosts have sockets of IPv4 alone

    return socket.inet_ntop(socket.AF_INET6, raw), int(port, 16)
