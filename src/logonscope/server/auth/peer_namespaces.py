"""Whether the process that connected to a unix socket is in the user and pid namespaces of this server.

The kernel reports the uid of a process in a container as a uid of this host: root in the container is uid 0 here,
unless the container has a user namespace. The kernel can give a pid to another process once the first one has ended. So
a pidfd of the socket identifies the process (Linux 6.5); without a pidfd, the process must have the other end of the
connection open.

These functions run in the event loop, so they must not wait for the process. A read of the files in ns/ and fd/ waits
while the process is in execve(2), and a user can make a process stay in execve (decision 46). So these files are read
only where other files do not decide, and by a thread that is abandoned if the read takes long.
"""

import contextlib
import errno
import os
import queue
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial

SO_PEERPIDFD = 77
"""The option that returns a pidfd of the process that connected (asm-generic/socket.h); socket has no name for it."""

NAMESPACES = ("ns/user", "ns/pid")
MAX_FILE_BYTES = 1 << 16

READ_SECONDS = 0.1
"""Timeout of a read that can hang."""

MAX_HUNG_READS = 8
"""Maximum number of reads with the timeout READ_SECONDS that run at once, hung ones included."""

MAX_DESCRIPTORS = 4096
"""Maximum number of descriptors of a process that are searched for a socket."""

NETLINK_SECONDS = 1

_free_reads = threading.BoundedSemaphore(MAX_HUNG_READS)

_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _UDIAG_SHOW_PEER, _UNIX_DIAG_PEER = 20, 1, 4, 2
_NETLINK_SOCK_DIAG = 4
_ANY_COOKIE = 0xFFFF_FFFF
_REQUEST = struct.Struct("=IHHIIBBHIIIII")
"""A request to sock_diag: nlmsghdr and unix_diag_req (linux/netlink.h, linux/unix_diag.h; sock_diag(7))."""

_ANSWER_HEAD = 32
"""Bytes of nlmsghdr and unix_diag_msg: the head of an answer, before its attributes."""

_ATTRIBUTE = struct.Struct("=HH")


def shares_namespaces(connection: socket.socket, pid: int, pidfd_option: int = SO_PEERPIDFD) -> bool:
    """Return whether the process at the other end is in this process's namespaces; False if that is not certain.

    Args:
        connection: an accepted connection of a unix socket.
        pid: the process as SO_PEERCRED reports it; 0: it is not visible in this pid namespace.
        pidfd_option: the socket option that returns a pidfd; older kernels do not have it.
    """
    if pid <= 0:
        return False
    try:
        # The directory is opened first. A read through this handle never reads a later process with the same pid.
        with _peer_pidfd(connection, pidfd_option) as pidfd, _open_process(pid) as folder:
            if not _is_in_server_namespaces(folder):
                return False
            # If the process still exists after the check, the check has read this process and no later one.
            if pidfd is None:
                return _read_in_time(folder, partial(_holds_socket, inode=_peer_inode(connection)))
            return _is_alive(pidfd)
    except (OSError, struct.error, RuntimeError):
        return False


@contextlib.contextmanager
def _peer_pidfd(connection: socket.socket, option: int) -> Iterator[int | None]:
    """Yield a pidfd of the process that connected; None if this kernel has no such option."""
    try:
        (pidfd,) = struct.unpack("i", connection.getsockopt(socket.SOL_SOCKET, option, 4))
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            raise
        yield None
        return
    try:
        yield pidfd
    finally:
        os.close(pidfd)


@contextlib.contextmanager
def _open_process(pid: int) -> Iterator[int]:
    """Yield a handle of the directory of a process: it never leads to a later process with the same pid."""
    folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)


def _is_in_server_namespaces(folder: int) -> bool:
    status = _read_file("status", folder)
    # NSpid has a pid for each pid namespace from that of /proc down to that of the process (proc(5)).
    namespace_pids = [_status_field(text, b"NSpid") for text in (status, _read_file("/proc/self/status"))]
    if max(map(len, namespace_pids)) > 1 or _read_file("uid_map", folder) != _read_file("/proc/self/uid_map"):
        return False
    # One case is left: another user namespace that maps each uid to itself, as this server's does. There, all users
    # except root are those of this host.
    return b"0" not in _status_field(status, b"Uid") or _read_in_time(folder, _has_same_namespace_files)


def _has_same_namespace_files(folder: int) -> bool:
    return all(os.path.samestat(os.stat(name, dir_fd=folder), os.stat(f"/proc/self/{name}")) for name in NAMESPACES)


def _read_file(path: str, folder: int | None = None) -> bytes:
    file = os.open(path, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(file, MAX_FILE_BYTES)
    finally:
        os.close(file)


def _status_field(status: bytes, name: bytes) -> list[bytes]:
    """Return the values of a field of status (proc(5))."""
    _, _, rest = status.partition(b"\n%s:" % name)
    return rest.partition(b"\n")[0].split()


def _is_alive(pidfd: int) -> bool:
    # A pidfd is readable once its process has ended (pidfd_open(2)). select() cannot use descriptors over 1023.
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return not poll.poll(0)


def _peer_inode(connection: socket.socket) -> int:
    """Return the inode of the socket at the other end of a connection, as sock_diag(7) reports it.

    Raises:
        OSError, struct.error: the kernel does not report it.
    """
    # The inode of a socket's descriptor is the number that sock_diag(7) calls udiag_ino.
    inode = os.fstat(connection.fileno()).st_ino
    request = _REQUEST.pack(
        _REQUEST.size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0,
        socket.AF_UNIX, 0, 0, 0xFFFF_FFFF, inode, _UDIAG_SHOW_PEER, _ANY_COOKIE, _ANY_COOKIE,
    )  # fmt: skip
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(NETLINK_SECONDS)
        kernel.send(request)
        answer = kernel.recv(1 << 12)
    length, message_type = struct.unpack_from("=IH", answer)
    if message_type != _SOCK_DIAG_BY_FAMILY:
        raise OSError(errno.ENOENT, "no answer of sock_diag")
    position = _ANSWER_HEAD
    while position + _ATTRIBUTE.size <= min(length, len(answer)):
        size, attribute = _ATTRIBUTE.unpack_from(answer, position)
        if attribute == _UNIX_DIAG_PEER:
            (peer,) = struct.unpack_from("=I", answer, position + _ATTRIBUTE.size)
            return int(peer)
        # Attributes are aligned to four bytes; the minimum prevents an endless loop on a length of 0.
        position += max(size + 3 & ~3, _ATTRIBUTE.size)
    raise OSError(errno.ENOENT, "the connection has no other end")


def _read_in_time(folder: int, read: Callable[[int], bool]) -> bool:
    """Call a function with the directory of a process, and return its result.

    Return False if the function fails or takes too long, or if too many such calls still run.

    Raises:
        OSError: no descriptor is left.
        RuntimeError: no thread can be started.
    """
    handle = os.dup(folder)  # the thread closes it, maybe long after this function has returned
    if not _free_reads.acquire(blocking=False):
        os.close(handle)
        return False
    answers = queue.SimpleQueue[bool]()
    try:
        threading.Thread(target=_run_read, args=(handle, read, answers), daemon=True).start()
    except RuntimeError:
        os.close(handle)
        _free_reads.release()
        raise
    try:
        return answers.get(timeout=READ_SECONDS)
    except queue.Empty:
        return False


def _run_read(folder: int, read: Callable[[int], bool], answers: "queue.SimpleQueue[bool]") -> None:
    try:
        answers.put(read(folder))
    except OSError:
        answers.put(False)
    finally:
        os.close(folder)
        _free_reads.release()


def _holds_socket(folder: int, inode: int) -> bool:
    """Return whether a process has a socket open."""
    descriptors = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        for name in os.listdir(descriptors)[:MAX_DESCRIPTORS]:
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(name, dir_fd=descriptors) == f"socket:[{inode}]":
                    return True
        return False
    finally:
        os.close(descriptors)
