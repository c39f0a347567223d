"""What the kernel says of one process: the facts of each /proc file stand together, in the order of proc(5).

A process is (pid, start), never the pid alone: all facts of one Process were read from one and the same process.
"""

from collections.abc import Mapping
from typing import NamedTuple

UNSET = 4294967295
"""The kernel's own value for "no audit session": also the LogonId of the System session."""


class Process(NamedTuple):
    """One process, as far as it was asked for.

    Text is UTF-8; a byte that is not appears as a lone surrogate (PEP 383), so that the exact bytes can be had back.
    """

    pid: int
    # sessionid: the kernel's audit session id; 4294967295 is "unset"
    ses: int | None = None
    # loginuid: the uid that logged in, as the reader's user namespace maps it
    loginuid: int | None = None
    # cgroup: the path in the hierarchy that the login service keeps (cgroup2, name=systemd or name=elogind)
    cgroup: str | None = None
    # stat
    comm: str | None = None  # the kernel's name, at most 15 bytes
    state: str | None = None  # one letter: R S D Z T t I X
    ppid: int | None = None
    pgrp: int | None = None
    sid: int | None = None  # the terminal session, setsid(2): no logon session
    tty_nr: int | None = None
    flags: int | None = None
    minflt: int | None = None
    majflt: int | None = None
    utime: int | None = None  # clock ticks
    stime: int | None = None  # clock ticks
    priority: int | None = None
    nice: int | None = None
    threads: int | None = None
    start: int | None = None  # clock ticks since boot
    vsize: int | None = None  # bytes
    # status
    tgid: int | None = None  # another pid than this where it is a thread
    uids: tuple[int, int, int, int] | None = None  # real, effective, saved, filesystem
    gids: tuple[int, int, int, int] | None = None
    vm_peak: int | None = None  # bytes, as the following
    vm_hwm: int | None = None
    vm_rss: int | None = None
    rss_anon: int | None = None
    vm_swap: int | None = None
    # statm
    resident: int | None = None  # pages
    # io
    rchar: int | None = None  # bytes
    wchar: int | None = None  # bytes
    syscr: int | None = None
    syscw: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None
    # cmdline: the arguments, each ended by a NUL; empty for a kernel thread and for a zombie
    cmdline: bytes | None = None
    # exe: where the link points
    exe: str | None = None
    # task/PID/children
    children: tuple[int, ...] | None = None
    # fd: how many are open
    fds: int | None = None
    # fd/*: the inodes of the open sockets
    sockets: tuple[int, ...] | None = None
    # stat, and cmdline where the kernel cut the name at 15 bytes
    name: str | None = None
    # why a fact that was asked for is None: fact -> reason
    unread: Mapping[str, str] | None = None


FACTS = frozenset(Process._fields) - {"pid", "unread"}
"""Every fact that can be asked of a process."""


def _between(first: str, after: str) -> tuple[str, ...]:
    return Process._fields[Process._fields.index(first) : Process._fields.index(after)]


FACTS_OF: Mapping[str, tuple[str, ...]] = {
    "sessionid": ("ses",),
    "loginuid": ("loginuid",),
    "cgroup": ("cgroup",),
    "stat": _between("comm", "tgid"),
    "status": _between("tgid", "resident"),
    "statm": ("resident",),
    "io": _between("rchar", "cmdline"),
    "cmdline": ("cmdline",),
    "exe": ("exe",),
    "task/PID/children": ("children",),
    "fd": ("fds",),
    "fd/*": ("sockets",),
}
"""Which facts come together, of which file below /proc/PID: the cheapest and most telling first."""

FILE_OF: Mapping[str, str] = {fact: file for file, facts in FACTS_OF.items() for fact in facts} | {"name": "stat"}
