"""Reader of processes: /proc/PID, only the files whose facts a query asks for.

Each row of FILES names a file and the facts that it gives, which are adjacent fields of Process. All files of one
process are read through one directory handle, so that the facts of two processes cannot be mixed where the pid is
reused during the reading. A process that ends during the reading is left out.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from threading import get_ident
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from logonscope.errors import ServerTooBusyError
from logonscope.facts import UNSET, Process
from logonscope.machine import EarlyFilter, Facts, Look, ProcessQuery
from logonscope.machine.trouble import NO_ANSWER_WITHIN, NOT_TRIED
from logonscope.sources.linux import parse
from logonscope.sources.linux.hung_reads import MOST_OF_ALL_USERS, HungReads
from logonscope.sources.linux.process_files import FILES, INDEX_OF_FACT, SESSIONID, File, read_file
from logonscope.sources.linux.timeouts import (
    AbandonedCallError,
    CallPool,
    ReadWatch,
    TooManyHungCallsError,
    read_each,
)

TIMEOUT = 2.0
"""Timeout in seconds for the arguments of one process: they lie in its memory, and reading that can hang."""

SHORT_TIMEOUT = 0.25
"""The same for each further process, once the arguments of one have hung for the same query."""

NO_ANSWER = f"{NO_ANSWER_WITHIN} {TIMEOUT:g} s"
"""The reason noted for arguments whose read hangs."""

LONGEST_CHAIN = 1000
"""Maximum number of ancestors that are read of one process: a longer chain is cut at the far end."""

_ARGUMENT_READS = CallPool(MOST_OF_ALL_USERS)
"""Reads the arguments of processes that are read by pid; those of the whole host are read in batches."""

_HUNG_READS = HungReads()
"""Processes whose arguments hang."""

Value = TypeVar("Value")


def list_pids(proc: str) -> list[int]:
    """Return the pids that /proc shows.

    Raises:
        ServerTooBusyError: no more files can be opened.
    """
    try:
        return [int(name) for name in os.listdir(proc) if name.isdecimal()]
    except OSError as error:
        _raise_if_too_many_files(error)
        raise


def read_processes(proc: str, look: Look, query: ProcessQuery) -> Iterator[Process]:
    """Return the processes that the query names, with the facts that it asks for, read as they are iterated."""
    listed_pids = list_pids(proc) if query.pids is None else sorted(query.pids)
    pids = iter(listed_pids) if query.with_ancestors else look.checked(listed_pids)
    early, hint = query.early_filter, query.logon_hint
    if early is not None and not early.facts:  # the pid alone decides
        keeps = early.keeps
        pids, query = (pid for pid in pids if keeps(Process(pid))), query._replace(early_filter=None)
    if query.with_ancestors:
        query = query._replace(facts=query.facts | {"ppid"})
    # The ways below are ordered from the cheapest; each gives the same processes as the last one would.
    is_narrowed = any(part is not None for part in (query.names, hint.login_uids, query.early_filter))
    if not query.facts and hint.kernel_ids is None and not is_narrowed:
        return (Process(pid) for pid in pids if query.pids is None or os.path.isdir(f"{proc}/{pid}"))
    if query.facts <= {"ses", "cgroup"} and not is_narrowed:
        return _read_memberships(proc, pids, query)
    reader = Reader(proc, query)
    if query.with_ancestors:
        return look.checked(_read_lineage(reader, pids))
    # a whole host is read in batches by another thread, which is abandoned where the arguments of a process hang
    if reader.may_hang and query.pids is None:
        return filter(None, read_each(pids, reader.read, reader.read_without_arguments, TIMEOUT, reader))
    # many processes have no kernel id: where UNSET is among the ids, this check would read a file more for most
    if hint.kernel_ids is not None and query.pids is None and UNSET not in hint.kernel_ids:
        pids = pids_with_kernel_ids(proc, pids, hint.kernel_ids)
    return filter(None, map(reader.read, pids))


def _read_lineage(reader: "Reader", pids: Iterator[int]) -> Iterator[Process]:
    """Yield the first of these processes and its ancestors, nearest first."""
    pid, seen_pids, read = next(pids, 0), set[int](), reader.read
    while pid and pid not in seen_pids and len(seen_pids) < LONGEST_CHAIN:
        process = read(pid)
        if process is None:
            return
        yield process
        # pids can be reused between two reads, so that a chain could come back to its beginning
        seen_pids.add(pid)
        pid = process.ppid or 0


def pids_with_kernel_ids(proc: str, pids: Iterable[int], kernel_ids: frozenset[int]) -> Iterator[int]:
    """Yield the pids that may have one of these kernel ids, reading one small file of each process.

    A pid whose file cannot be read is yielded too: the reader of the process reads the file again and notes why.
    """
    for pid in pids:
        # os.open and os.read instead of open(): this runs for every process of the host
        try:
            handle = os.open(f"{proc}/{pid}/sessionid", os.O_RDONLY)
            try:
                kernel_id = int(os.read(handle, 32))
            finally:
                os.close(handle)
        except (OSError, ValueError):
            yield pid
        else:
            if kernel_id in kernel_ids:
                yield pid


def _read_memberships(proc: str, pids: Iterator[int], query: ProcessQuery) -> Iterator[Process]:
    """Yield processes with their kernel id and, where that does not decide alone, their cgroup.

    A fast path of Reader for the two smallest files, without a directory handle. A process with an unusual result
    is read again by Reader, which notes why.
    """
    ids_needing_cgroup = query.logon_hint.kernel_ids_needing_location if "cgroup" in query.facts else frozenset()
    kernel_ids, new = query.logon_hint.kernel_ids, tuple.__new__
    tail = (None,) * (len(Process._fields) - 4)
    slow = Reader(proc, query)
    paths: dict[bytes, str] = {}  # many processes share a cgroup
    for pid in pids:
        try:
            handle = os.open(f"{proc}/{pid}/sessionid", os.O_RDONLY)
            try:
                kernel_id, path = int(os.read(handle, 32)), None
                if kernel_ids is not None and kernel_id not in kernel_ids:
                    continue
                if ids_needing_cgroup is None or kernel_id in ids_needing_cgroup:
                    content = read_file(f"{proc}/{pid}/cgroup")
                    path = paths.get(content)
                    if path is None:
                        (path,) = parse.parse_cgroup(content)
                        paths[content] = path
                    # The cgroup was opened by pid and may be of another process with the same pid. The open sessionid
                    # belongs to the first: if it can still be read, that one has not ended, and both are of one
                    # process.
                    os.pread(handle, 32, 0)
            finally:
                os.close(handle)
        except (OSError, ValueError):
            if process := slow.read(pid):
                yield process
        else:
            yield new(Process, (pid, kernel_id, None, path) + tail)  # noqa: RUF005 -- unpacking takes a third longer


class Stage(NamedTuple):
    """Files that are read together, and the predicate that decides whether the process is read further."""

    files: tuple[File, ...]
    keeps: "Callable[[_Reading], bool] | None" = None


class Reader(ReadWatch):
    """Reads the facts of processes that a query asks for, each through one directory handle.

    A query that narrows (names, a logon hint, an early filter) is read in stages: first the files that its predicate
    needs, and the others only of the processes that pass. Within a stage all files are read before any is parsed, so
    that a content can still be replaced by a newer one of the same file (see _read_login_uid).
    """

    def __init__(self, proc: str, query: ProcessQuery) -> None:
        self._proc = proc
        self._query = query
        self._names = None if query.names is None else {name.lower() for name in query.names}
        self._cut_names = {_cut_name(name).lower() for name in query.names or ()}
        self._login_uids: dict[bytes, bytes] = {}  # kernel id -> login uid: the kernel sets both together
        # A few processes by pid: each read of arguments goes to a thread of its own, all others stay in this one.
        # The whole host: ``read_each`` runs the reader in another thread anyway, so only the time is watched.
        self._read_arguments = self._read_watched if query.pids is None else self._read_in_pool
        self._argument_reads: dict[int, float] = {}  # thread -> when it began to read arguments
        self.seconds = TIMEOUT
        self._special_reads: dict[str, Callable[[_Reading], object]] = {
            "sessionid": self._read_kernel_id, "loginuid": self._read_login_uid, "cgroup": self._read_cgroup,
            "cmdline": self._read_whole_arguments,
        }  # fmt: skip
        facts = _with_implied_facts(query.facts, query)
        self._stages = self._plan_stages(facts)
        self.may_hang = "name" in facts or "cmdline" in facts

    def _plan_stages(self, facts: set[str]) -> list[Stage]:
        """Return the stages: each file in the first stage that needs it, the predicates from cheap to expensive."""
        query, hint = self._query, self._query.logon_hint
        stages: list[Stage] = []
        planned_paths: set[str] = set()

        def add_stage(stage_facts: Collection[str], keeps: "Callable[[_Reading], bool] | None" = None) -> None:
            files = tuple(
                file
                for file in FILES
                if file.path not in planned_paths and not file_facts[file].isdisjoint(stage_facts)
            )
            planned_paths.update(file.path for file in files)
            if files or keeps is not None:
                stages.append(Stage(files, keeps))

        file_facts = {file: frozenset(file.facts) for file in FILES}
        first_facts = facts if query.early_filter is None else _with_implied_facts(query.early_filter.facts, query)
        if self._names is not None:  # most processes have another name
            add_stage({"comm"}, self._may_have_name)
        if hint.kernel_ids is not None or hint.login_uids is not None:
            add_stage({"ses"} | ({"loginuid"} if hint.login_uids is not None else set()), self._may_match_hint)
        # "name" is no file: _complete_name makes it from comm, and reads arguments only where the kernel cut comm
        add_stage(first_facts - {"name"}, self._complete_name if "name" in first_facts else None)
        has_more_files = any(
            file.path not in planned_paths and not file_facts[file].isdisjoint(facts) for file in FILES
        )
        # an early filter that saves no file is skipped: its owner filters the processes once more anyway
        if query.early_filter is not None and (has_more_files or "name" in facts - first_facts):
            add_stage((), partial(_passes_early_filter, query.early_filter))
            add_stage(facts - {"name"}, self._complete_name if "name" in facts - first_facts else None)
        return stages

    def read(self, pid: int) -> Process | None:
        """Read one process; None where it is gone, or where the query does not name it."""
        return self._read(pid)

    def read_without_arguments(self, pid: int) -> Process | None:
        """Read one process except for its arguments, whose read hangs."""
        return self._read(pid, NO_ANSWER)

    def _read(self, pid: int, no_arguments: str | None = None) -> Process | None:
        try:
            handle = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        except OSError as error:
            _raise_if_too_many_files(error)
            return Process(pid, unread=dict.fromkeys(self._query.facts | {"ses"}, os.strerror(error.errno or 0)))
        reading = _Reading(pid, handle, no_arguments)
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
        """Read files, then parse them into the row; for a file that cannot be read the reason is noted."""
        contents = reading.contents = []
        special_reads, handle, pid = self._special_reads, reading.handle, reading.pid
        for file in files:
            special_read = special_reads.get(file.path)
            try:
                content = file.read(handle, pid) if special_read is None else special_read(reading)
            except (OSError, ValueError) as error:
                reading.note(file, _describe_failure(handle, file.path, error))
            else:
                if content is not None:
                    contents.append((file, content))
        for file, failure in parse.fill_row(reading.row, contents):
            reading.note(file, _describe_failure(handle, file.path, failure))

    def _read_kernel_id(self, reading: "_Reading") -> bytes:
        reading.kernel_id = read_file("sessionid", reading.handle, 32)
        return reading.kernel_id

    def _read_login_uid(self, reading: "_Reading") -> bytes:
        """Return the login uid, read once for each kernel id: all processes with one kernel id have one login uid.

        A process may log in between the reading of its kernel id and that of its login uid: then the pair is wrong, and
        would be given to every other process with the kernel id. So the kernel id is read again after the login uid. If
        it has changed, the new one replaces the old one, also among the contents of this stage (a later content of a
        file overwrites an earlier one), and the loop starts again. It ends, because a kernel id changes at logins only.
        """
        if not reading.kernel_id:  # it could not be read
            return read_file("loginuid", reading.handle, 32)
        while (kernel_id := reading.kernel_id) not in self._login_uids:
            login_uid = read_file("loginuid", reading.handle, 32)
            new_kernel_id = read_file("sessionid", reading.handle, 32)
            if new_kernel_id == kernel_id:
                self._login_uids[kernel_id] = login_uid
                return login_uid
            reading.kernel_id = new_kernel_id
            reading.contents.append((SESSIONID, new_kernel_id))
        return self._login_uids[kernel_id]

    def _read_cgroup(self, reading: "_Reading") -> bytes | None:
        """Return the cgroup; None where the kernel id decides alone who owns the process."""
        ids_needing_cgroup = self._query.logon_hint.kernel_ids_needing_location
        if ids_needing_cgroup is not None and reading.kernel_id and int(reading.kernel_id) not in ids_needing_cgroup:
            return None
        return read_file("cgroup", reading.handle)

    def _read_whole_arguments(self, reading: "_Reading") -> bytes | None:
        return self._read_cmdline(reading, "cmdline", self._query.max_cmdline_bytes)

    def _read_cmdline(self, reading: "_Reading", fact: str, limit: int, effect: str = "") -> bytes | None:
        """Return at most ``limit`` bytes of arguments.

        Where the read hangs or is not tried, return None, and note the reason for the fact, followed by its effect.
        """
        # the length first: it is almost always 0, and a call for every process would cost more
        if reading.no_arguments is None and _HUNG_READS.reads:
            reading.no_arguments = self._reason_not_to_read(reading)
        if reading.no_arguments is None:
            try:
                return self._read_arguments(reading, limit)
            except TooManyHungCallsError:
                reading.no_arguments = NOT_TRIED
            except TimeoutError:
                reading.no_arguments = NO_ANSWER
        # kept in the reading: the name may need the arguments once more, and would hang again
        reading.unread[fact] = reading.no_arguments + effect
        return None

    def _reason_not_to_read(self, reading: "_Reading") -> str | None:
        """Return why the arguments are not read, because reads of this or of other processes hang; None: they are."""
        process = self._proc, reading.pid, reading.handle
        if _HUNG_READS.may_read(*process):
            return None
        return NO_ANSWER if _HUNG_READS.hangs(*process) else NOT_TRIED

    def _read_in_pool(self, reading: "_Reading", limit: int) -> bytes:
        """Read arguments in another thread, which is abandoned where the read hangs."""
        try:
            return _ARGUMENT_READS.call(self.seconds, partial(read_file, "cmdline", reading.handle, limit))
        except AbandonedCallError as error:
            self.abandoned(reading.pid, error.is_over)
            raise

    def _read_watched(self, reading: "_Reading", limit: int) -> bytes:
        """Read arguments in this thread, which is abandoned as a whole where the read hangs: see ReadWatch."""
        thread = get_ident()
        self._argument_reads[thread] = monotonic()
        try:
            return read_file("cmdline", reading.handle, limit)
        finally:
            del self._argument_reads[thread]

    def started_at(self, thread: int) -> float | None:
        return self._argument_reads.get(thread)

    def abandoned(self, item: int, is_over: Callable[[], bool]) -> None:
        _HUNG_READS.remember(self._proc, item, is_over)
        # where one process hangs others of the same user may, too: an answer must not wait TIMEOUT for each
        self.seconds = SHORT_TIMEOUT

    def _may_match_hint(self, reading: "_Reading") -> bool:
        return self._query.logon_hint.may_match(reading["ses"], reading["loginuid"])

    def _may_have_name(self, reading: "_Reading") -> bool:
        """Return whether the process can have a name of the query, as far as its comm shows."""
        comm = reading["comm"]
        if self._names is None or not isinstance(comm, str):
            return True
        return comm.lower() in self._cut_names or comm.lower() in self._names  # names of kernel threads are not cut

    def _complete_name(self, reading: "_Reading") -> bool:
        """Set the name, completed where the kernel cut it; return whether the query names such processes."""
        comm, cmdline, names = reading["comm"], reading["cmdline"], self._names
        if not isinstance(comm, str):
            return names is None
        # the length in characters is that in bytes only of ASCII: others go to may_be_cut
        if comm.isascii() and len(comm) < parse.COMM_BYTES:
            name = comm
        else:
            if cmdline is None and parse.may_be_cut(comm):
                try:
                    cmdline = self._read_cmdline(reading, "name", 4096, f": cut at {parse.COMM_BYTES} bytes")
                except OSError:
                    pass
            name = parse.complete_name(comm, cmdline)
        reading["name"] = name
        return names is None or name.lower() in names or comm.lower() in names


class _Reading:
    """The state of reading one process."""

    __slots__ = ("contents", "handle", "kernel_id", "no_arguments", "pid", "row", "unread")

    def __init__(self, pid: int, handle: int, no_arguments: str | None) -> None:
        self.pid = pid
        self.handle = handle
        self.no_arguments = no_arguments  # why they are not read: their read hangs, or too many others do
        self.kernel_id = b""  # as the kernel writes it; empty where it was not read
        self.contents: list[tuple[File, object]] = []  # of the files of a stage; the last one of a file counts
        self.row: list[Any] = [pid] + [None] * (len(Process._fields) - 1)
        self.unread: dict[str, str] = {}

    def __getitem__(self, fact: str) -> Any:
        return self.row[INDEX_OF_FACT[fact]]

    def __setitem__(self, fact: str, value: object) -> None:
        self.row[INDEX_OF_FACT[fact]] = value

    def note(self, file: File, reason: str) -> None:
        """Note why the facts of a file could not be read."""
        self.unread.update(dict.fromkeys(file.facts, reason))

    def process(self) -> Process:
        """Return the process with the facts that were read."""
        self.row[-1] = self.unread or None
        return Process._make(self.row)


def _passes_early_filter(early: EarlyFilter, reading: _Reading) -> bool:
    return early.keeps(reading.process())


def _describe_failure(handle: int, path: str, error: Exception) -> str:
    """Return why a file of a running process could not be read.

    Raises:
        ProcessLookupError: the process is gone.
        ServerTooBusyError: no more files can be opened.
    """
    if not isinstance(error, OSError):
        return f"{path}: {error}"
    _raise_if_too_many_files(error)
    # An ended process gives ESRCH or ENOENT, but so does, for example, exe of a kernel thread. Its stat decides.
    if not isinstance(error, PermissionError):
        try:
            os.stat("stat", dir_fd=handle)
        except PermissionError:
            pass
        except OSError:
            raise ProcessLookupError from None
    return os.strerror(error.errno) if error.errno else str(error)


def _raise_if_too_many_files(error: OSError) -> None:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        raise ServerTooBusyError("cannot read /proc: too many open files", "raise the limit of open files: `ulimit -n`")


def _with_implied_facts(facts: Facts, query: ProcessQuery) -> set[str]:
    """Return the facts, and those that are needed to read them or to apply what narrows the query."""
    all_facts, hint = set(facts), query.logon_hint
    if hint.login_uids is not None:
        all_facts.add("loginuid")
    # the login uid is read once for each kernel id, and the kernel id decides whether the cgroup is read
    if (
        "loginuid" in all_facts
        or hint.kernel_ids is not None
        or ("cgroup" in all_facts and hint.kernel_ids_needing_location is not None)
    ):
        all_facts.add("ses")
    if "name" in all_facts or query.names is not None:
        all_facts |= {"name", "comm"}
    return all_facts


def _cut_name(name: str) -> str:
    return parse.decode_text(name.encode("utf-8", "surrogateescape")[: parse.COMM_BYTES])
