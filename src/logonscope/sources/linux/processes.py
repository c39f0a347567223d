"""Reader of processes: /proc/PID, only the files whose facts a query asks for.

All files of one process are read through one directory handle, so that the facts of two processes cannot be mixed if
the pid is reused during the reading. A process that ends during the reading is left out.
"""

import errno
import os
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import get_ident
from time import monotonic
from typing import Any, ClassVar

from logonscope.errors import ServerTooBusyError
from logonscope.facts import UNSET, Process
from logonscope.machine import Look, Membership, ProcessQuery
from logonscope.machine.trouble import NO_ANSWER_WITHIN, NOT_TRIED
from logonscope.sources.linux import parse
from logonscope.sources.linux.hung_reads import MAX_HUNG_READS, HungReads, OmittedFiles
from logonscope.sources.linux.process_files import (
    INDEX_OF_FACT,
    MEMORY_FILES,
    SESSIONID,
    UNGUARDED_FILES,
    File,
    plan_of,
    read_file,
)
from logonscope.sources.linux.timeouts import (
    AbandonedCallError,
    CallPool,
    ChainedReads,
    ReadWatch,
    TooManyHungCallsError,
    read_each,
)

TIMEOUT = 2.0
"""Timeout in seconds for the files of one process: reading them can hang."""

SHORT_TIMEOUT = 0.25
"""Timeout in seconds for each further process of a query, once the files of one of its processes have hung."""

NO_ANSWER = f"{NO_ANSWER_WITHIN} {TIMEOUT:g} s"
"""The reason noted for files whose read hangs, also if the timeout was SHORT_TIMEOUT."""

MAX_CHAIN_LENGTH = 1000
"""Maximum number of processes in a chain, a process and its ancestors: a longer chain is cut at the far end."""

MAX_LINEAGE_LENGTH = 16
"""Maximum number of processes that one call in another thread reads: a process and its nearest ancestors."""

FEW_PIDS = 5
"""Maximum number of processes that are read by a call each. For more processes, batches in one thread cost less."""

MAX_LOGIN_UIDS = 1024
"""Maximum number of kernel ids whose login uids are kept during one reading."""

MAX_PATHS = 4096
"""Maximum number of cgroups whose paths are cached during one reading; the cache of parse_cgroup() is smaller."""

_PROCESS_READS = CallPool(MAX_HUNG_READS)
"""Reads single processes, and processes with their ancestors; more than FEW_PIDS are read in batches instead."""

HUNG_READS = HungReads()
"""Processes whose files hang."""


def list_pids(proc: str) -> Sequence[int]:
    """Return the pids that /proc shows.

    Raises:
        ServerTooBusyError: no more files can be opened.
    """
    try:
        # an array takes a tenth of the memory of a list
        return array("i", map(int, filter(str.isdecimal, os.listdir(proc))))
    except OSError as error:
        _raise_if_too_many_files(error)
        raise


def read_processes(proc: str, look: Look, query: ProcessQuery) -> Iterator[Process]:
    """Return an iterator over the processes that a query names, with the facts that the query asks for."""
    listed_pids = list_pids(proc) if query.pids is None else sorted(query.pids)
    pids = iter(listed_pids) if query.with_ancestors else look.checked(listed_pids)
    early_filter, hint = query.early_filter, query.logon_hint
    if early_filter is not None and not early_filter.facts:  # the pid alone decides
        keeps = early_filter.keeps
        pids, query = (pid for pid in pids if keeps(Process(pid))), query._replace(early_filter=None)
    if query.with_ancestors:
        query = query._replace(facts=query.facts | {"ppid"})
    # The cheapest way that fits the query is used; all ways give the same result.
    limits = (query.names, query.may_run_as, hint.login_uids, query.early_filter)
    is_narrowed = any(limit is not None for limit in limits)
    if not query.facts and hint.kernel_ids is None and not is_narrowed:
        return (Process(pid) for pid in pids if query.pids is None or os.path.isdir(f"{proc}/{pid}"))
    if query.facts <= {"ses", "cgroup"} and not is_narrowed:
        return _read_owner_facts(proc, pids, query)
    reader = Reader(proc, query)
    if query.with_ancestors:
        return look.checked(_read_lineage(reader, pids))
    # The reader checks kernel ids, too. This earlier check is cheaper for processes with other kernel ids, because it
    # does not open their directories. It is skipped where it saves little: if the query names pids; if the query reads
    # memory, which costs much more; and if UNSET is among the ids, because most processes have no kernel id.
    skips_kernel_id_check = reader.reads_memory or query.pids is not None or UNSET in (hint.kernel_ids or ())
    if hint.kernel_ids is not None and not skips_kernel_id_check:
        pids = pids_with_kernel_ids(proc, pids, hint.kernel_ids)
    # many processes are read in batches by another thread, which is abandoned where the files of a process hang
    if reader.may_hang and len(listed_pids) > FEW_PIDS:
        return filter(None, read_each(pids, reader.read_watched, reader.read_hung, TIMEOUT, reader))
    return filter(None, map(reader.read, pids))


def _read_lineage(reader: "Reader", pids: Iterator[int]) -> Iterator[Process]:
    """Yield the first of these processes and its ancestors, nearest first."""
    pid, seen_pids = next(pids, 0), set[int]()
    while pid and (lineage := reader.read_lineage(pid)):
        for process in lineage:
            if process.pid in seen_pids or len(seen_pids) >= MAX_CHAIN_LENGTH:
                return
            yield process
            seen_pids.add(process.pid)
        pid = lineage[-1].ppid or 0


def _next_ancestor(lineage: Sequence[Process], *, max_processes: int) -> int | None:
    """Return the ancestor to read next in this call; None where the call ends.

    A call ends after ``max_processes``, or after a process with another kernel id: most readers of a chain stop there.
    """
    child = lineage[-1]
    is_end = len(lineage) >= max_processes or child.ses is None or child.ses != lineage[0].ses
    # pids can be reused between two reads, so that a chain could come back to a process that it has already
    return None if is_end or any(process.pid == child.ppid for process in lineage) else child.ppid or None


def pids_with_kernel_ids(proc: str, pids: Iterable[int], kernel_ids: frozenset[int]) -> Iterator[int]:
    """Yield the pids of processes that may have one of these kernel ids, reading one small file of each process.

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


def read_memberships(
    proc: str, pids: Iterable[int], query: ProcessQuery, failed_pids: list[int]
) -> Iterator[Membership]:
    """Yield each process with its kernel id, and its cgroup where the kernel id alone does not decide the owner.

    A fast path of Reader for the two smallest files, without a directory handle for each process.

    Args:
        proc: the mount point of proc(5).
        pids: the processes.
        query: only processes that its logon hint allows are yielded.
        failed_pids: gets the pids of processes with an unusual result: Reader reads them again, and notes why.
    """
    kernel_ids = _written_ids(query.logon_hint.kernel_ids)
    ids_needing_cgroup = _written_ids(query.logon_hint.kernel_ids_needing_cgroup) if "cgroup" in query.facts else {}
    paths: dict[bytes, str] = {}  # many processes share a cgroup
    open_file, read, close = os.open, os.read, os.close
    folder = _open_folder(proc)
    try:
        for pid in pids:
            try:
                handle = open_file(f"{pid}/sessionid", os.O_RDONLY, dir_fd=folder)
                try:
                    written_id, cgroup = read(handle, 32), None
                    if kernel_ids is not None and written_id not in kernel_ids:
                        continue
                    if ids_needing_cgroup is None or written_id in ids_needing_cgroup:
                        content = read_file(f"{pid}/cgroup", folder)
                        cgroup = paths.get(content) or _keep_path(paths, content)
                        # The cgroup was opened by pid, which a later process may have by now. If the open sessionid can
                        # still be read, its process has not ended, and the cgroup is of the same process.
                        os.pread(handle, 32, 0)
                finally:
                    close(handle)
                kernel_id = int(written_id)
            except (OSError, ValueError):
                failed_pids.append(pid)
            else:
                yield pid, kernel_id, cgroup
    finally:
        close(folder)


def _written_ids(kernel_ids: Iterable[int] | None) -> Collection[bytes] | None:
    """Return kernel ids as the kernel writes them."""
    return None if kernel_ids is None else frozenset(b"%d" % kernel_id for kernel_id in kernel_ids)


def _keep_path(paths: dict[bytes, str], content: bytes) -> str:
    """Return the path of a cgroup and keep it for the processes that follow."""
    (path,) = parse.parse_cgroup(content)
    if len(paths) >= MAX_PATHS:
        paths.clear()
    paths[content] = path
    return path


def _open_folder(path: str) -> int:
    try:
        return os.open(path, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        _raise_if_too_many_files(error)
        raise


def _read_owner_facts(proc: str, pids: Iterable[int], query: ProcessQuery) -> Iterator[Process]:
    """Yield processes with their kernel id, and their cgroup where the kernel id alone does not decide the owner."""
    failed_pids: list[int] = []
    new, tail = tuple.__new__, (None,) * (len(Process._fields) - 4)
    for pid, kernel_id, cgroup in read_memberships(proc, pids, query, failed_pids):
        yield new(Process, (pid, kernel_id, None, cgroup) + tail)  # noqa: RUF005 -- unpacking takes a third longer
    yield from filter(None, map(Reader(proc, query).read, failed_pids))


class Reader(ReadWatch):
    """Reads the facts of processes that a query asks for, each through one directory handle.

    A query with names, users, a logon hint or an early filter is read in stages. A stage reads some of the files, and
    drops the processes that its predicate rejects: their other files are not read. Within a stage all files are read
    before any is parsed, so that a content can still be replaced by a newer one of the same file (_read_login_uid).
    """

    def __init__(self, proc: str, query: ProcessQuery, seconds: float = TIMEOUT) -> None:
        self._proc = proc
        self._query = query
        self._names = None if query.names is None else {name.lower() for name in query.names}
        self._cut_names = {_cut_name(name).lower() for name in query.names or ()}
        self._login_uids: dict[bytes, bytes] = {}  # kernel id -> login uid: the kernel sets both together
        self._starts: dict[int, float] = {}  # thread -> when it began to read the files of a stage
        self.seconds = seconds
        self._stages, self.reads_memory, self.may_hang = plan_of(query)

    def read(self, pid: int) -> Process | None:
        """Read one process; None where it is gone, or where the query does not name it.

        Where files hang, the process has only the facts of its other files.
        """
        if not self.may_hang:
            return self._read(pid)
        return self._read_in_pool(
            pid, HUNG_READS.omitted_files(self._proc, pid) if HUNG_READS.reads else OmittedFiles.NONE
        )

    def read_lineage(self, pid: int, *, max_processes: int = MAX_LINEAGE_LENGTH) -> list[Process]:
        """Return a process and its nearest ancestors, read by one call in another thread; [] if the process is gone.

        The list ends before an ancestor whose files hang. It has no ancestors if no file of the query can hang, or
        while files of any process hang.
        """
        if self.may_hang and not HUNG_READS.reads:
            reads = ChainedReads(pid, self._read, partial(_next_ancestor, max_processes=max_processes))
            try:
                return _PROCESS_READS.call(self.seconds, reads.run)
            except AbandonedCallError as error:
                self.abandoned(reads.end(), error.is_over)
            except TooManyHungCallsError:
                pass
            if reads.values:
                return reads.values
        process = self.read(pid)
        return [] if process is None else [process]

    def read_watched(self, pid: int) -> Process | None:
        """Read one process in this thread, which is abandoned as a whole where a read hangs: see ReadWatch."""
        # almost always no read hangs: then the call of omitted_files() is saved
        return self._read(pid, HUNG_READS.omitted_files(self._proc, pid) if HUNG_READS.reads else OmittedFiles.NONE)

    def read_hung(self, pid: int) -> Process | None:
        """Read one process whose reading hangs: only those of its files that do not hang."""
        return self._read_in_pool(pid, HUNG_READS.hung_files(self._proc, pid) or OmittedFiles.MEMORY)

    def _read_in_pool(self, pid: int, omitted: OmittedFiles) -> Process | None:
        """Read one process in another thread, which is abandoned where the read hangs; then read what does not hang."""
        while omitted < OmittedFiles.GUARDED:
            try:
                return _PROCESS_READS.call(self.seconds, partial(self._read, pid, omitted))
            except AbandonedCallError as error:
                self.abandoned(pid, error.is_over)
                omitted = HUNG_READS.hung_files(self._proc, pid) or OmittedFiles.GUARDED
            except TooManyHungCallsError:
                omitted = OmittedFiles.GUARDED
        return self._read(pid, omitted)

    def _read(self, pid: int, omitted: OmittedFiles = OmittedFiles.NONE) -> Process | None:
        try:
            handle = os.open(f"{self._proc}/{pid}", os.O_PATH | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        except OSError as error:
            _raise_if_too_many_files(error)
            return Process(pid, unread=dict.fromkeys(self._query.facts | {"ses"}, os.strerror(error.errno or 0)))
        reason = ""
        if omitted:
            reason = NO_ANSWER if HUNG_READS.hung_files(self._proc, pid) else NOT_TRIED
        reading = _Reading(pid, handle, omitted, reason)
        thread = get_ident()
        try:
            for files, predicate_name in self._stages:
                if files:
                    # a predicate may take its time: only the reading of files is watched
                    self._starts[thread] = monotonic()
                    try:
                        self._read_files(reading, files)
                    finally:
                        del self._starts[thread]
                if predicate_name is not None and not self._PREDICATES[predicate_name](self, reading):
                    return None
        except ProcessLookupError:
            return None
        finally:
            os.close(handle)
        return reading.process()

    def _read_files(self, reading: "_Reading", files: tuple[File, ...]) -> None:
        """Read files, then parse them into the row; for a file that cannot be read the reason is noted."""
        contents = reading.contents = []
        handle, pid = reading.handle, reading.pid
        for file in files:
            if reading.omits(file.name):
                reading.note(file, reading.reason)
                continue
            special_read = self._SPECIAL_READS.get(file.name)
            try:
                content = file.read(handle, pid) if special_read is None else special_read(self, reading)
            except (OSError, ValueError) as error:
                reading.note(file, _describe_failure(handle, file.name, error))
            else:
                if content is not None:
                    contents.append((file, content))
        for file, failure in parse.fill_row(reading.row, contents):
            reading.note(file, _describe_failure(handle, file.name, failure))

    def _read_kernel_id(self, reading: "_Reading") -> bytes:
        reading.kernel_id = read_file("sessionid", reading.handle, 32)
        return reading.kernel_id

    def _read_login_uid(self, reading: "_Reading") -> bytes:
        """Return the login uid, read once for each kernel id: all processes with one kernel id have one login uid.

        A process may log in between the reading of its kernel id and that of its login uid: then the pair is wrong, and
        would be given to every other process with the kernel id. So the kernel id is read again after the login uid. If
        the id has changed, the new id replaces the old one, and the loop starts again. The new id is added to the
        contents of this stage, where it overwrites the old one. The loop ends, because only logins change a kernel id.
        """
        if not reading.kernel_id:  # the kernel id could not be read
            return read_file("loginuid", reading.handle, 32)
        while (kernel_id := reading.kernel_id) not in self._login_uids:
            login_uid = read_file("loginuid", reading.handle, 32)
            new_kernel_id = read_file("sessionid", reading.handle, 32)
            if new_kernel_id == kernel_id:
                if len(self._login_uids) >= MAX_LOGIN_UIDS:
                    self._login_uids.clear()
                self._login_uids[kernel_id] = login_uid
                return login_uid
            reading.kernel_id = new_kernel_id
            reading.contents.append((SESSIONID, new_kernel_id))
        return self._login_uids[kernel_id]

    def _read_cgroup(self, reading: "_Reading") -> bytes | None:
        """Return the cgroup; None where the kernel id alone decides the owner."""
        ids_needing_cgroup = self._query.logon_hint.kernel_ids_needing_cgroup
        if ids_needing_cgroup is not None and reading.kernel_id and int(reading.kernel_id) not in ids_needing_cgroup:
            return None
        return read_file("cgroup", reading.handle)

    def _read_whole_arguments(self, reading: "_Reading") -> bytes:
        return read_file("cmdline", reading.handle, self._query.max_cmdline_bytes)

    def started_at(self, thread: int) -> float | None:
        return self._starts.get(thread)

    def abandoned(self, item: int, is_over: Callable[[], bool]) -> None:
        # The first time, only memory files are omitted. All guarded files are omitted if the query reads no memory
        # files, or if a read of this process hangs already.
        omits_guarded = not self.reads_memory or HUNG_READS.hung_files(self._proc, item)
        omitted = OmittedFiles.GUARDED if omits_guarded else OmittedFiles.MEMORY
        HUNG_READS.remember(self._proc, item, omitted, is_over)
        # if one process hangs, others of the same user may hang, too: an answer must not wait TIMEOUT for each of them
        self.seconds = SHORT_TIMEOUT

    def _may_match_hint(self, reading: "_Reading") -> bool:
        return self._query.logon_hint.may_match(reading["ses"], reading["loginuid"])

    def _passes_early_filter(self, reading: "_Reading") -> bool:
        early = self._query.early_filter
        return early is None or early.keeps(reading.process())

    def _may_run_as_user(self, reading: "_Reading") -> bool:
        may_run_as, uids = self._query.may_run_as, reading["uids"]
        return may_run_as is None or uids is None or may_run_as(uids[1])

    def _may_have_name(self, reading: "_Reading") -> bool:
        """Return whether the process can have a name of the query, as far as its comm shows."""
        comm = reading["comm"]
        if self._names is None or not isinstance(comm, str):
            return True
        return comm.lower() in self._cut_names or comm.lower() in self._names  # names of kernel threads are not cut

    def _complete_and_match_name(self, reading: "_Reading") -> bool:
        """Set the name, completed where the kernel cut it; return whether it is a name of the query."""
        comm, cmdline, names = reading["comm"], reading["cmdline"], self._names
        if not isinstance(comm, str):
            return names is None
        # only in ASCII text is the number of characters the number of bytes: other text goes to may_be_cut
        if comm.isascii() and len(comm) < parse.COMM_BYTES:
            name = comm
        else:
            if cmdline is None and parse.may_be_cut(comm):
                cmdline = self._read_start_of_arguments(reading)
            name = parse.complete_name(comm, cmdline)
        reading["name"] = name
        return names is None or name.lower() in names or comm.lower() in names

    def _read_start_of_arguments(self, reading: "_Reading") -> bytes | None:
        """Return the beginning of the arguments, to complete a name that the kernel cut; None if they are not read."""
        if reading.omits("cmdline"):
            reading.unread["name"] = f"{reading.reason}: cut at {parse.COMM_BYTES} bytes"
            return None
        thread = get_ident()
        self._starts[thread] = monotonic()
        try:
            return read_file("cmdline", reading.handle, 4096)
        except OSError:
            return None
        finally:
            del self._starts[thread]

    _SPECIAL_READS: ClassVar[Mapping[str, Callable[[Any, Any], object]]] = {
        "sessionid": _read_kernel_id, "loginuid": _read_login_uid, "cgroup": _read_cgroup,
        "cmdline": _read_whole_arguments,
    }  # fmt: skip
    """Methods that read a file in a way that depends on the query, or on what was read before."""

    _PREDICATES: ClassVar[Mapping[str, Callable[[Any, Any], bool]]] = {
        "may_have_name": _may_have_name, "may_run_as_user": _may_run_as_user, "may_match_hint": _may_match_hint,
        "complete_name": _complete_and_match_name,
        "passes_early_filter": _passes_early_filter,
    }  # fmt: skip
    """The methods that a Stage names as its ``predicate_name``."""


class _Reading:
    """The state of reading one process."""

    __slots__ = ("_omitted", "contents", "handle", "kernel_id", "pid", "reason", "row", "unread")

    def __init__(self, pid: int, handle: int, omitted: OmittedFiles, reason: str) -> None:
        self.pid = pid
        self.handle = handle
        self._omitted = omitted
        self.reason = reason  # why files are omitted: reading them hangs, or too many other reads hang
        self.kernel_id = b""  # as the kernel writes it; empty where it was not read
        self.contents: list[tuple[File, object]] = []  # of the files of a stage; the last content of a file counts
        self.row: list[Any] = [pid] + [None] * (len(Process._fields) - 1)
        self.unread: dict[str, str] = {}

    def __getitem__(self, fact: str) -> Any:
        return self.row[INDEX_OF_FACT[fact]]

    def __setitem__(self, fact: str, value: object) -> None:
        self.row[INDEX_OF_FACT[fact]] = value

    def omits(self, file_name: str) -> bool:
        """Return whether a file is not to be read."""
        if not self._omitted:
            return False
        if file_name in MEMORY_FILES:
            return True
        return self._omitted == OmittedFiles.GUARDED and file_name not in UNGUARDED_FILES

    def note(self, file: File, reason: str) -> None:
        """Note why the facts of a file could not be read."""
        self.unread.update(dict.fromkeys(file.facts, reason))

    def process(self) -> Process:
        """Return the process with the facts that were read."""
        self.row[-1] = self.unread or None
        return Process._make(self.row)


def _describe_failure(handle: int, file_name: str, error: Exception) -> str:
    """Return why a file of a running process could not be read.

    Raises:
        ProcessLookupError: the process is gone.
        ServerTooBusyError: no more files can be opened.
    """
    if not isinstance(error, OSError):
        return f"{file_name}: {error}"
    _raise_if_too_many_files(error)
    # An ended process gives ESRCH or ENOENT, but so does, for example, exe of a kernel thread. The file stat exists as
    # long as the process, and so decides.
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


def _cut_name(name: str) -> str:
    return parse.decode_text(name.encode("utf-8", "surrogateescape")[: parse.COMM_BYTES])
