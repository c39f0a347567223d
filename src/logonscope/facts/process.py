"""Processes: what the kernel reports of each.

The order of the fields of Process matters to sources/linux/processes.py: the facts of one row of FACTS_OF_FILE are
adjacent (a file can have several rows, such as "status" and "status: Cap"); pid, ses, loginuid and cgroup come first,
and unread last.

A process is identified by (pid, start), never by the pid alone: all facts of one Process were read from the same
process.
"""

from collections.abc import Mapping
from typing import NamedTuple

UNSET = 4294967295
"""The kernel's value for "no audit session", for "no login uid" and for "no uid"; as LogonId, the System session."""


class Process(NamedTuple):
    """One process, with the facts that were requested.

    Text is decoded as UTF-8; each invalid byte becomes a lone surrogate (PEP 383), so that the bytes can be restored.
    """

    pid: int
    # sessionid: the kernel's audit session id ("kernel id"), by its name in the audit log; 4294967295 is "unset"
    ses: int | None = None
    # loginuid: the uid that logged in, as mapped by the reader's user namespace
    loginuid: int | None = None
    # cgroup: the path in the hierarchy of the login service (cgroup2, name=systemd or name=elogind)
    cgroup: str | None = None
    # stat
    comm: str | None = None  # the kernel's name: at most 15 bytes; of a kernel worker (kworker), it can be longer
    state: str | None = None  # one letter: R S D Z T t I X
    ppid: int | None = None
    pgrp: int | None = None
    sid: int | None = None  # the terminal session, setsid(2); not a logon session
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
    tgid: int | None = None  # differs from pid if this is a thread
    # real, effective, saved, filesystem; None in place of an id that is not mapped in the reader's user namespace
    uids: tuple[int | None, int | None, int | None, int | None] | None = None
    gids: tuple[int | None, int | None, int | None, int | None] | None = None
    vm_peak: int | None = None  # bytes, like the following four
    vm_hwm: int | None = None
    vm_rss: int | None = None
    rss_anon: int | None = None
    vm_swap: int | None = None
    # number of pid namespaces in which the process has a pid, from that of /proc inwards. 1: it is in the namespace of
    # /proc; more: it is in a nested namespace
    pid_namespaces: int | None = None
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
    # exe: the target of the link
    exe: str | None = None
    # task/PID/children
    children: tuple[int, ...] | None = None
    # fd: number of open files
    fds: int | None = None
    # fd/*: the inodes of the open sockets
    sockets: tuple[int, ...] | None = None
    # task/*/fd/*: the inodes of the open sockets of threads with a table of open files of their own: unshare(2)
    thread_sockets: tuple[int, ...] | None = None
    # ns/net: the inode of the network namespace
    net_namespace: int | None = None
    # status: capabilities as bit sets, see capabilities(7)
    cap_permitted: int | None = None
    cap_effective: int | None = None
    cap_bounding: int | None = None
    cap_ambient: int | None = None
    # attr/current, or the directory of the security module below attr
    label: str | None = None  # SELinux's context, AppArmor's profile with its mode, or Smack's label
    label_module: str | None = None  # selinux, apparmor, smack
    # maps: the files that are mapped as code. Each text is the lowest address in hex, a space, and the path as the
    # kernel shows it: a newline is \012, and " (deleted)" follows the path of a removed file. But the name of a file
    # that exists can also end with " (deleted)"
    mapped_files: tuple[str, ...] | None = None
    # mountinfo: the root directory of the process is that of the host
    host_root: bool | None = None
    # stat; if the kernel cut the name at 15 bytes, it is completed from cmdline
    name: str | None = None
    # why a requested fact is None: fact -> reason
    unread: Mapping[str, str] | None = None


ALL_FACTS = frozenset(Process._fields) - {"pid", "unread"}
"""Every fact of a process that can be requested."""


def _fields_between(first: str, end: str) -> tuple[str, ...]:
    """Return the fields from ``first`` up to, but without, ``end``."""
    return Process._fields[Process._fields.index(first) : Process._fields.index(end)]


FACTS_OF_FILE: Mapping[str, tuple[str, ...]] = {
    "sessionid": ("ses",),
    "loginuid": ("loginuid",),
    "cgroup": ("cgroup",),
    "stat": _fields_between("comm", "tgid"),
    "status": _fields_between("tgid", "resident"),
    "statm": ("resident",),
    "io": _fields_between("rchar", "cmdline"),
    "cmdline": ("cmdline",),
    "exe": ("exe",),
    "task/PID/children": ("children",),
    "fd": ("fds",),
    "fd/*": ("sockets",),
    "task/*/fd/*": ("thread_sockets",),
    "ns/net": ("net_namespace",),
    "status: Cap": _fields_between("cap_permitted", "label"),
    "attr/current": _fields_between("label", "mapped_files"),
    "maps": ("mapped_files",),
    "mountinfo": ("host_root",),
}
"""File below /proc/PID -> the facts that it gives; the order is that of FILES in sources/linux/process_files.py.

The name of a row is the path of its file. If a second row reads the same file, a colon and a word follow the path. The
row ``fd/*`` reads the links in the directory ``fd``; ``task/*/fd/*`` reads the links in this directory of each thread.
"""

FILE_OF_FACT: Mapping[str, str] = {fact: file for file, facts in FACTS_OF_FILE.items() for fact in facts} | {
    "name": "stat"
}
"""Fact -> the row of FACTS_OF_FILE that it comes from."""
