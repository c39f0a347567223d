"""What does the kernel say of each process? Reads /proc/PID, only the files whose facts are needed.

Each row of FILES ties facts to the file they come from; facts of one file stand together in Process. Files of one
process are read through one directory handle, so that a pid given out again half way cannot mix two processes; a
process that ends half way is left out.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from logonscope.errors import ServerTooBusyError
from logonscope.facts import FACTS_OF, Process
from logonscope.machine import Needs, Sieve
from logonscope.sources.linux import parse
from logonscope.sources.linux.patience import each

DEADLINE = 2.0
"""Seconds that one process may take where its arguments are read: they live in its memory, and that can hang."""

HANGS = f"no answer within {DEADLINE:g} s"
"""Why arguments were not read, where they hang."""

_BLOCK = 16384
_INDEX = {fact: at for at, fact in enumerate(Process._fields)}


def pids(proc: str) -> list[int]:
    """List the processes that /proc shows.

    Raises:
        ServerTooBusyError: no more files can be opened.
    """
    try:
        return [int(name) for name in os.listdir(proc) if name.isdecimal()]
    except OSError as error:
        _check_room(error)
        raise


def processes(proc: str, needs: Needs) -> Iterator[Process]:
    """Return every process that the needs name, with the facts that they ask for, read as it is asked for."""
    wanted = iter(pids(proc) if needs.pids is None else sorted(needs.pids))
    if needs.sieve is not None and not needs.sieve.facts:  # the pid alone decides
        keeps = needs.sieve.keeps
        wanted, needs = (pid for pid in wanted if keeps(Process(pid))), needs._replace(sieve=None)
    narrowed = any(hint is not None for hint in (needs.names, needs.logged_in, needs.sieve))
    if not needs.process and needs.ses is None and not narrowed:
        return (Process(pid) for pid in wanted if needs.pids is None or os.path.isdir(f"{proc}/{pid}"))
    if needs.process <= {"ses", "cgroup"} and not narrowed:
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
            yield new(Process, (pid, ses, None, path) + tail)  # noqa: RUF005 -- unpacking takes a third longer


class File(NamedTuple):
    """A file below /proc/PID, the facts that it gives in the order of Process, and how they are had."""

    path: str
    facts: tuple[str, ...]
    get: Callable[[int, int, int], tuple[object, ...]]  # directory handle, pid, most bytes -> facts


class Reader:
    """Reads any facts of a process, through one directory handle, in the steps that the needs ask for."""

    def __init__(self, proc: str, needs: Needs) -> None:
        self._proc = proc
        self._needs = needs
        self._names = None if needs.names is None else {name.lower() for name in needs.names}
        self._cuts = {_cut(name).lower() for name in needs.names or ()}
        self._login_uids: dict[object, object] = {}
        facts = _with_implied(needs.process, needs)
        first = facts if needs.sieve is None else _with_implied(needs.sieve.facts, needs)
        rest = self._steps_to(facts, first)
        self._steps = self._steps_to(first)
        if needs.sieve is not None and rest:
            self._steps += [partial(_sieved, needs.sieve), *rest]
        self.may_hang = "name" in facts or "cmdline" in facts

    def _steps_to(self, facts: set[str], known: Collection[str] = ()) -> "list[_Step]":
        """Return the steps that read facts, but for those of files that others are known from."""
        own_steps: dict[str, _Step] = {
            "sessionid": self._kernel_id,
            "loginuid": self._login_uid,
            "cgroup": self._cgroup,
            "stat": self._stat,
            "cmdline": self._arguments,
        }
        files = [file for file in FILES if not facts.isdisjoint(file.facts) and set(file.facts).isdisjoint(known)]
        if self._names is not None:  # of most processes the name is another
            files.sort(key=lambda file: file is not STAT)
        steps = [own_steps.get(file.path) or partial(_fill, file) for file in files]
        return [*steps, self._name] if "name" in facts and "name" not in known else steps

    def read(self, pid: int) -> Process | None:
        """Read one process; None where it is gone, or where the needs do not name it."""
        return self._read(pid, arguments=True)

    def without_arguments(self, pid: int) -> Process | None:
        """Read one process but for its arguments, which hang."""
        return self._read(pid, arguments=False)

    def _read(self, pid: int, *, arguments: bool) -> Process | None:
        try:
            handle = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        except OSError as error:
            _check_room(error)
            return Process(pid, unread=dict.fromkeys(self._needs.process | {"ses"}, os.strerror(error.errno or 0)))
        reading = _Reading(pid, handle, arguments=arguments)
        try:
            if not all(step(reading) for step in self._steps):
                return None
        except ProcessLookupError:
            return None
        finally:
            os.close(handle)
        return reading.process()

    def _kernel_id(self, reading: "_Reading") -> bool:
        _fill(SESSIONID, reading)
        ses = reading["ses"]
        return self._needs.ses is None or ses is None or ses in self._needs.ses

    def _login_uid(self, reading: "_Reading") -> bool:
        """Read the login uid once for each kernel id: the kernel sets both together.

        A process may get both between the two readings, so the kernel id is read again before the pair is kept.
        """
        ses = reading["ses"]
        while ses not in self._login_uids:
            _fill(LOGINUID, reading)
            _fill(SESSIONID, reading)
            if reading["ses"] == ses:
                if reading["loginuid"] is not None:
                    self._login_uids[ses] = reading["loginuid"]
                break
            ses = reading["ses"]
        else:
            reading["loginuid"] = self._login_uids[ses]
        meant = self._needs.logged_in
        return meant is None or meant.may_be(reading["ses"], reading["loginuid"])

    def _cgroup(self, reading: "_Reading") -> bool:
        ses, of = reading["ses"], self._needs.cgroup_of
        return True if of is not None and ses is not None and ses not in of else _fill(CGROUP, reading)

    def _stat(self, reading: "_Reading") -> bool:
        _fill(STAT, reading)
        comm = reading["comm"]
        if self._names is None or not isinstance(comm, str):
            return True
        return comm.lower() in self._cuts or comm.lower() in self._names  # kernel threads have names that are not cut

    def _arguments(self, reading: "_Reading") -> bool:
        if not reading.arguments:
            reading.unread["cmdline"] = HANGS
            return True
        return _fill(CMDLINE, reading, self._needs.cmdline_bytes)

    def _name(self, reading: "_Reading") -> bool:
        """Complete the name where the kernel cut it; False where the needs name other processes."""
        comm, cmdline, names = reading["comm"], reading["cmdline"], self._names
        if not isinstance(comm, str):
            return names is None
        if cmdline is None and parse.may_be_cut(comm):
            if not reading.arguments:
                reading.unread["name"] = f"{HANGS}: cut at {parse.COMM_BYTES} bytes"
            else:
                try:
                    cmdline = _read("cmdline", reading.handle, 4096)
                except OSError:
                    pass
        name = parse.complete_name(comm, cmdline if isinstance(cmdline, bytes) else None)
        reading["name"] = name
        return names is None or name.lower() in names or comm.lower() in names


class _Reading:
    """One process while it is read."""

    __slots__ = ("arguments", "handle", "pid", "row", "unread")

    def __init__(self, pid: int, handle: int, *, arguments: bool) -> None:
        self.pid = pid
        self.handle = handle
        self.arguments = arguments  # False where reading them hangs
        self.row: list[object] = [pid] + [None] * (len(Process._fields) - 1)
        self.unread: dict[str, str] = {}

    def __getitem__(self, fact: str) -> object:
        return self.row[_INDEX[fact]]

    def __setitem__(self, fact: str, value: object) -> None:
        self.row[_INDEX[fact]] = value

    def process(self) -> Process:
        """Return what was read."""
        self.row[-1] = self.unread or None
        return Process._make(self.row)


_Step = Callable[[_Reading], bool]
"""Reads a file's facts into the row; False: the needs do not name this process."""


def _sieved(sieve: Sieve, reading: _Reading) -> bool:
    return sieve.keeps(reading.process())


def _fill(file: File, reading: _Reading, most: int = _BLOCK) -> bool:
    """Put the facts of a file into the row, or the reason why they cannot be had beside it."""
    at = _INDEX[file.facts[0]]
    try:
        values = file.get(reading.handle, reading.pid, most)
    except (OSError, ValueError) as error:
        reading.unread.update(dict.fromkeys(file.facts, _reason(reading.handle, file.path, error)))
    else:
        reading.row[at : at + len(values)] = values
    return True


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
        ServerTooBusyError: because no more files can be opened.
    """
    if not isinstance(error, OSError):
        return f"{path}: {error}"
    _check_room(error)
    if not isinstance(error, PermissionError):
        try:
            os.stat("stat", dir_fd=handle)
        except PermissionError:
            pass
        except OSError:
            raise ProcessLookupError from None
    return os.strerror(error.errno) if error.errno else str(error)


def _check_room(error: OSError) -> None:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        raise ServerTooBusyError("no more files can be opened", "close some, or raise the limit: `ulimit -n`")


def _with_implied(facts: Iterable[str], needs: Needs) -> set[str]:
    """Return the facts, and those that reading them, or what narrows the needs, takes."""
    found = set(facts)
    if needs.logged_in is not None:
        found.add("loginuid")
    if "loginuid" in found or needs.ses is not None or ("cgroup" in found and needs.cgroup_of is not None):
        found.add("ses")
    if "name" in found or needs.names is not None:
        found |= {"name", "comm"}
    return found


def _content(path: str, parse_file: Callable[[bytes], tuple[object, ...]]) -> Callable[..., tuple[object, ...]]:
    return lambda handle, _pid, most: parse_file(_read(path, handle, most))


def _whole(data: bytes) -> tuple[bytes]:
    return (data,)


def _executable(handle: int, _pid: int, _most: int) -> tuple[str]:
    return (parse.text(os.fsencode(os.readlink("exe", dir_fd=handle))),)


def _children(handle: int, pid: int, _most: int) -> tuple[tuple[int, ...]]:
    return parse.parse_children(_read(f"task/{pid}/children", handle))


def _open_files(handle: int, _pid: int, _most: int) -> tuple[int]:
    """Count the open files: the size of the directory says so since Linux 6.2, before that it is 0 (proc(5))."""
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        return (os.stat(folder).st_size or len(os.listdir(folder)),)
    finally:
        os.close(folder)


def _socket_inodes(handle: int, _pid: int, _most: int) -> tuple[tuple[int, ...]]:
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        links = (_link(folder, name) for name in os.listdir(folder))
        return (tuple(sorted({int(link[8:-1]) for link in links if link.startswith("socket:[")})),)
    finally:
        os.close(folder)


def _link(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:  # closed since it was listed
        return ""


def _cut(name: str) -> str:
    return parse.text(name.encode("utf-8", "surrogateescape")[: parse.COMM_BYTES])


def _file(path: str, get: Callable[[int, int, int], tuple[object, ...]]) -> File:
    return File(path, FACTS_OF[path], get)


SESSIONID = _file("sessionid", _content("sessionid", parse.parse_number))
LOGINUID = _file("loginuid", _content("loginuid", parse.parse_number))
CGROUP = _file("cgroup", _content("cgroup", parse.parse_cgroup))
STAT = _file("stat", _content("stat", parse.parse_stat))
CMDLINE = _file("cmdline", _content("cmdline", _whole))
FILES = (
    SESSIONID,
    LOGINUID,
    CGROUP,
    STAT,
    _file("status", _content("status", parse.parse_status)),
    _file("statm", _content("statm", parse.parse_statm)),
    _file("io", _content("io", parse.parse_io)),
    CMDLINE,
    _file("exe", _executable),
    _file("task/PID/children", _children),
    _file("fd", _open_files),
    _file("fd/*", _socket_inodes),
)
"""The files, the cheapest and most telling first."""
