"""A host that was saved to a file: written once, answered from for ever, on any operating system.

The file is gzip (RFC 1952) of JSON lines; docs/recording.md is its format. Every line is an array whose first
element names its kind; rows come as arrays in the order that the ``fields`` of the header name, so that a newer
Logonscope with more facts reads an older file.
"""

import errno
import gzip
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import UnionType
from typing import IO, Any, get_args, get_origin, get_type_hints

from logonscope.errors import AccessDeniedError, Hint, HintCode, InvalidParameterError, RecordingError
from logonscope.facts import Account, Group, Login, Machine, Platform, Process, Socket, Vitals
from logonscope.machine import PARTIAL, BaseSource, Look, Part, ProcessQuery, Trouble
from logonscope.machine.snapshot import Snapshot

FORMAT = "logonscope-recording"
VERSION = 1
LONGEST_LINE = 64 << 20
"""Bytes: no line of a sound file comes near it; a damaged one must not fill the memory."""

LARGEST = 1 << 30
"""Bytes when unpacked: a million processes; a small file that unpacks to more is no recording."""

_ROWS: Mapping[str, type[Any]] = {
    "machine": Machine, "platform": Platform, "vitals": Vitals, "trouble": Trouble, "login": Login, "process": Process,
    "socket": Socket, "account": Account, "group": Group,
}  # fmt: skip
NO_MEMORY = "Error -4 "
"""How zlib says that it has no memory (zlib.h, Z_MEM_ERROR), which is no fault of the recording."""

_AGAIN = "record the host again"


def save(snapshot: Snapshot, path: str, replace: bool) -> int:  # noqa: FBT001 -- the shape that the client calls
    """Write a snapshot to a file of mode 0600, whole or not at all; return how many processes it holds.

    Raises:
        InvalidParameterError: the file is there and is not to be replaced.
        AccessDeniedError: it cannot be written.
    """
    if path == "-":
        return _write(snapshot, sys.stdout.buffer)
    try:
        _check_target(path, replace=replace)
        target = os.path.realpath(path)  # --force goes through a link, and does not replace it
        with _beside(target) as (file, temporary):
            count = _write(snapshot, file)
            file.flush()
            os.fsync(file.fileno())
            _put(temporary, target, replace=replace)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _refused(path, error) from None
    return count


def _check_target(path: str, *, replace: bool) -> None:
    if not path:
        raise InvalidParameterError("the file to write has no name", 'give one, or "-" for standard output')
    if not os.path.lexists(path):
        return
    if os.path.islink(path) and hasattr(os, "geteuid") and os.lstat(path).st_uid != os.geteuid():
        # what protected_symlinks of the kernel (sysctl/fs) keeps from open() would happen to a rename too
        raise AccessDeniedError(f"{path} is somebody else's link", "name the file that you mean")
    if os.path.exists(path) and not os.path.isfile(path):
        raise InvalidParameterError(f"{path} is no regular file", 'give another name, or "-" for standard output')
    if not replace:
        raise _exists(path)


def _exists(path: str) -> InvalidParameterError:
    return InvalidParameterError(f"{path} exists", Hint(HintCode.REPLACE_FILE))


@contextmanager
def _beside(target: str) -> Iterator[tuple[IO[bytes], str]]:
    """Open a new file of mode 0600 in the target's folder; remove it in the end where it is still there."""
    handle, temporary = tempfile.mkstemp(prefix=".logonscope-", dir=os.path.dirname(target))
    try:
        with open(handle, "wb") as file:
            yield file, temporary
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _put(temporary: str, target: str, *, replace: bool) -> None:
    """Move the file to its place; without ``replace`` it fails where somebody made the target meanwhile."""
    if replace:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise
        # a file system without hard links: the next best is to hold the name, then to move over it
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(temporary, target)


class RecordedSource(BaseSource):
    """The source of a recorded host."""

    def __init__(self, label: str, snapshot: Snapshot) -> None:
        self.label = label
        self._snapshot = snapshot._replace(processes=tuple(snapshot.processes), users=tuple(snapshot.users))
        self.partial = next((trouble.why for trouble in snapshot.troubles if trouble.what == PARTIAL), None)
        self._by_pid = {process.pid: process for process in self._snapshot.processes}
        self._by_uid = {account.uid: account for account in reversed(tuple(self._snapshot.users))}

    @classmethod
    def open(cls, path: str) -> "RecordedSource":
        """Read a recording; "-" is read from standard input.

        Raises:
            RecordingError: it is no recording, damaged, cut short, or of a newer version.
            AccessDeniedError: it cannot be read.
        """
        try:
            if path == "-":
                return cls(path, _read("standard input", sys.stdin.buffer))
            with open(path, "rb") as file:
                return cls(path, _read(path, file))
        except OSError as error:
            raise _refused(path, error) from None

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del parts
        for trouble in self._snapshot.troubles:
            look.report(trouble)
        return self._snapshot.machine

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        del look
        if query.pids is None:
            return self._snapshot.processes
        return [self._by_pid[pid] for pid in sorted(query.pids) if pid in self._by_pid]

    def read_logins(self, look: Look) -> Iterable[Login]:
        del look
        return self._snapshot.logins

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return self._snapshot.users

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return self._snapshot.groups

    def read_sockets(self, look: Look) -> Iterable[Socket]:
        del look
        return self._snapshot.sockets

    def account(self, look: Look, uid: int) -> Account | None:
        look.check()
        return self._by_uid.get(uid)


def _write(snapshot: Snapshot, file: IO[bytes]) -> int:
    count, machine = 0, snapshot.machine
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        fields = {kind: list(_fields(row)) for kind, row in _ROWS.items()}
        _line(packed, ["header", {"format": FORMAT, "version": VERSION, "fields": fields}])
        _line(packed, ["machine", *(getattr(machine, name) for name in _fields(Machine))])
        for kind, one in (("platform", machine.platform), ("vitals", machine.vitals)):
            if one is not None:
                _line(packed, [kind, *one])
        for trouble in snapshot.troubles:
            _line(packed, ["trouble", *trouble])
        for login in snapshot.logins:
            _line(packed, ["login", *_values(login, process=login.process and _process(login.process))])
        for process in snapshot.processes:
            count += 1
            _line(packed, ["process", *_process(process)])
        for found in snapshot.sockets:
            _line(packed, ["socket", *found])
        for account in snapshot.users:
            _line(packed, ["account", *account])
        for group in snapshot.groups:
            _line(packed, ["group", *group])
        _line(packed, ["end", count])
    return count


def _fields(row: type[Any]) -> tuple[str, ...]:
    """Return the columns of a row; the parts of a machine are rows of their own."""
    return tuple(name for name in row._fields if row is not Machine or name not in {"platform", "vitals"})


def _process(process: Process) -> list[object]:
    return _values(process, cmdline=None if process.cmdline is None else process.cmdline.decode("latin-1"))


def _values(row: Process | Login, **instead: object) -> list[object]:
    """Return the values of a row, some of them in the form that JSON has for them."""
    return list((row._asdict() | instead).values())


def _line(file: IO[bytes] | gzip.GzipFile, row: list[object]) -> None:
    file.write(json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n")


def _read(path: str, file: IO[bytes]) -> Snapshot:
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            recording = _rows(path, _lines(path, packed))
            if packed.read(1):  # reading on to the end also has gzip compare its checksum
                raise RecordingError(f"{path} is damaged: more follows its end", _AGAIN)
            return recording
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if str(error).startswith(NO_MEMORY):
            raise MemoryError from None
        raise RecordingError(f"{path} is damaged or no recording: {error}", _AGAIN) from None


def _lines(path: str, packed: gzip.GzipFile) -> Iterator[list[Any]]:
    number, size = 0, 0
    while line := packed.readline(LONGEST_LINE):
        number, size = number + 1, size + len(line)
        if size > LARGEST:
            raise RecordingError(f"{path} unpacks to more than {LARGEST >> 30} GiB", _AGAIN)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise RecordingError(f"{path} is damaged: line {number} is no JSON", _AGAIN) from None
        if not (isinstance(row, list) and row and isinstance(row[0], str)):
            raise RecordingError(f"{path} is damaged: line {number} is no row", _AGAIN)
        yield row


def _rows(path: str, lines: Iterator[list[Any]]) -> Snapshot:
    header = _header(path, next(lines, []))
    found: dict[str, list[Any]] = {kind: [] for kind in _ROWS}
    for kind, *values in lines:
        if kind == "end":
            if values != [len(found["process"])]:
                raise RecordingError(f"{path} is damaged: it lacks rows", _AGAIN)
            break
        if kind in found:
            found[kind].append(_row(path, kind, header[kind], values, header["process"]))
    else:
        raise RecordingError(f"{path} is cut short", _AGAIN)
    if len(found["machine"]) != 1 or len(found["platform"]) > 1 or len(found["vitals"]) > 1:
        raise RecordingError(f"{path} is damaged: it describes no machine, or several", _AGAIN)
    machine: Machine = found["machine"][0]
    platform, vitals = next(iter(found["platform"]), None), next(iter(found["vitals"]), None)
    return Snapshot(
        machine=machine._replace(platform=platform, vitals=vitals),
        logins=tuple(found["login"]),
        processes=tuple(found["process"]),
        sockets=tuple(found["socket"]),
        users=tuple(found["account"]),
        groups=tuple(found["group"]),
        troubles=tuple(found["trouble"]),
    )


def _header(path: str, row: list[Any]) -> Mapping[str, list[str]]:
    head = row[1] if len(row) == 2 and row[0] == "header" and isinstance(row[1], dict) else {}
    if head.get("format") != FORMAT:
        raise RecordingError(f"{path} is no recording", Hint(HintCode.GIVE_RECORDING))
    version, fields = head.get("version"), head.get("fields")
    if not isinstance(version, int) or version > VERSION:
        raise RecordingError(
            f"{path} is of version {version}, this Logonscope reads up to {VERSION}", "use a newer Logonscope"
        )
    if not isinstance(fields, dict) or not all(isinstance(names, list) for names in fields.values()):
        raise RecordingError(f"{path} is damaged: its header names no fields", _AGAIN)
    return {kind: fields.get(kind, []) for kind in _ROWS}


def _row(path: str, kind: str, names: Iterable[str], values: list[Any], process_names: Iterable[str]) -> Any:
    row = _ROWS[kind]
    try:
        known = {name: value for name, value in zip(names, values, strict=True) if name in _fields(row)}
        if kind == "login" and known.get("process"):
            known["process"] = _row(path, "process", process_names, known["process"], ())
        if kind == "process" and known.get("cmdline") is not None:
            known["cmdline"] = known["cmdline"].encode("latin-1")
        known |= {name: tuple(known[name]) for name in _TUPLES if known.get(name) is not None}
        made = row(**known)
    except (TypeError, ValueError, AttributeError):
        raise RecordingError(f"{path} is damaged: a row of kind {kind} has another shape", _AGAIN) from None
    wrong = next((name for name, fits in _checks(kind).items() if not fits(getattr(made, name))), None)
    if wrong:
        raise RecordingError(f"{path} is damaged: {wrong} of a {kind} is {getattr(made, wrong)!r:.40}", _AGAIN)
    return made


_TUPLES = ("uids", "gids", "sockets", "children", "members", "scope_ids")
_Check = Callable[[Any], bool]


@cache
def _checks(kind: str) -> Mapping[str, _Check]:
    """Return what each column's value has to be like, from the types of the row."""
    hints = get_type_hints(_ROWS[kind])
    checks = {name: _fits(hints[name]) for name in _fields(_ROWS[kind])}
    if kind == "machine":
        checks |= dict.fromkeys(("ticks", "page_size"), _positive)
    if kind == "process":
        checks |= dict.fromkeys(("uids", "gids"), _four)
    return checks


def _positive(value: Any) -> bool:
    return type(value) is int and 0 < value < 1 << 31


def _four(value: Any) -> bool:
    return value is None or (len(value) == 4 and all(map(_whole_number, value)))


def _whole_number(value: Any) -> bool:
    return type(value) is int and abs(value) < 1 << 64


_FITS: Mapping[Any, _Check] = {
    int: _whole_number,
    bool: lambda value: type(value) is bool,
    str: lambda value: type(value) is str,
    bytes: lambda value: type(value) is bytes,
    type(None): lambda value: value is None,
    Process: lambda value: isinstance(value, Process),
    Mapping: lambda value: (
        isinstance(value, dict) and all(type(part) is str for pair in value.items() for part in pair)
    ),
}


def _fits(hint: Any) -> _Check:
    """Return whether a value is of a type, or of one of its alternatives."""
    fits = [_fits_part(part) for part in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
    return lambda value: any(fit(value) for fit in fits)


def _fits_part(hint: Any) -> _Check:
    if get_origin(hint) is not tuple:
        return _FITS[get_origin(hint) or hint]
    fit = _FITS[get_args(hint)[0]]
    return lambda value: type(value) is tuple and all(map(fit, value))


def _refused(path: str, error: OSError) -> AccessDeniedError | InvalidParameterError:
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return AccessDeniedError(f"cannot use {path}: {why}", Hint(HintCode.GET_RIGHTS, also=", or use another place"))
    return InvalidParameterError(f"cannot use {path}: {why}", "check the name and the disk")
