"""What does the kernel say of each process? Reads /proc/PID, only the files whose facts are asked for.

Each row of FILES ties facts to the file they come from; facts of one file stand together in Process. Files of one
process are read through one directory handle, so that a pid given out again half way cannot mix two processes; a
process that ends half way is left out.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from threading import get_ident
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from logonscope.errors import ServerTooBusyError
from logonscope.facts import FACTS_OF, UNSET, Process
from logonscope.machine import EarlyFilter, Facts, Look, ProcessQuery
from logonscope.sources.linux import parse
from logonscope.sources.linux.hung_reads import MOST, HungReads
from logonscope.sources.linux.timeouts import LeftBehindError, Patience, Watch, each

DEADLINE = 2.0
"""Seconds that one process may take where its arguments are read: they live in its memory, and that can hang."""

HURRIED = 0.25
"""Seconds for each further one, once the arguments of one have hung for the same question."""

HANGS = f"no answer within {DEADLINE:g} s"
"""Why arguments were not read, where they hang."""

LONGEST_CHAIN = 1000
"""Ancestors that are read of one process: a longer chain is cut at the far end."""

_ARGUMENTS = Patience(MOST)
"""Runs the reads of arguments of processes that are read by pid; those of the whole host are read in batches."""

_HUNG = HungReads()
"""Processes whose arguments hang."""

Value = TypeVar("Value")

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


def processes(proc: str, look: Look, query: ProcessQuery) -> Iterator[Process]:
    """Return every process that the query names, with the facts that it asks for, read as it is iterated."""
    listed = pids(proc) if query.pids is None else sorted(query.pids)
    wanted = iter(listed) if query.parents else look.timed(listed)
    early, hint = query.early, query.hint
    if early is not None and not early.facts:  # the pid alone decides
        keeps = early.keeps
        wanted, query = (pid for pid in wanted if keeps(Process(pid))), query._replace(early=None)
    if query.parents:
        query = query._replace(facts=query.facts | {"ppid"})
    narrowed = any(part is not None for part in (query.names, hint.login_uids, query.early))
    if not query.facts and hint.keys is None and not narrowed:
        return (Process(pid) for pid in wanted if query.pids is None or os.path.isdir(f"{proc}/{pid}"))
    if query.facts <= {"ses", "cgroup"} and not narrowed:
        return _memberships(proc, wanted, query)
    reader = Reader(proc, query)
    if query.parents:
        return look.timed(_lineage(reader, wanted))
    if reader.may_hang and query.pids is None:
        return filter(None, each(wanted, reader.read, reader.without_arguments, DEADLINE, reader))
    if hint.keys is not None and query.pids is None and UNSET not in hint.keys:
        wanted = with_keys(proc, wanted, hint.keys)
    return filter(None, map(reader.read, wanted))


def _lineage(reader: "Reader", wanted: Iterator[int]) -> Iterator[Process]:
    """Yield one process and its ancestors."""
    pid, seen, read = next(wanted, 0), set[int](), reader.read
    while pid and pid not in seen and len(seen) < LONGEST_CHAIN:
        process = read(pid)
        if process is None:
            return
        yield process
        seen.add(pid)
        pid = process.ppid or 0


def with_keys(proc: str, wanted: Iterable[int], keys: frozenset[int]) -> Iterator[int]:
    """Yield the pids that may have one of these kernel ids: one small file each, by the shortest way, and no more.

    Where it cannot be read the pid is yielded too; whoever reads the process finds out, and reads this file again.
    """
    for pid in wanted:
        try:
            handle = os.open(f"{proc}/{pid}/sessionid", os.O_RDONLY)
            try:
                ses = int(os.read(handle, 32))
            finally:
                os.close(handle)
        except (OSError, ValueError):
            yield pid
        else:
            if ses in keys:
                yield pid


def _memberships(proc: str, wanted: Iterator[int], query: ProcessQuery) -> Iterator[Process]:
    """Yield kernel id and, where it decides, cgroup: the two smallest files, by the shortest way.

    The open sessionid holds the process: where it can still be read after the cgroup was, both are of one process.
    """
    cgroup_of = query.hint.place_of if "cgroup" in query.facts else frozenset()
    keys, new = query.hint.keys, tuple.__new__
    tail = (None,) * (len(Process._fields) - 4)
    slow = Reader(proc, query)
    paths: dict[bytes, str] = {}  # many processes share a cgroup
    for pid in wanted:
        try:
            handle = os.open(f"{proc}/{pid}/sessionid", os.O_RDONLY)
            try:
                ses, path = int(os.read(handle, 32)), None
                if keys is not None and ses not in keys:
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
    column: int  # of its first fact in Process
    parse: Callable[[Any], tuple[object, ...]]
    read: Callable[[int, int], object]  # directory handle, pid -> what ``parse`` takes


class Stage(NamedTuple):
    """Files that are read together, and the check that decides whether the process is read further."""

    files: tuple[File, ...]
    keeps: "Callable[[_Reading], bool] | None" = None


class Reader(Watch):
    """Reads any facts of a process through one directory handle, in as few stages as the query allows.

    In a stage bytes are read first and parsed together, so that whatever narrows the query costs its own files alone.
    """

    def __init__(self, proc: str, query: ProcessQuery) -> None:
        self._proc = proc
        self._query = query
        self._names = None if query.names is None else {name.lower() for name in query.names}
        self._cuts = {_cut(name).lower() for name in query.names or ()}
        self._login_uids: dict[bytes, bytes] = {}  # by kernel id: the kernel sets both together
        self._read_arguments = self._watched if query.pids is None else self._within
        self._since: dict[int, float] = {}  # by thread: when it began to read arguments
        self.seconds = DEADLINE
        self._own_reads: dict[str, Callable[[_Reading], object]] = {
            "sessionid": self._kernel_id, "loginuid": self._login_uid, "cgroup": self._cgroup,
            "cmdline": self._arguments,
        }  # fmt: skip
        facts = _with_implied(query.facts, query)
        self._stages = self._planned(facts)
        self.may_hang = "name" in facts or "cmdline" in facts

    def _planned(self, facts: set[str]) -> list[Stage]:
        """Return the stages: each file in the first one that needs it."""
        query, hint = self._query, self._query.hint
        planned: list[Stage] = []
        done: set[str] = set()

        def add(wanted: Collection[str], keeps: "Callable[[_Reading], bool] | None" = None) -> None:
            files = tuple(file for file in FILES if file.path not in done and not file_facts[file].isdisjoint(wanted))
            done.update(file.path for file in files)
            if files or keeps is not None:
                planned.append(Stage(files, keeps))

        file_facts = {file: frozenset(file.facts) for file in FILES}
        first = facts if query.early is None else _with_implied(query.early.facts, query)
        if self._names is not None:  # of most processes the name is another
            add({"comm"}, self._has_name_cut)
        if hint.keys is not None or hint.login_uids is not None:
            add({"ses"} | ({"loginuid"} if hint.login_uids is not None else set()), self._is_hinted)
        add(first - {"name"}, self._name if "name" in first else None)
        is_more = any(file.path not in done and not file_facts[file].isdisjoint(facts) for file in FILES)
        if query.early is not None and (is_more or "name" in facts - first):
            add((), partial(_passes, query.early))
            add(facts - {"name"}, self._name if "name" in facts - first else None)
        return planned

    def read(self, pid: int) -> Process | None:
        """Read one process; None where it is gone, or where the query does not name it."""
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
            return Process(pid, unread=dict.fromkeys(self._query.facts | {"ses"}, os.strerror(error.errno or 0)))
        reading = _Reading(pid, handle, arguments=arguments)
        try:
            for files, keeps in self._stages:
                if files:
                    self._read_files(reading, files)
                if keeps is not None and not keeps(reading):
                    return None
        except ProcessLookupError:
            return None
        finally:
            os.close(handle)
        return reading.process()

    def _read_files(self, reading: "_Reading", files: tuple[File, ...]) -> None:
        """Read files, then parse what they say into the row; a file that cannot be read leaves its reason."""
        contents = reading.contents = []
        own_reads, handle, pid = self._own_reads, reading.handle, reading.pid
        for file in files:
            own_read = own_reads.get(file.path)
            try:
                content = file.read(handle, pid) if own_read is None else own_read(reading)
            except (OSError, ValueError) as error:
                reading.note(file, _reason(handle, file.path, error))
            else:
                if content is not None:
                    contents.append((file, content))
        for file, failure in parse.fill(reading.row, contents):
            reading.note(file, _reason(handle, file.path, failure))

    def _kernel_id(self, reading: "_Reading") -> bytes:
        reading.key = _read("sessionid", reading.handle, 32)
        return reading.key

    def _login_uid(self, reading: "_Reading") -> bytes:
        """Read the login uid once for each kernel id: the kernel sets both together.

        A process may get both between the two readings, so the kernel id is read again before the pair is kept.
        """
        if not reading.key:  # it could not be read
            return _read("loginuid", reading.handle, 32)
        while (key := reading.key) not in self._login_uids:
            login_uid = _read("loginuid", reading.handle, 32)
            again = _read("sessionid", reading.handle, 32)
            if again == key:
                self._login_uids[key] = login_uid
                return login_uid
            reading.key = again
            reading.contents.append((SESSIONID, again))
        return self._login_uids[key]

    def _cgroup(self, reading: "_Reading") -> bytes | None:
        place_of = self._query.hint.place_of
        if place_of is not None and reading.key and int(reading.key) not in place_of:
            return None
        return _read("cgroup", reading.handle)

    def _arguments(self, reading: "_Reading") -> bytes | None:
        return self._cmdline(reading, "cmdline", self._query.cmdline_bytes, HANGS)

    def _cmdline(self, reading: "_Reading", fact: str, most: int, reason: str) -> bytes | None:
        """Return the arguments; None, with the reason noted for the fact, where reading them hangs."""
        if reading.arguments and (not _HUNG.reads or _HUNG.may_read(self._proc, reading.pid, reading.handle)):
            try:
                return self._read_arguments(reading, most)
            except TimeoutError:
                pass
        reading.arguments = False
        reading.unread[fact] = reason
        return None

    def _within(self, reading: "_Reading", most: int) -> bytes:
        """Read arguments in another thread, which may be left behind."""
        try:
            return _ARGUMENTS.call(self.seconds, lambda: _read("cmdline", reading.handle, most))
        except LeftBehindError as error:
            self.left_behind(reading.pid, error.is_over)
            raise

    def _watched(self, reading: "_Reading", most: int) -> bytes:
        """Read arguments in this thread, which may be left behind as a whole: see ``patience.Watch``."""
        thread = get_ident()
        self._since[thread] = monotonic()
        try:
            return _read("cmdline", reading.handle, most)
        finally:
            del self._since[thread]

    def since(self, thread: int) -> float | None:
        return self._since.get(thread)

    def left_behind(self, item: int, is_over: Callable[[], bool]) -> None:
        _HUNG.remember(self._proc, item, is_over)
        self.seconds = HURRIED

    def _is_hinted(self, reading: "_Reading") -> bool:
        return self._query.hint.may_be(reading["ses"], reading["loginuid"])

    def _has_name_cut(self, reading: "_Reading") -> bool:
        comm = reading["comm"]
        if self._names is None or not isinstance(comm, str):
            return True
        return comm.lower() in self._cuts or comm.lower() in self._names  # kernel threads have names that are not cut

    def _name(self, reading: "_Reading") -> bool:
        """Complete the name where the kernel cut it; False where the query names other processes."""
        comm, cmdline, names = reading["comm"], reading["cmdline"], self._names
        if not isinstance(comm, str):
            return names is None
        if comm.isascii() and len(comm) < parse.COMM_BYTES:
            name = comm
        else:
            if cmdline is None and parse.may_be_cut(comm):
                try:
                    cmdline = self._cmdline(reading, "name", 4096, f"{HANGS}: cut at {parse.COMM_BYTES} bytes")
                except OSError:
                    pass
            name = parse.complete_name(comm, cmdline)
        reading["name"] = name
        return names is None or name.lower() in names or comm.lower() in names


class _Reading:
    """One process while it is read."""

    __slots__ = ("arguments", "contents", "handle", "key", "pid", "row", "unread")

    def __init__(self, pid: int, handle: int, *, arguments: bool) -> None:
        self.pid = pid
        self.handle = handle
        self.arguments = arguments  # False where reading them hangs
        self.key = b""  # the kernel id, as the kernel writes it
        self.contents: list[tuple[File, object]] = []  # of the files of a stage; a later one of a file counts
        self.row: list[Any] = [pid] + [None] * (len(Process._fields) - 1)
        self.unread: dict[str, str] = {}

    def __getitem__(self, fact: str) -> Any:
        return self.row[_INDEX[fact]]

    def __setitem__(self, fact: str, value: object) -> None:
        self.row[_INDEX[fact]] = value

    def note(self, file: File, reason: str) -> None:
        """Note why the facts of a file cannot be had."""
        self.unread.update(dict.fromkeys(file.facts, reason))

    def process(self) -> Process:
        """Return what was read."""
        self.row[-1] = self.unread or None
        return Process._make(self.row)


def _passes(early: EarlyFilter, reading: _Reading) -> bool:
    return early.keeps(reading.process())


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


def _with_implied(facts: Facts, query: ProcessQuery) -> set[str]:
    """Return the facts, and those that reading them, or what narrows the query, takes."""
    found, hint = set(facts), query.hint
    if hint.login_uids is not None:
        found.add("loginuid")
    if "loginuid" in found or hint.keys is not None or ("cgroup" in found and hint.place_of is not None):
        found.add("ses")
    if "name" in found or query.names is not None:
        found |= {"name", "comm"}
    return found


def _executable(handle: int, _: int) -> bytes:
    return os.fsencode(os.readlink("exe", dir_fd=handle))


def _children(handle: int, pid: int) -> bytes:
    """Read the children of all threads: whichever of them forked one has it in its own file."""
    folder = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        found = _read(f"{pid}/children", folder)
        for task in os.listdir(folder):
            if task != str(pid):
                with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended has handed its on
                    found += _read(f"{task}/children", folder)
        return found
    finally:
        os.close(folder)


def _open_files(handle: int, _: int) -> int:
    """Count the open files: the size of the directory says so since Linux 6.2, before that it is 0 (proc(5))."""
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        return os.stat(folder).st_size or len(os.listdir(folder))
    finally:
        os.close(folder)


def _socket_inodes(handle: int, _: int) -> tuple[int, ...]:
    folder = os.open("fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
    try:
        links = (_link(folder, name) for name in os.listdir(folder))
        return tuple(sorted({int(link[8:-1]) for link in links if link.startswith("socket:[")}))
    finally:
        os.close(folder)


def _link(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:  # closed since it was listed
        return ""


def _cut(name: str) -> str:
    return parse.text(name.encode("utf-8", "surrogateescape")[: parse.COMM_BYTES])


def _file(
    path: str, parse_content: Callable[[Any], tuple[object, ...]], read: Callable[[int, int], object] | None = None
) -> File:
    facts = FACTS_OF[path]
    return File(path, facts, _INDEX[facts[0]], parse_content, read or (lambda handle, _: _read(path, handle)))


SESSIONID = _file("sessionid", parse.parse_number)
FILES = (
    SESSIONID,
    _file("loginuid", parse.parse_number),
    _file("cgroup", parse.parse_cgroup),
    _file("stat", parse.parse_stat),
    _file("status", parse.parse_status),
    _file("statm", parse.parse_statm),
    _file("io", parse.parse_io),
    _file("cmdline", parse.as_it_is),
    _file("exe", parse.parse_link, _executable),
    _file("task/PID/children", parse.parse_children, _children),
    _file("fd", parse.as_it_is, _open_files),
    _file("fd/*", parse.as_it_is, _socket_inodes),
)
"""The files, the cheapest and most telling first."""
