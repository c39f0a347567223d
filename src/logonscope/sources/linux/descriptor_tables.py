"""Sockets among the open files of a process and of its threads.

Threads normally share one table of file descriptors. A thread can get its own (unshare(2), CLONE_FILES): then only
task/TID/fd of that thread lists its files. The main thread can end before the other threads: then /proc/PID/fd lists
nothing, and only task/TID/fd of another thread lists the files.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

MAX_TABLES = 1024
"""Maximum number of threads of one process whose open files are listed, its main thread not counted."""

MAX_LINKS = 262_144
"""Maximum number of open files of one process that are read, those of its main thread not counted."""

_MAX_COMPARED = 4
"""Maximum number of tables that a thread is compared with, that of the main thread not counted. If a table was not
compared, it can be listed twice, which changes no result. Comparing each thread with every table would take long."""

_LINKS_WITH_ONE_THREAD = 3
"""Link count of a directory "task" with one thread: 2, and 1 for the subdirectory of the thread. In a copied folder,
the count can be 1 instead, whatever the number of threads; then the directory is read."""

_KCMP_NUMBERS = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "loongarch64": 272, "ppc64le": 354, "s390x": 343}
"""Number of the system call kcmp(2) by machine; the C library has no function for it."""

_KCMP_FILES = 2

SameTable = Callable[[int, int], bool]
"""A function that returns whether two threads certainly share their table."""


def read_socket_inodes(handle: int, pid: int) -> tuple[int, ...]:
    """Return the inodes of a process's sockets.

    They are the sockets of its main thread; or, if this thread has ended or has no open files, of its other threads.

    Args:
        handle: a descriptor of the directory /proc/PID.
        pid: the pid of the process.

    Raises:
        OSError: the open files may not be read, or the process has ended.
    """
    try:
        folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    except PermissionError:
        # when the main thread has ended, its directory belongs to root; those of the other threads belong to their user
        if os.stat("task", dir_fd=handle).st_nlink == _LINKS_WITH_ONE_THREAD:
            raise
        return read_thread_sockets(handle, pid)
    try:
        names = os.listdir(folder)
        if names:
            return tuple(sorted(set(_socket_inodes(folder, names))))
    finally:
        os.close(folder)
    return read_thread_sockets(handle, pid)


def read_thread_sockets(handle: int, pid: int) -> tuple[int, ...]:
    """Return the inodes of the sockets in the tables of threads other than the main thread.

    Threads that share the table of the main thread are left out, if kcmp(2) shows that they do.

    Args:
        handle: a descriptor of the directory /proc/PID.
        pid: the pid of the process.

    Raises:
        OSError: as ``read_socket_inodes``.
    """
    status = os.stat("task", dir_fd=handle)
    if status.st_nlink == _LINKS_WITH_ONE_THREAD:
        return ()
    inodes, table_tids, links_left = set[int](), [pid], MAX_LINKS
    shares_table = _table_comparison(status.st_dev)
    folder = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        for tid in map(int, os.listdir(folder)):
            if tid == pid or any(shares_table(table_tid, tid) for table_tid in table_tids[: _MAX_COMPARED + 1]):
                continue
            table_tids.append(tid)
            if len(table_tids) > MAX_TABLES + 1 or links_left <= 0:
                break
            with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
                links_left -= _add_sockets_of_thread(folder, tid, links_left, inodes)
    finally:
        os.close(folder)
    return tuple(sorted(inodes))


def _add_sockets_of_thread(tasks: int, tid: int, most_links: int, inodes: set[int]) -> int:
    """Add the inodes of the sockets of a thread; return the number of its open files."""
    folder = os.open(f"{tid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=tasks)
    try:
        names = os.listdir(folder)[:most_links]
        inodes.update(_socket_inodes(folder, names))
        return len(names)
    finally:
        os.close(folder)


def _socket_inodes(folder: int, names: list[str]) -> Iterator[int]:
    for name in names:
        try:
            link = os.readlink(name, dir_fd=folder)
        except FileNotFoundError:  # the file was closed after the directory had been listed
            continue
        if link.startswith("socket:["):
            yield int(link[8:-1])


def _table_comparison(device: int) -> SameTable:
    """Return the function that compares tables of threads below the /proc with this device.

    kcmp(2) knows only this machine's threads.
    """
    kcmp = _load_kcmp()
    return _never_same if kcmp is None or device != _own_proc_device() else kcmp


def _never_same(tid: int, other_tid: int) -> bool:
    del tid, other_tid
    return False


@cache
def _own_proc_device() -> int | None:
    """Return the device of /proc; None if /proc is missing, or shows the pids of another pid namespace."""
    try:
        is_own = os.readlink("/proc/self") == str(os.getpid())
        return os.stat("/proc").st_dev if is_own else None
    except OSError:
        return None


@cache
def _load_kcmp() -> SameTable | None:
    """Return a function that compares tables by kcmp(2); None if the number of that system call is not known."""
    number = _KCMP_NUMBERS.get(os.uname().machine) if sys.maxsize > 1 << 32 else None
    if number is None:
        return None
    import ctypes  # noqa: PLC0415 -- only processes with several threads need it

    system_call: Any = ctypes.CDLL(None).syscall

    def same_table(tid: int, other_tid: int) -> bool:
        # anything but 0 is "different" or an error: not permitted, or not in this kernel
        return bool(system_call(number, tid, other_tid, _KCMP_FILES, 0, 0) == 0)

    return same_table
