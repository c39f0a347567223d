"""A host that was saved to a file: written once, answered from for ever, on any operating system.

The file is gzip (RFC 1952) of JSON lines; docs/recording.md is its format. Every line is an array whose first
element names its kind; rows come as arrays in the order that the ``fields`` of the header name, so that a newer
Logonscope with more facts reads an older file.
"""

import errno
import gzip
import json
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, NamedTuple

from logonscope.errors import AccessDeniedError, InvalidParameterError, RecordingError
from logonscope.facts import Account, Login, Machine, Needs, Process, Snapshot, Socket, Source

FORMAT = "logonscope-recording"
VERSION = 1
LONGEST_LINE = 64 << 20
"""Bytes: no line of a sound file comes near it; a damaged one must not fill the memory."""

_ROWS: Mapping[str, type[Any]] = {
    "machine": Machine, "login": Login, "process": Process, "socket": Socket, "account": Account,
}  # fmt: skip
_AGAIN = "record the host again with `logonscope record`"


class _Recording(NamedTuple):
    machine: Machine
    logins: tuple[Login, ...]
    processes: tuple[Process, ...]
    sockets: tuple[Socket, ...]
    accounts: Mapping[int, Account]


def save(snapshot: Snapshot, path: str, replace: bool) -> int:  # noqa: FBT001 -- the shape that the client calls
    """Write a snapshot to a file of mode 0600, whole or not at all; return how many processes it holds.

    Raises:
        InvalidParameterError: the file is there and is not to be replaced.
        AccessDeniedError: it cannot be written.
    """
    if path == "-":
        return _write(snapshot, sys.stdout.buffer)
    if not replace and os.path.lexists(path):
        raise InvalidParameterError(f"{path} exists", "give another name, or --force to replace it")
    folder = os.path.dirname(path) or "."
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".logonscope-", dir=folder)  # mode 0600, O_EXCL
        with open(handle, "wb") as file:
            count = _write(snapshot, file)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # fails where somebody made the file meanwhile
    except FileExistsError:
        raise InvalidParameterError(f"{path} exists", "give another name, or --force to replace it") from None
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        if temporary and os.path.lexists(temporary):
            os.unlink(temporary)
    return count


def recorded(path: str) -> Source:
    """Return the Source of a recorded host.

    Raises:
        RecordingError: it is no recording, damaged, cut short, or of a newer version.
        AccessDeniedError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RecordingError(f"{path} is no file", "give a file that `logonscope record` wrote")
            recording = _read(path, file)
    except OSError as error:
        raise _refused(path, error) from None

    def observe(needs: Needs) -> Snapshot:
        return Snapshot(
            machine=recording.machine,
            logins=_chosen_logins(recording, needs) if needs.logins else (),
            processes=_chosen(recording, needs),
            accounts=recording.accounts,
            sockets=_chosen_sockets(recording, needs),
            troubles=[],
        )

    return Source(label=path, observe=observe)


def _chosen(recording: _Recording, needs: Needs) -> Iterator[Process]:
    for process in recording.processes:
        if needs.pids is not None and process.pid not in needs.pids:
            continue
        if needs.ses is not None and process.ses is not None and process.ses not in needs.ses:
            continue
        if needs.names is None or process.name in needs.names or process.comm in needs.names:
            yield process


def _chosen_logins(recording: _Recording, needs: Needs) -> tuple[Login, ...]:
    return tuple(login for login in recording.logins if needs.login_ids is None or login.id in needs.login_ids)


def _chosen_sockets(recording: _Recording, needs: Needs) -> tuple[Socket, ...]:
    if needs.all_sockets:
        return recording.sockets
    return tuple(found for found in recording.sockets if needs.ports and found.port in needs.ports)


def _write(snapshot: Snapshot, file: IO[bytes]) -> int:
    count, uids = 0, {login.uid for login in snapshot.logins}
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        fields = {kind: list(row._fields) for kind, row in _ROWS.items()}
        _line(packed, ["header", {"format": FORMAT, "version": VERSION, "fields": fields}])
        _line(packed, ["machine", *snapshot.machine])
        for login in snapshot.logins:
            _line(packed, ["login", *_values(login, process=login.process and _process(login.process))])
        for process in snapshot.processes:
            count += 1
            uids.update(process.uids or (), {process.loginuid or 0})
            _line(packed, ["process", *_process(process)])
        for found in snapshot.sockets:
            _line(packed, ["socket", *found])
        for uid in sorted(uids):
            if account := snapshot.accounts.get(uid):
                _line(packed, ["account", *account])
        _line(packed, ["end", count])
    return count


def _process(process: Process) -> list[object]:
    return _values(process, cmdline=None if process.cmdline is None else process.cmdline.decode("latin-1"))


def _values(row: Process | Login, **instead: object) -> list[object]:
    """Return the values of a row, some of them in the form that JSON has for them."""
    return list((row._asdict() | instead).values())


def _line(file: IO[bytes] | gzip.GzipFile, row: list[object]) -> None:
    file.write(json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n")


def _read(path: str, file: IO[bytes]) -> _Recording:
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            return _rows(path, _lines(path, packed))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordingError(f"{path} is damaged or no recording: {error}", _AGAIN) from None


def _lines(path: str, packed: gzip.GzipFile) -> Iterator[list[Any]]:
    number = 0
    while line := packed.readline(LONGEST_LINE):
        number += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise RecordingError(f"{path} is damaged: line {number} is no JSON", _AGAIN) from None
        if not (isinstance(row, list) and row and isinstance(row[0], str)):
            raise RecordingError(f"{path} is damaged: line {number} is no row", _AGAIN)
        yield row


def _rows(path: str, lines: Iterator[list[Any]]) -> _Recording:
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
    if len(found["machine"]) != 1:
        raise RecordingError(f"{path} is damaged: it describes no machine", _AGAIN)
    return _Recording(
        machine=found["machine"][0],
        logins=tuple(found["login"]),
        processes=tuple(found["process"]),
        sockets=tuple(found["socket"]),
        accounts={account.uid: account for account in found["account"]},
    )


def _header(path: str, row: list[Any]) -> Mapping[str, list[str]]:
    head = row[1] if len(row) == 2 and row[0] == "header" and isinstance(row[1], dict) else {}
    if head.get("format") != FORMAT:
        raise RecordingError(f"{path} is no recording", "give a file that `logonscope record` wrote")
    version, fields = head.get("version"), head.get("fields")
    if not isinstance(version, int) or version > VERSION:
        raise RecordingError(
            f"{path} is of version {version}, this Logonscope reads up to {VERSION}", "use a newer Logonscope"
        )
    if not isinstance(fields, dict) or not all(isinstance(fields.get(kind), list) for kind in _ROWS):
        raise RecordingError(f"{path} is damaged: its header names no fields", _AGAIN)
    return fields


def _row(path: str, kind: str, names: Iterable[str], values: list[Any], process_names: Iterable[str]) -> Any:
    row = _ROWS[kind]
    try:
        known = {name: value for name, value in zip(names, values, strict=True) if name in row._fields}
        if kind == "login" and known.get("process"):
            known["process"] = _row(path, "process", process_names, known["process"], ())
        if kind == "process" and known.get("cmdline") is not None:
            known["cmdline"] = known["cmdline"].encode("latin-1")
        if kind == "process":
            known |= {name: tuple(known[name]) for name in ("uids", "gids", "sockets") if known.get(name) is not None}
        return row(**known)
    except (TypeError, ValueError, AttributeError):
        raise RecordingError(f"{path} is damaged: a row of kind {kind} has another shape", _AGAIN) from None


def _refused(path: str, error: OSError) -> AccessDeniedError | InvalidParameterError:
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return AccessDeniedError(f"cannot use {path}: {why}", "use sudo, or another place")
    return InvalidParameterError(f"cannot use {path}: {why}", "check the name and the disk")
