"""Recordings: a host saved to a file, and the source that answers queries from this file, on any operating system.

The file is gzip (RFC 1952) of JSON lines; docs/recording.md describes the format. Every line is an array that begins
with the kind of the row. The header lists the fields of each kind, in the order of the values in its rows, so that a
newer Logonscope with more facts reads an older file.

A recording can come from anywhere: its reader checks every value, and limits the size of each line and of all lines.
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
from functools import cache, partial
from types import UnionType
from typing import IO, Any, get_args, get_origin, get_type_hints

from logonscope.errors import AccessDeniedError, Hint, HintCode, InvalidParameterError, RecordingError
from logonscope.facts import (
    Account,
    Authentication,
    Group,
    Hardware,
    Login,
    LoginHistory,
    Machine,
    Platform,
    Process,
    Service,
    Socket,
    UnitRequest,
    Vitals,
)
from logonscope.machine import PARTIAL, BaseSource, Look, Part, ProcessQuery, Trouble
from logonscope.machine.snapshot import Snapshot

FORMAT = "logonscope-recording"
VERSION = 1
MAX_LINE_LENGTH = 64 << 20
"""Maximum bytes of a line: far more than any valid line has; a damaged file must not fill the memory."""

MAX_UNPACKED_BYTES = 1 << 30
"""Maximum bytes of the uncompressed recording, enough for a million processes: protects against gzip bombs."""

_ROWS: Mapping[str, type[Any]] = {
    "machine": Machine, "platform": Platform, "vitals": Vitals, "hardware": Hardware, "trouble": Trouble,
    "login": Login, "process": Process, "socket": Socket, "account": Account, "group": Group,
    "authentication": Authentication, "service": Service, "login_history": LoginHistory, "unit_request": UnitRequest,
}  # fmt: skip
_NAMES_IN_FILES: Mapping[str, Mapping[str, str]] = {
    "trouble": {"subject": "what", "reason": "why", "advice": "do"}, "vitals": {"time": "at"},
}  # fmt: skip
"""For each kind of row, the fields whose names differ: the name in the code -> the name in files of version 1."""

NO_MEMORY = "Error -4 "
"""Beginning of zlib's error if there is no memory (zlib.h, Z_MEM_ERROR): then the recording is not at fault."""

_ADVICE = "record the host again"


def save_recording(snapshot: Snapshot, path: str, replace: bool) -> int:  # noqa: FBT001 -- the signature that the client calls
    """Write a snapshot to a file of mode 0600, completely or not at all; return the number of its processes.

    Args:
        snapshot: the host.
        path: of the file. "-" is standard output, which gets only a part of the recording if writing fails.
        replace: whether an existing file is replaced.

    Raises:
        InvalidParameterError: the file exists, or cannot be written.
        AccessDeniedError: there is no right to write the file, or it is a symbolic link of another user.
        OSError: standard output cannot be written.
    """
    if path == "-":
        return _write_snapshot(snapshot, sys.stdout.buffer)
    try:
        _check_target(path, replace=replace)
        # --force replaces the file that a link points to, not the link
        target = os.path.realpath(path)
        with _open_temporary_file(target) as (file, temporary):
            count = _write_snapshot(snapshot, file)
            file.flush()
            os.fsync(file.fileno())
            _move_to_target(temporary, target, replace=replace)
    except FileExistsError:
        raise _file_exists_error(path) from None
    except FileNotFoundError:
        raise _missing_folder_error(path) from None
    except OSError as error:
        raise _file_error(path, error) from None
    return count


def _missing_folder_error(path: str) -> InvalidParameterError:
    try:
        folder = os.path.dirname(os.path.realpath(path))
    except FileNotFoundError:
        return InvalidParameterError(f"cannot write {path}: the current directory was deleted", "leave it")
    reason = f"cannot write {path}: the directory {folder} does not exist"
    return InvalidParameterError(reason, "create it, or give another file")


def _check_target(path: str, *, replace: bool) -> None:
    if not path:
        raise InvalidParameterError("invalid file name ''", 'give a path, or "-" for standard output')
    if not os.path.lexists(path):
        return
    if os.path.islink(path) and hasattr(os, "geteuid") and os.lstat(path).st_uid != os.geteuid():
        # Another user could make root overwrite any file. For open() the kernel prevents that (protected_symlinks in
        # sysctl/fs), but not for the rename at the end of save_recording().
        raise AccessDeniedError(
            f"cannot write {path}: it is a symbolic link of another user", "give the path of the file itself"
        )
    if os.path.exists(path) and not os.path.isfile(path):
        raise InvalidParameterError(
            f"cannot write {path}: it is not a regular file", 'give another name, or "-" for standard output'
        )
    if not replace:
        raise _file_exists_error(path)


def _file_exists_error(path: str) -> InvalidParameterError:
    return InvalidParameterError(f"cannot write {path}: the file exists", Hint(HintCode.REPLACE_FILE))


@contextmanager
def _open_temporary_file(target: str) -> Iterator[tuple[IO[bytes], str]]:
    """Open a new file of mode 0600 in the folder of the target; remove it at the end if it still exists."""
    handle, temporary = tempfile.mkstemp(prefix=".logonscope-", dir=os.path.dirname(target))
    try:
        with open(handle, "wb") as file:
            yield file, temporary
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _move_to_target(temporary: str, target: str, *, replace: bool) -> None:
    """Move the file to its target.

    Raises:
        FileExistsError: the target was created in the meantime, and ``replace`` is False.
    """
    if replace:
        os.replace(temporary, target)
        return
    # rename(2) would replace an existing target, link(2) does not: the check is part of the same system call
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise
        # a file system without hard links: create the target exclusively, then move the file over it
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(temporary, target)


class RecordedSource(BaseSource):
    """The source of a recorded host."""

    is_recording = True

    def __init__(self, label: str, snapshot: Snapshot) -> None:
        self.label = label
        self._snapshot = snapshot._replace(processes=tuple(snapshot.processes), users=tuple(snapshot.users))
        self.partial = next((trouble.reason for trouble in snapshot.troubles if trouble.subject == PARTIAL), None)
        self._by_pid = {process.pid: process for process in self._snapshot.processes}
        self._by_uid = {account.uid: account for account in reversed(tuple(self._snapshot.users))}

    @classmethod
    def open(cls, path: str) -> "RecordedSource":
        """Read a recording; "-" is read from standard input.

        Raises:
            RecordingError: the file is not a recording, or is damaged, truncated, too large, or of a newer version.
            AccessDeniedError: there is no right to read the file.
            InvalidParameterError: the file cannot be read for another reason.
        """
        try:
            if path == "-":
                return cls(path, _read_snapshot("standard input", sys.stdin.buffer))
            with open(path, "rb") as file:
                return cls(path, _read_snapshot(path, file))
        except OSError as error:
            raise _file_error(path, error) from None

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

    def read_services(self, look: Look) -> Iterable[Service]:
        del look
        return self._snapshot.services

    def read_login_history(self, look: Look) -> Iterable[LoginHistory]:
        del look
        return self._snapshot.login_history

    def read_unit_requests(self, look: Look) -> Iterable[UnitRequest]:
        del look
        return self._snapshot.unit_requests

    def read_authentications(self, look: Look) -> Iterable[Authentication]:
        del look
        return self._snapshot.authentications

    def account(self, look: Look, uid: int) -> Account | None:
        look.check()
        return self._by_uid.get(uid)


def _write_snapshot(snapshot: Snapshot, file: IO[bytes]) -> int:
    count, machine = 0, snapshot.machine
    # no file name and no time in the gzip header: equal snapshots make equal files
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        fields = {kind: _names_in_files(kind) for kind in _ROWS}
        _write_row(packed, ["header", {"format": FORMAT, "version": VERSION, "fields": fields}])
        _write_row(packed, ["machine", *(getattr(machine, name) for name in _field_names(Machine))])
        for kind in _PARTS:
            if (values := getattr(machine, kind)) is not None:
                _write_row(packed, [kind, *values])
        for login in snapshot.logins:
            _write_row(
                packed, ["login", *_json_values(login, process=login.process and _process_values(login.process))]
            )
        for process in snapshot.processes:
            count += 1
            _write_row(packed, ["process", *_process_values(process)])
        for socket in snapshot.sockets:
            _write_row(packed, ["socket", *socket])
        for account in snapshot.users:
            _write_row(packed, ["account", *account])
        for group in snapshot.groups:
            _write_row(packed, ["group", *group])
        for authentication in snapshot.authentications:
            _write_row(packed, ["authentication", *authentication])
        for service in snapshot.services:
            _write_row(packed, ["service", *service])
        for history in snapshot.login_history:
            _write_row(packed, ["login_history", *history])
        for unit_request in snapshot.unit_requests:
            _write_row(packed, ["unit_request", *unit_request])
        # written last: the other rows are read while they are written, and reading can add troubles
        for trouble in snapshot.troubles:
            _write_row(packed, ["trouble", *trouble])
        _write_row(packed, ["end", count])
    return count


_PARTS = ("platform", "vitals", "hardware")
"""The fields of Machine that are rows of their own."""


def _field_names(row: type[Any]) -> tuple[str, ...]:
    """Return the recorded fields of a row type, for Machine without _PARTS."""
    return tuple(name for name in row._fields if row is not Machine or name not in _PARTS)


def _names_in_files(kind: str) -> list[str]:
    names = _NAMES_IN_FILES.get(kind, {})
    return [names.get(name, name) for name in _field_names(_ROWS[kind])]


@cache
def _fields_by_name(kind: str) -> Mapping[str, str]:
    """Return the names of the fields of a kind of row in the code, by their names in files."""
    return dict(zip(_names_in_files(kind), _field_names(_ROWS[kind]), strict=True))


def _process_values(process: Process) -> list[object]:
    # JSON has no bytes: Latin-1 maps each byte to one character and back
    return _json_values(process, cmdline=None if process.cmdline is None else process.cmdline.decode("latin-1"))


def _json_values(row: Process | Login, **replacements: object) -> list[object]:
    """Return the values of a row, with replacements for values whose types JSON lacks."""
    return list((row._asdict() | replacements).values())


def _write_row(file: IO[bytes] | gzip.GzipFile, row: list[object]) -> None:
    file.write(json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n")


def _read_snapshot(path: str, file: IO[bytes]) -> Snapshot:
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            snapshot = _parse_rows(path, _read_rows(path, packed))
            # gzip compares its checksum only at the end of the file, so this read is needed for a valid file, too
            if packed.read(1):
                raise RecordingError(f"cannot read recording {path}: there is data after its end", _ADVICE)
            return snapshot
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if str(error).startswith(NO_MEMORY):
            raise MemoryError from None
        raise RecordingError(f"cannot read recording {path}: damaged or not a recording: {error}", _ADVICE) from None


def _read_rows(path: str, packed: gzip.GzipFile) -> Iterator[list[Any]]:
    """Yield the rows as JSON arrays; the first element of each is its kind."""
    number, size = 0, 0
    # a longer line is read in pieces; the first piece is rejected, because it is not JSON
    while line := packed.readline(MAX_LINE_LENGTH):
        number, size = number + 1, size + len(line)
        if size > MAX_UNPACKED_BYTES:
            raise RecordingError(
                f"cannot read recording {path}: it unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB", _ADVICE
            )
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise RecordingError(f"cannot read recording {path}: line {number} is not JSON", _ADVICE) from None
        if not (isinstance(row, list) and row and isinstance(row[0], str)):
            raise RecordingError(f"cannot read recording {path}: line {number} is not a row", _ADVICE)
        if not _is_text_valid(line, row):
            raise RecordingError(f"cannot read recording {path}: line {number} is not Unicode text", _ADVICE)
        yield row


def _is_text_valid(line: bytes, row: list[Any]) -> bool:
    """Return whether each lone surrogate encodes a byte (PEP 383); UTF-8 can encode no other lone surrogate."""
    # json also reads surrogates that are not written as escapes: in UTF-8, they begin with ED
    if b"\\u" in line or b"\xed" in line:
        try:
            json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return False
    return True


def _parse_rows(path: str, lines: Iterator[list[Any]]) -> Snapshot:
    names_by_kind = _parse_header(path, next(lines, []))
    rows: dict[str, list[Any]] = {kind: [] for kind in _ROWS}
    for kind, *values in lines:
        if kind == "end":
            # rows of a file can be removed before it is compressed again: the count shows if processes are missing
            if values != [len(rows["process"])]:
                raise RecordingError(f"cannot read recording {path}: rows are missing", _ADVICE)
            break
        # a newer Logonscope may add kinds: they are skipped
        if kind in rows:
            rows[kind].append(_parse_row(path, kind, names_by_kind[kind], values, names_by_kind["process"]))
    else:
        raise RecordingError(f"cannot read recording {path}: it is truncated", _ADVICE)
    if len(rows["machine"]) != 1 or any(len(rows[part]) > 1 for part in _PARTS):
        raise RecordingError(f"cannot read recording {path}: it must have one machine", _ADVICE)
    machine: Machine = rows["machine"][0]
    parts: dict[str, Any] = {part: next(iter(rows[part]), None) for part in _PARTS}
    return Snapshot(
        machine=machine._replace(**parts),
        logins=tuple(rows["login"]),
        processes=tuple(rows["process"]),
        sockets=tuple(rows["socket"]),
        users=tuple(rows["account"]),
        groups=tuple(rows["group"]),
        troubles=tuple(rows["trouble"]),
        authentications=tuple(rows["authentication"]),
        services=tuple(rows["service"]),
        login_history=tuple(rows["login_history"]),
        unit_requests=tuple(rows["unit_request"]),
    )


def _parse_header(path: str, row: list[Any]) -> Mapping[str, list[str]]:
    """Return the field names of each kind of row; an empty list for a kind that the header does not have."""
    header = row[1] if len(row) == 2 and row[0] == "header" and isinstance(row[1], dict) else {}
    if header.get("format") != FORMAT:
        raise RecordingError(f"cannot read {path}: not a recording", Hint(HintCode.USE_RECORDING))
    version, fields = header.get("version"), header.get("fields")
    if type(version) is not int or version < 1:  # bool is a subclass of int
        raise RecordingError(f"cannot read recording {path}: its header has no valid version", _ADVICE)
    if version > VERSION:
        raise RecordingError(
            f"cannot read recording {path}: version {version} is not supported, the newest is {VERSION}",
            "use a newer Logonscope",
        )
    if not isinstance(fields, dict) or not all(isinstance(names, list) for names in fields.values()):
        raise RecordingError(f"cannot read recording {path}: its header has no valid field names", _ADVICE)
    return {kind: fields.get(kind, []) for kind in _ROWS}


def _parse_row(path: str, kind: str, names: Iterable[str], values: list[Any], process_names: Iterable[str]) -> Any:
    """Return a row of its type, with every value checked.

    Args:
        path: of the recording, for messages.
        kind: the kind of row.
        names: the names of the fields of this kind in this recording.
        values: the values, in the order of the names.
        process_names: the names of a process row, for the leader in a login row.
    """
    row_type = _ROWS[kind]
    try:
        # Fields that this version does not know are skipped. Fields that the recording lacks get their defaults.
        # strict: a row with more or fewer values than names is damaged.
        fields_by_name = _fields_by_name(kind)
        fields = {
            fields_by_name[name]: value for name, value in zip(names, values, strict=True) if name in fields_by_name
        }
        if kind == "login" and fields.get("process"):
            fields["process"] = _parse_row(path, "process", process_names, fields["process"], ())
        if kind == "process" and fields.get("cmdline") is not None:
            fields["cmdline"] = fields["cmdline"].encode("latin-1")
        # JSON has only lists; None stays None
        fields |= {name: tuple(fields[name]) for name in _tuple_fields(kind) if fields.get(name) is not None}
        row = row_type(**fields)
    except (TypeError, ValueError, AttributeError):
        raise RecordingError(f"cannot read recording {path}: a row of kind {kind} is malformed", _ADVICE) from None
    # Python does not check the types of a NamedTuple: a string as pid would fail much later, in the middle of an answer
    invalid_name = next((name for name, fits in _checks(kind).items() if not fits(getattr(row, name))), None)
    if invalid_name:
        value = f"{getattr(row, invalid_name)!r:.40}"
        raise RecordingError(
            f"cannot read recording {path}: invalid {invalid_name} {value} in a row of kind {kind}", _ADVICE
        )
    return row


@cache
def _tuple_fields(kind: str) -> tuple[str, ...]:
    """Return the fields of a kind of row whose values are tuples."""
    hints = get_type_hints(_ROWS[kind]).items()
    return tuple(name for name, hint in hints if any(get_origin(item) is tuple for item in (hint, *get_args(hint))))


_Check = Callable[[Any], bool]


@cache
def _checks(kind: str) -> Mapping[str, _Check]:
    """Return for each field of a kind of row the check that its values have to pass, made from its type."""
    hints = get_type_hints(_ROWS[kind])
    checks = {name: _check_of_hint(hints[name]) for name in _field_names(_ROWS[kind])}
    if kind == "machine":
        checks |= dict.fromkeys(("ticks", "page_size"), _is_positive_int32)
    if kind == "process":
        checks |= dict.fromkeys(("uids", "gids"), _is_four_ids)
    return checks


def _is_positive_int32(value: Any) -> bool:
    return type(value) is int and 0 < value < 1 << 31


def _is_four_ids(value: Any) -> bool:
    # uids and gids are unpacked by code that relies on four of them
    return value is None or (len(value) == 4 and all(number is None or _is_whole_number(number) for number in value))


def _is_whole_number(value: Any) -> bool:
    # "type is", not isinstance: True is an int, too. Larger numbers are no facts, and later code would format them.
    return type(value) is int and abs(value) < 1 << 64


_FITS: Mapping[Any, _Check] = {
    int: _is_whole_number,
    bool: lambda value: type(value) is bool,
    str: lambda value: type(value) is str,
    bytes: lambda value: type(value) is bytes,
    type(None): lambda value: value is None,
    Process: lambda value: isinstance(value, Process),
    Mapping: lambda value: (
        isinstance(value, dict) and all(type(text) is str for pair in value.items() for text in pair)
    ),
}


def _check_of_hint(hint: Any) -> _Check:
    """Return the check that a value has a type; for a union, one of its types."""
    checks = [_check_of_type(member) for member in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
    return partial(_fits_any, checks)


def _fits_any(checks: Iterable[_Check], value: Any) -> bool:
    return any(fits(value) for fits in checks)


def _check_of_type(hint: Any) -> _Check:
    if get_origin(hint) is not tuple:
        return _FITS[get_origin(hint) or hint]
    return partial(_is_tuple_of, _check_of_hint(get_args(hint)[0]))


def _is_tuple_of(fits: _Check, value: Any) -> bool:
    return type(value) is tuple and all(map(fits, value))


def _file_error(path: str, error: OSError) -> AccessDeniedError | InvalidParameterError:
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return AccessDeniedError(f"cannot use {path}: {why}", Hint(HintCode.RUN_AS_ROOT, also=", or use another path"))
    return InvalidParameterError(f"cannot use {path}: {why}", "check the name and the disk")
