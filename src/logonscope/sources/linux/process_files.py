"""Files below /proc/PID: the facts that each gives, the functions that read and parse it, and the plan of a query."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

from logonscope.facts import FACTS_OF_FILE, Process
from logonscope.machine import Facts, ProcessQuery
from logonscope.sources.linux import parse
from logonscope.sources.linux.descriptor_tables import read_socket_inodes, read_thread_sockets

_BLOCK = 16384
"""Bytes of the first read of a file."""

_MAX_CHILDREN_BYTES = 1 << 25
"""Maximum bytes of one list of children: more than the kernel's 2^22 processes need."""

_MAPS_BYTES = 16 << 20
"""Maximum bytes of a list of mapped memory: more than the kernel's default of 65,530 mappings needs, as a rule."""

_MOUNTINFO_BYTES = 8 << 20
"""Maximum bytes of a list of mounts that are read: about 60,000 mounts."""

INDEX_OF_FACT = {fact: index for index, fact in enumerate(Process._fields)}
"""Index of each fact in the fields of Process."""


Guard = Literal["none", "trace", "memory"]
"""What the kernel waits for before it returns the content of a file.

- none: nothing; every process may read the file at any time.
- trace: the check of the right to trace the process, which waits while the process is in execve(2). A process can hang
  there: after vfork(2) it shares its memory with another process, which can hold the lock of the memory for ever.
- memory: the lock of the memory.
"""


class File(NamedTuple):
    """A row of FACTS_OF_FILE: its name, its facts in the order of Process, and the functions that get them."""

    name: str  # the path below /proc/PID, or another name, such as "status: Cap"; then ``read`` has the path
    facts: tuple[str, ...]
    column: int  # index of its first fact in Process
    parse: Callable[[Any], tuple[object, ...]]
    read: Callable[[int, int], object]  # (directory handle, pid) -> the content that ``parse`` takes
    guard: Guard


def read_file(path: str, handle: int | None = None, limit: int = _BLOCK, *, is_list: bool = False) -> bytes:
    """Return the content of a file of /proc, up to a limit in bytes.

    Args:
        path: the file.
        handle: the directory that the path is relative to.
        limit: maximum bytes.
        is_list: the kernel writes the file entry by entry. Then a read returns as many whole entries as fit into a
            page, so that only an empty read shows the end.
    """
    file = os.open(path, os.O_RDONLY, dir_fd=handle)
    try:
        data = os.read(file, min(limit, _BLOCK))
        # a content shorter than a page is complete: this saves a second read of nearly all files of /proc
        if len(data) < 4096 and not is_list:
            return data
        parts, remaining_bytes = [data], limit - len(data)
        while remaining_bytes > 0 and (data := os.read(file, min(remaining_bytes, 1 << 20))):
            parts.append(data)
            remaining_bytes -= len(data)
        return b"".join(parts)
    finally:
        os.close(file)


def _read_executable(handle: int, _: int) -> bytes:
    return os.fsencode(os.readlink("exe", dir_fd=handle))


def read_maps(handle: int, _: int) -> bytes:
    """Return /proc/PID/maps; reading it can hang, like reading the arguments of the process."""
    return read_file("maps", handle, _MAPS_BYTES, is_list=True)


def _read_children(handle: int, pid: int) -> bytes:
    """Return the children of all threads: each thread lists those that it forked itself."""
    folder = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        content = read_file(f"{pid}/children", folder, _MAX_CHILDREN_BYTES, is_list=True)
        for task in os.listdir(folder):
            if task != str(pid):
                # the children of a thread that has ended are listed by another thread
                with suppress(FileNotFoundError, ProcessLookupError):
                    content += read_file(f"{task}/children", folder, _MAX_CHILDREN_BYTES, is_list=True)
        return content
    finally:
        os.close(folder)


def _count_open_files(handle: int, _: int) -> int:
    """Return the number of open files: the size of the directory since Linux 6.2, 0 before that (proc(5))."""
    if count := os.stat("fd", dir_fd=handle).st_size:
        return count
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        return len(os.listdir(folder))
    finally:
        os.close(folder)


def _read_net_namespace(handle: int, _: int) -> int:
    return parse.parse_namespace(os.readlink("ns/net", dir_fd=handle))


def _read_label(handle: int, _: int) -> tuple[str | None, bytes] | None:
    """Return the security label with the name of its module; None where no security module labels processes."""
    for module, path in _LABEL_FILES:
        # a file exists where its module is built in; reading it fails (EINVAL) where the module is not active
        try:
            label = read_file(path, handle)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.EINVAL}:
                raise
        else:
            return module, label
    # the files are missing for an ended process, too: then this raises an error
    os.stat("stat", dir_fd=handle)
    return None


_LABEL_FILES = (("apparmor", "attr/apparmor/current"), ("smack", "attr/smack/current"), (None, "attr/current"))
"""Files below /proc/PID that have a security label, with the module that each belongs to; None: the active module."""


def _has_host_root(handle: int, _: int) -> bool | None:
    """Return whether the root directory of a process is that of process 1; None where that of process 1 cannot be read.

    Every user may read mountinfo of both processes. Reading it accesses no mounted file system, which could hang.
    """
    proc = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=handle)
    try:
        host_root = parse.parse_root_mount(read_file("1/mountinfo", proc, _MOUNTINFO_BYTES))
    except OSError:
        return None
    finally:
        os.close(proc)
    root = parse.parse_root_mount(read_file("mountinfo", handle, _MOUNTINFO_BYTES))
    return None if host_root is None else root == host_root


def _make_file(
    name: str,
    parse_content: Callable[[Any], tuple[object, ...]],
    read: Callable[[int, int], object] | None = None,
    *,
    guard: Guard = "trace",
) -> File:
    facts = FACTS_OF_FILE[name]
    reader = read or partial(_read_plain_file, name)  # without ``read``, the name is the path
    return File(name, facts, INDEX_OF_FACT[facts[0]], parse_content, reader, guard)


def _read_plain_file(path: str, handle: int, _: int) -> bytes:
    return read_file(path, handle)


SESSIONID = _make_file("sessionid", parse.parse_number, guard="none")
FILES = (
    SESSIONID,
    _make_file("loginuid", parse.parse_number, guard="none"),
    _make_file("cgroup", parse.parse_cgroup, guard="none"),
    _make_file("stat", parse.parse_stat),
    _make_file("status", parse.parse_status, guard="none"),
    _make_file("statm", parse.parse_statm, guard="none"),
    _make_file("io", parse.parse_io),
    _make_file("cmdline", parse.as_single_fact, guard="memory"),
    _make_file("exe", parse.parse_link, _read_executable),
    _make_file("task/PID/children", parse.parse_children, _read_children, guard="none"),
    _make_file("fd", parse.as_single_fact, _count_open_files),
    _make_file("fd/*", parse.as_single_fact, read_socket_inodes),
    _make_file("task/*/fd/*", parse.as_single_fact, read_thread_sockets),
    _make_file("ns/net", parse.as_single_fact, _read_net_namespace),
    # a row of its own, because few requests need capabilities; a request for both rows reads status twice
    _make_file("status: Cap", parse.parse_capabilities, partial(_read_plain_file, "status"), guard="none"),
    _make_file("attr/current", parse.parse_label, _read_label),
    _make_file("maps", parse.parse_maps, read_maps, guard="memory"),
    _make_file("mountinfo", parse.as_single_fact, _has_host_root, guard="none"),
)
"""The files; those that are cheap to read, and often rule a process out, come first."""

MEMORY_FILES = frozenset(file.name for file in FILES if file.guard == "memory")
"""Files whose reading can hang until a process releases the lock of its memory."""

UNGUARDED_FILES = frozenset(file.name for file in FILES if file.guard == "none")
"""Files whose reading cannot hang."""

MAX_PLANS = 256
"""Maximum number of plans that are kept, by QueryShape."""


class Stage(NamedTuple):
    """Files that are read together, and the method of Reader that decides whether the process is read further."""

    files: tuple[File, ...]
    predicate_name: str | None = None  # a key of Reader._PREDICATES; None: every process is read further


class QueryShape(NamedTuple):
    """The parts of a query that decide its plan: its facts, and which limits it has, but not their values."""

    facts: Facts
    early_facts: Facts | None
    has_names: bool
    has_users: bool
    has_kernel_ids: bool
    has_login_uids: bool
    has_ids_needing_cgroup: bool

    def with_implied_facts(self, facts: Facts) -> Facts:
        """Return these facts, with the facts that are needed to read them or to apply the limits of the query."""
        all_facts = set(facts)
        if self.has_login_uids:
            all_facts.add("loginuid")
        # the login uid is read once for each kernel id, and the kernel id decides whether the cgroup is read
        if "loginuid" in all_facts or self.has_kernel_ids or ("cgroup" in all_facts and self.has_ids_needing_cgroup):
            all_facts.add("ses")
        if "name" in all_facts or self.has_names:
            all_facts |= {"name", "comm"}
        return frozenset(all_facts)


class ReadPlan(NamedTuple):
    """How the processes of a query are read."""

    stages: tuple[Stage, ...]
    reads_memory: bool  # files are read that the kernel takes from the memory of the process, such as cmdline
    may_hang: bool  # files are read whose reading can hang


def plan_of(query: ProcessQuery) -> ReadPlan:
    """Return the plan of a query."""
    early, hint = query.early_filter, query.logon_hint
    return plan_reading(
        QueryShape(
            query.facts,
            None if early is None else early.facts,
            query.names is not None,
            query.may_run_as is not None,
            hint.kernel_ids is not None,
            hint.login_uids is not None,
            hint.kernel_ids_needing_cgroup is not None,
        )
    )


@lru_cache(MAX_PLANS)
def plan_reading(shape: QueryShape) -> ReadPlan:
    """Return the plan: a file is read in the first stage that needs it; cheap predicates come first."""
    facts, stages, planned_names = shape.with_implied_facts(shape.facts), list[Stage](), set[str]()

    def add_stage(stage_facts: Facts, predicate_name: str | None = None) -> None:
        files = tuple(
            file for file in FILES if file.name not in planned_names and not stage_facts.isdisjoint(file.facts)
        )
        planned_names.update(file.name for file in files)
        if files or predicate_name is not None:
            stages.append(Stage(files, predicate_name))

    first_facts = facts if shape.early_facts is None else shape.with_implied_facts(shape.early_facts)
    if shape.has_names:  # most processes have another name
        add_stage(frozenset({"comm"}), "may_have_name")
    if shape.has_users:
        add_stage(frozenset({"uids"}), "may_run_as_user")
    if shape.has_kernel_ids or shape.has_login_uids:
        add_stage(frozenset({"ses", "loginuid"} if shape.has_login_uids else {"ses"}), "may_match_hint")
    # "name" is in no file: complete_name makes it from comm, and reads arguments only if the kernel cut comm
    add_stage(first_facts - {"name"}, "complete_name" if "name" in first_facts else None)
    has_more_files = any(file.name not in planned_names and not facts.isdisjoint(file.facts) for file in FILES)
    # an early filter that saves no file is skipped: the code that made the filter tests the processes again anyway
    if shape.early_facts is not None and (has_more_files or "name" in facts - first_facts):
        add_stage(frozenset(), "passes_early_filter")
        add_stage(facts - {"name"}, "complete_name" if "name" in facts - first_facts else None)
    # a name that the kernel cut is completed from the arguments
    reads_memory = "name" in facts | first_facts or not planned_names.isdisjoint(MEMORY_FILES)
    return ReadPlan(tuple(stages), reads_memory, reads_memory or not planned_names <= UNGUARDED_FILES)
