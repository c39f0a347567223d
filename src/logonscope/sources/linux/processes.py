"""What does the kernel say of each process? Reads /proc/PID, only the files whose facts are needed.

Each row of FILES ties facts to the file they come from; facts of one file stand together in Process. Files of one
process are read through one directory handle, so that a pid given out again half way cannot mix two processes; a
process that ends half way is left out.
"""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from logonscope.facts import Needs, Process
from logonscope.sources.linux import parse
from logonscope.sources.linux.patience import each

DEADLINE = 2.0
"""Seconds that one process may take where its arguments are read: they live in its memory, and that can hang."""

_BLOCK = 16384
_INDEX = {fact: at for at, fact in enumerate(Process._fields)}


def pids(proc: str) -> list[int]:
    """List the processes that /proc shows."""
    return [int(name) for name in os.listdir(proc) if name.isdecimal()]


def processes(proc: str, needs: Needs) -> Iterator[Process]:
    """Return every process that the needs name, with the facts that they ask for, read as it is asked for."""
    wanted = iter(pids(proc) if needs.pids is None else sorted(needs.pids))
    if not needs.process and needs.ses is None and needs.names is None:
        return (Process(pid) for pid in wanted if needs.pids is None or os.path.isdir(f"{proc}/{pid}"))
    if needs.process <= {"ses", "cgroup"} and needs.names is None:
        return _memberships(proc, wanted, needs)
    reader = Reader(proc, needs)
    if reader.may_hang:
        return filter(None, each(wanted, reader.read, reader.without_arguments, DEADLINE))
    return filter(None, map(reader.read, wanted))


def _memberships(proc: str, wanted: Iterator[int], needs: Needs) -> Iterator[Process]:
    """Yield kernel id and, where it decides, cgroup: the two smallest files, by the shortest way.

    The open sessionid holds the process: where it can still be read after the cgroup was, both are of one process.
    """
    cgroup_of = needs.cgroup_of if "cgroup" in needs.process else frozenset()
    asked, new = needs.ses, tuple.__new__
    tail = (None,) * (len(Process._fields) - 4)
    slow = Reader(proc, needs)
    paths: dict[bytes, str] = {}  # many processes share a cgroup
    for pid in wanted:
        try:
            handle = os.open(f"{proc}/{pid}/sessionid", os.O_RDONLY)
            try:
                ses, path = int(os.read(handle, 32)), None
                if asked is not None and ses not in asked:
                    continue
                if cgroup_of is None or ses in cgroup_of:
                    content = _read(f"{proc}/{pid}/cgroup")
                    path = paths.get(content)
                    if path is None:
                        (path,) = parse.parse_cgroup(content)
                        paths[content] = path
                    os.pread(handle, 32, 0)
            finally:
                os.close(handle)
        except (OSError, ValueError):
            if process := slow.read(pid):
                yield process
        else:
            yield new(Process, (pid, ses, None, path, *tail))


class File(NamedTuple):
    """A file below /proc/PID, the facts that it gives in the order of Process, and how they are had."""

    path: str
    facts: tuple[str, ...]
    get: Callable[[int, int], tuple[object, ...]]  # directory handle, most bytes -> facts


class Reader:
    """Reads any facts of a process, through one directory handle."""

    def __init__(self, proc: str, needs: Needs) -> None:
        facts = set(needs.process)
        if "loginuid" in facts or needs.ses is not None or ("cgroup" in facts and needs.cgroup_of is not None):
            facts.add("ses")
        if "name" in facts or needs.names is not None:
            facts |= {"name", "comm"}
        self._proc = proc
        self._needs = needs
        self._files = [file for file in FILES if facts.intersection(file.facts)]
        self._named = "name" in facts
        self._cuts = None if needs.names is None else {_cut(name) for name in needs.names}
        self._loginuids: dict[object, tuple[object, ...]] = {}
        self.may_hang = self._named or "cmdline" in facts

    def read(self, pid: int) -> Process | None:
        """Read one process; None where it is gone, or where the needs do not name it."""
        return self._read(pid, arguments=True)

    def without_arguments(self, pid: int) -> Process | None:
        """Read one process but for its arguments, which hang."""
        return self._read(pid, arguments=False)

    def _read(self, pid: int, *, arguments: bool) -> Process | None:
        try:
            handle = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return None
        row: list[object] = [pid] + [None] * (len(Process._fields) - 1)
        unread: dict[str, str] = {}
        try:
            for file in self._files:
                if not self._applies(file, row):
                    continue
                if file.path == "cmdline" and not arguments:
                    unread["cmdline"] = f"no answer within {DEADLINE:g} s"
                    continue
                self._fill(row, file, handle, unread)
                if not self._asked(file, row):
                    return None
            if self._named and not self._name(row, handle, arguments=arguments):
                return None
        except ProcessLookupError:
            return None
        finally:
            os.close(handle)
        row[-1] = unread or None
        return Process._make(row)

    def _fill(self, row: list[object], file: File, handle: int, unread: dict[str, str]) -> None:
        """Put the facts of a file into the row, or the reason why they cannot be had beside it."""
        at, ses = _INDEX[file.facts[0]], row[1]
        try:
            # the kernel sets loginuid and sessionid together: one reading for each kernel id
            values = self._loginuids.get(ses) if file.path == "loginuid" and ses is not None else None
            if values is None:
                values = file.get(handle, self._needs.cmdline_bytes)
                if file.path == "loginuid":
                    self._loginuids[ses] = values
        except (OSError, ValueError) as error:
            unread.update(dict.fromkeys(file.facts, _reason(handle, file.path, error)))
        else:
            row[at : at + len(values)] = values

    def _applies(self, file: File, row: list[object]) -> bool:
        ses, cgroup_of = row[1], self._needs.cgroup_of
        return file.path != "cgroup" or cgroup_of is None or ses is None or ses in cgroup_of

    def _asked(self, file: File, row: list[object]) -> bool:
        """Tell whether the needs name this process, as far as the files read until now can say."""
        if file.path == "sessionid":
            return self._needs.ses is None or row[1] is None or row[1] in self._needs.ses
        if file.path == "stat" and self._cuts is not None:
            comm = row[_INDEX["comm"]]
            return comm is None or comm in self._cuts
        return True

    def _name(self, row: list[object], handle: int, *, arguments: bool) -> bool:
        """Complete the name where the kernel cut it; False where the needs name other processes."""
        comm, cmdline, names = row[_INDEX["comm"]], row[_INDEX["cmdline"]], self._needs.names
        if not isinstance(comm, str):
            return names is None
        if cmdline is None and arguments and parse.may_be_cut(comm):
            try:
                cmdline = _read("cmdline", handle, 4096)
            except OSError:
                cmdline = None
        name = parse.complete_name(comm, cmdline if isinstance(cmdline, bytes) else None)
        row[_INDEX["name"]] = name
        return names is None or name in names or comm in names


def _read(path: str, handle: int | None = None, limit: int = _BLOCK) -> bytes:
    """Read a file of /proc to its end, or to the limit; a short one comes in one read."""
    file = os.open(path, os.O_RDONLY, dir_fd=handle)
    try:
        data = os.read(file, min(limit, _BLOCK))
        if len(data) < 4096:
            return data
        parts, left = [data], limit - len(data)
        while left > 0 and (data := os.read(file, min(left, 1 << 20))):
            parts.append(data)
            left -= len(data)
        return b"".join(parts)
    finally:
        os.close(file)


def _reason(handle: int, path: str, error: Exception) -> str:
    """Say why a file of a living process could not be read.

    Raises:
        ProcessLookupError: because its process is gone.
    """
    if not isinstance(error, OSError):
        return f"{path}: {error}"
    if not isinstance(error, PermissionError):
        try:
            os.stat("stat", dir_fd=handle)
        except PermissionError:
            pass
        except OSError:
            raise ProcessLookupError from None
    return os.strerror(error.errno) if error.errno else str(error)


def _content(path: str, parse_file: Callable[[bytes], tuple[object, ...]]) -> Callable[[int, int], tuple[object, ...]]:
    return lambda handle, _: parse_file(_read(path, handle))


def _arguments(handle: int, limit: int) -> tuple[bytes]:
    return (_read("cmdline", handle, limit),)


def _executable(handle: int, _: int) -> tuple[str]:
    return (parse.text(os.fsencode(os.readlink("exe", dir_fd=handle))),)


def _open_files(handle: int, _: int) -> tuple[int]:
    """Count the open files: the size of the directory says so since Linux 6.2, before that it is 0 (proc(5))."""
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        return (os.stat(folder).st_size or len(os.listdir(folder)),)
    finally:
        os.close(folder)


def _socket_inodes(handle: int, _: int) -> tuple[tuple[int, ...]]:
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        links = (_link(folder, name) for name in os.listdir(folder))
        return (tuple(sorted({int(link[8:-1]) for link in links if link.startswith("socket:[")})),)
    finally:
        os.close(folder)


def _link(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:  # closed since it was listed
        return ""


def _cut(name: str) -> str:
    return parse.text(name.encode("utf-8", "surrogateescape")[: parse.COMM_BYTES])


def _between(first: str, after: str) -> tuple[str, ...]:
    return Process._fields[_INDEX[first] : _INDEX[after]]


FILES = (
    File("sessionid", ("ses",), _content("sessionid", parse.parse_number)),
    File("loginuid", ("loginuid",), _content("loginuid", parse.parse_number)),
    File("cgroup", ("cgroup",), _content("cgroup", parse.parse_cgroup)),
    File("stat", _between("comm", "uids"), _content("stat", parse.parse_stat)),
    File("status", _between("uids", "resident"), _content("status", parse.parse_status)),
    File("statm", ("resident",), _content("statm", parse.parse_statm)),
    File("io", _between("rchar", "cmdline"), _content("io", parse.parse_io)),
    File("cmdline", ("cmdline",), _arguments),
    File("exe", ("exe",), _executable),
    File("fd", ("fds",), _open_files),
    File("fd/*", ("sockets",), _socket_inodes),
)
"""Which file each fact comes from, the cheapest and most telling first."""
