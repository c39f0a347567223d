"""Reader of unix sockets that have a path or an abstract name.

In the reader's own network namespace the kernel is asked by netlink (sock_diag(7)), which gives the exact name and the
file that a socket is bound to. Elsewhere, and where netlink does not answer, /proc/net/unix is read. That file does not
escape newlines, so a process can forge lines in it by the path that it binds.
"""

import os
import struct
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from logonscope.facts import UNIX, Socket
from logonscope.machine import Look, SocketQuery
from logonscope.sources.linux.net_namespaces import LINES_PER_CHECK, report_missing, report_unreadable
from logonscope.sources.linux.parse import decode_text
from logonscope.sources.linux.timeouts import CallPool

OWN_FOLDERS = frozenset({"/proc/net", "/proc/self/net"})
"""The folders of the reader's own network namespace on this machine."""

STAT_SECONDS = 2.0
"""Timeout of stat(2) of the path that a query names, in seconds: the path can be on a file system that hangs.

Also the timeout of an answer by netlink.
"""

_ACCEPTS = 0x10000
"""Flag of a socket that listens (__SO_ACCEPTCON of linux/net.h)."""

_CONNECTED = 3
"""State of a connected socket in /proc/net/unix (SS_CONNECTED of linux/net.h)."""

_DIAG_STATES = {1: "ESTABLISHED", 10: "LISTEN"}
"""The states of unix sockets in sock_diag: those of TCP (include/net/tcp_states.h)."""

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE = 4, 20, 2, 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_SHOW_NAME_AND_FILE = 3  # UDIAG_SHOW_NAME | UDIAG_SHOW_VFS
_NAME, _FILE = 0, 1  # UNIX_DIAG_NAME, UNIX_DIAG_VFS
_HEADER, _REQUEST, _MESSAGE = struct.Struct("=IHHII"), struct.Struct("=BBHIIIII"), struct.Struct("=BBBBIII")
_ATTRIBUTE, _FILE_ID = struct.Struct("=HH"), struct.Struct("=II")
_RECEIVE_BYTES = 1 << 17

_STAT_CALLS = CallPool()


class BoundFile(NamedTuple):
    """The file that a socket is bound to: the inode, cut to 32 bits, and the device as the kernel numbers it."""

    inode: int
    device: int


def read_unix_sockets(folder: str, look: Look, query: SocketQuery, *, is_reader_namespace: bool) -> Iterator[Socket]:
    """Yield the unix sockets of a network namespace that have a name and that a query asks for.

    Args:
        folder: has the file ``unix`` of the namespace.
        look: the deadline and the troubles of the request.
        query: what to yield; where netlink answers, a path in the query also selects sockets that were bound to the
            same file by another path.
        is_reader_namespace: whether the folder belongs to the reader's network namespace.
    """
    if is_reader_namespace and folder in OWN_FOLDERS:
        entries = _list_sockets(look)
        if entries is not None:
            yield from _match_files(entries, query)
            return
    try:
        with open(os.path.join(folder, "unix"), "rb") as file:
            next(file, None)
            for number, line in enumerate(file):
                if not number % LINES_PER_CHECK:
                    look.check()
                listed_socket = parse_unix_socket(line)
                if listed_socket is not None and _matches_query(listed_socket, query):
                    yield listed_socket
    except (FileNotFoundError, ProcessLookupError):
        if is_reader_namespace:
            report_missing(os.path.join(folder, "unix"), look)
    except OSError as error:
        report_unreadable(os.path.join(folder, "unix"), error, look)


def parse_unix_socket(line: bytes) -> Socket | None:
    """Parse a line of /proc/net/unix (proc(5)); None if the socket has no name, or the line describes no socket."""
    words = line.split(b" ", 6)
    try:
        flags, state = int(words[3], 16), int(words[5], 16)
        # the inode is padded with spaces to a width of five
        inode_word, _, path = words[6].lstrip(b" ").partition(b" ")
        inode = int(inode_word)
    except (IndexError, ValueError):
        return None
    text = decode_text(path.removesuffix(b"\n"))
    if not text:
        return None
    return _unix_socket(text, "LISTEN" if flags & _ACCEPTS else "ESTABLISHED" if state == _CONNECTED else "", inode)


def parse_diag_message(message: bytes) -> tuple[Socket | None, BoundFile | None]:
    """Parse a unix_diag_msg with its attributes (linux/unix_diag.h); the socket is None if it has no name.

    Raises:
        struct.error: the message is truncated.
    """
    _, _, state, _, inode, _, _ = _MESSAGE.unpack_from(message)
    name, file, offset = b"", None, _MESSAGE.size
    while offset + _ATTRIBUTE.size <= len(message):
        length, attribute_type = _ATTRIBUTE.unpack_from(message, offset)
        value = message[offset + _ATTRIBUTE.size : offset + max(length, _ATTRIBUTE.size)]
        if attribute_type == _NAME:
            name = value
        elif attribute_type == _FILE:
            file = BoundFile(*_FILE_ID.unpack_from(value))
        offset += max(length + 3 & ~3, _ATTRIBUTE.size)
    if not name:
        return None, file
    # an abstract name begins with a zero byte and may contain others; /proc/net/unix has @ for each
    path = name.replace(b"\0", b"@") if name.startswith(b"\0") else name.partition(b"\0")[0]
    return _unix_socket(decode_text(path), _DIAG_STATES.get(state, ""), inode), file


def _unix_socket(path: str, state: str, inode: int) -> Socket:
    return Socket(UNIX, "", 0, "", 0, state, inode, path)


def _matches_query(listed_socket: Socket, query: SocketQuery) -> bool:
    if query.inodes is not None and listed_socket.inode not in query.inodes:
        return False
    # no port can match: unix sockets have none
    return query.ports is None and (query.paths is None or listed_socket.path in query.paths)


def _match_files(entries: list[tuple[Socket, BoundFile | None]], query: SocketQuery) -> Iterator[Socket]:
    """Yield the sockets that a query selects.

    If a path of the query exists, sockets that have a file are compared by this file. All others are compared by name.
    """
    files = {path: _stat_file(path) for path in query.paths or () if path.startswith("/")}
    file_names = frozenset(path.rpartition("/")[2] for path in files)
    existing_files = [wanted_file for wanted_file in files.values() if wanted_file is not None]
    for listed_socket, file in entries:
        if file is None or not existing_files:
            if _matches_query(listed_socket, query):
                yield listed_socket
            continue
        # on btrfs, stat(2) shows another device than netlink does: then the last part of the path must be the same
        is_same_file = any(
            file.inode == wanted_file.inode
            and (file.device == wanted_file.device or (listed_socket.path or "").rpartition("/")[2] in file_names)
            for wanted_file in existing_files
        )
        if is_same_file and _matches_query(listed_socket, query._replace(paths=None)):
            yield listed_socket


def _stat_file(path: str) -> BoundFile | None:
    """Return the file of a path; None if there is no file, or if its file system does not answer."""
    try:
        status = _STAT_CALLS.call(STAT_SECONDS, partial(os.stat, path))
    except (OSError, ValueError):
        return None
    # stat(2) encodes devices for user space, netlink as the kernel does: 20 bits for the minor number (linux/kdev_t.h)
    return BoundFile(status.st_ino & 0xFFFFFFFF, os.major(status.st_dev) << 20 | os.minor(status.st_dev))


def _list_sockets(look: Look) -> list[tuple[Socket, BoundFile | None]] | None:
    """Return the unix sockets with a name, and their files; None where netlink does not answer."""
    try:
        return list(_dump_sockets(look))
    except (OSError, struct.error):
        return None


def _dump_sockets(look: Look) -> Iterator[tuple[Socket, BoundFile | None]]:
    """Yield the unix sockets of this network namespace that have a name, and the file of each.

    Raises:
        OSError: netlink is not permitted here, or not in this kernel, or its answer is incomplete.
    """
    import socket  # noqa: PLC0415 -- recordings have no sockets of this machine

    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(STAT_SECONDS)
        request = _REQUEST.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_NAME_AND_FILE, 0, 0)
        link.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
        while True:
            look.check()
            data, offset = link.recv(_RECEIVE_BYTES), 0
            if not data:
                raise OSError("netlink gave no answer")
            while offset + _HEADER.size <= len(data):
                length, message_type, *_ = _HEADER.unpack_from(data, offset)
                if message_type == _NLMSG_DONE:
                    return
                if message_type == _NLMSG_ERROR or length < _HEADER.size:
                    raise OSError("netlink does not list unix sockets")
                listed_socket, file = parse_diag_message(data[offset + _HEADER.size : offset + length])
                if listed_socket is not None:
                    yield listed_socket, file
                offset += length + 3 & ~3
