"""Network namespaces: that of the reader, and those of other processes, each with the folders that list its sockets."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.machine import SOCKETS, Look, ProcessQuery, Trouble
from logonscope.sources.linux.parse import parse_namespace
from logonscope.sources.linux.processes import read_processes

MAX_NAMESPACES = 1000
"""Maximum number of other network namespaces whose sockets are read for one query."""

_MAX_PIDS = 4
"""Maximum number of processes that are kept for a namespace: the first may have ended before its files are opened."""

LINES_PER_CHECK = 1024
"""Lines that are read between two checks of the deadline."""


class NetNamespace(NamedTuple):
    """A network namespace: its inode, and the processes through which its files can be read."""

    inode: int | None  # None: not known
    folders: tuple[str, ...]  # each lists the sockets of the namespace, as long as its process runs
    pids: tuple[int | None, ...]  # the process of each folder; None: the reader


def own_namespace(proc: str) -> NetNamespace:
    """Return the network namespace of the reader."""
    # /proc/net is a link to self/net; a /proc that was mounted with subset=pid lacks the link
    folders = tuple(path for path in (f"{proc}/net", f"{proc}/self/net") if os.path.isdir(path))[:1]
    return NetNamespace(_read_inode(f"{proc}/self/ns/net"), folders, (None,) * len(folders))


def other_namespaces(proc: str, reader_namespace: NetNamespace, look: Look) -> Iterator[NetNamespace]:
    """Yield the other network namespaces, in the order of their lowest pids."""
    # without the inode of the reader's namespace, that namespace could not be excluded
    if reader_namespace.inode is None:
        return
    pids_by_inode: dict[int, list[int]] = {}
    # reading the link hangs while the process is in execve(2): read_processes limits the time
    processes = read_processes(proc, look, ProcessQuery(frozenset({"net_namespace"})))
    namespaces = ((process.pid, process.net_namespace) for process in processes)
    for pid, inode in sorted(
        (pid, inode) for pid, inode in namespaces if inode is not None and inode != reader_namespace.inode
    ):
        pids = pids_by_inode.setdefault(inode, [])
        if len(pids) < _MAX_PIDS:
            pids.append(pid)
    for number, (inode, pids) in enumerate(pids_by_inode.items()):
        if number == MAX_NAMESPACES:
            unread_count = len(pids_by_inode) - number
            reason = f"{unread_count} more network namespaces are not read"
            look.report(Trouble(SOCKETS, reason, "run logonscope in these namespaces: see nsenter(1)"))
            return
        yield NetNamespace(inode, tuple(f"{proc}/{pid}/net" for pid in pids), tuple(pids))


def report_missing(path: str, look: Look) -> None:
    """Report that a file or folder that lists the sockets of the reader's network namespace is missing."""
    look.report(Trouble(SOCKETS, f"{path} is missing", "mount /proc as a whole, without subset=pid"))


def report_unreadable(path: str, error: OSError, look: Look) -> None:
    """Report that a file that lists sockets cannot be read."""
    reason = f"{path}: {os.strerror(error.errno or 0)}"
    look.report(Trouble(SOCKETS, reason, "run as root to see which process holds a port"))


def _read_inode(path: str) -> int | None:
    try:
        return parse_namespace(os.readlink(path))
    except (OSError, ValueError):
        return None
