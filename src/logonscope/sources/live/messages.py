"""Messages between the events helper and the service.

The service sends requests of one byte. The helper sends frames: a kind, a length, and the content. The first frame is
HELLO, or REFUSED with the reason. The reply to BATCH is any number of RECORDS and one END. The reply to WRITES is one
WRITTEN. ("Writes" are those of processes to /proc/PID/loginuid and to cgroups.) NAMESPACES has no reply: after it, the
helper also watches the /proc of each container or service that has a /proc of its own.

The helper sends two messages without a request. NOTICE says that there are events; it comes at most once until the next
END or PUSHED. A batch with writes is any number of RECORDS and one PUSHED; it comes at most MAX_PUSHES times between
two requests.
"""

import json
import struct
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.sources.live.feed import EventSource
from logonscope.sources.live.records import LoginWrite, Writes
from logonscope.sources.live.write_watch import CgroupMount

VERSION = 2
REQUEST_BATCH, REQUEST_WRITES, REQUEST_NAMESPACES = b"B", b"W", b"N"
HELLO, NOTICE, RECORDS, END, WRITTEN, PUSHED, REFUSED = 1, 2, 3, 4, 5, 6, 7
_KINDS = frozenset({HELLO, NOTICE, RECORDS, END, WRITTEN, PUSHED, REFUSED})

MAX_PUSHES = 8
"""Maximum number of batches that are sent between two requests without being requested."""

MAX_FRAME_BYTES = 1 << 20
"""Maximum bytes of the content of a frame."""

HEADER = struct.Struct("=BI")
_END = struct.Struct("=qIB")
_WRITTEN = struct.Struct("=QBII")
_LOGIN = struct.Struct("=ii")
_LENGTH = struct.Struct("=H")


class MessageError(OSError):
    """A message is invalid, refuses the client, or is late; the error ends the feed."""


class Hello(NamedTuple):
    """What the helper can do."""

    event_source: EventSource
    sees_writes: bool
    cgroup_mounts: tuple[CgroupMount, ...]


class BatchEnd(NamedTuple):
    """The end of a batch: the fields of ``records.Batch`` besides the records."""

    boot_offset: int
    lost: int
    is_partial: bool
    writes: Writes


def pack_frame(kind: int, content: bytes) -> bytes:
    """Return a frame."""
    return HEADER.pack(kind, len(content)) + content


def parse_header(data: bytes | memoryview) -> tuple[int, int]:
    """Return kind and length of a frame.

    Raises:
        MessageError: the kind is unknown, or the frame is too long.
    """
    kind, length = HEADER.unpack(data)
    if kind not in _KINDS or length > MAX_FRAME_BYTES:
        raise MessageError(f"invalid frame of kind {kind} with {length} bytes")
    return kind, length


def pack_hello(hello: Hello) -> bytes:
    """Return the content of HELLO."""
    fields = {
        "version": VERSION,
        "rung": hello.event_source,  # "rung" means event source in this version of the messages
        "writes": hello.sees_writes,
        "mounts": hello.cgroup_mounts,
    }
    return json.dumps(fields).encode()


def parse_hello(content: bytes) -> Hello:
    """Parse the content of HELLO.

    Raises:
        MessageError: the content is invalid, or of another version.
    """
    try:
        fields = json.loads(content)
        if fields["version"] != VERSION:
            raise MessageError(f"the events helper has version {fields['version']}, expected {VERSION}: restart both")
        name, refused = fields["rung"]
        mounts = tuple(CgroupMount(str(path), str(root)) for path, root in fields["mounts"])
        return Hello(EventSource(str(name), tuple(map(str, refused))), bool(fields["writes"]), mounts)
    except (ValueError, KeyError, TypeError) as error:
        raise MessageError(f"invalid HELLO: {error}") from None


def pack_end(end: BatchEnd) -> bytes:
    """Return the content of END or PUSHED."""
    return _END.pack(end.boot_offset, end.lost, end.is_partial) + pack_writes(end.writes)


def parse_end(content: bytes) -> BatchEnd:
    """Parse the content of END or PUSHED.

    Raises:
        MessageError: the content is invalid.
    """
    try:
        boot_offset, lost, is_partial = _END.unpack_from(content)
    except struct.error as error:
        raise MessageError(f"invalid END: {error}") from None
    return BatchEnd(boot_offset, lost, bool(is_partial), parse_writes(content[_END.size :]))


def pack_writes(writes: Writes) -> bytes:
    """Return the content of WRITTEN.

    If the writes take more than half a frame, or the path of a cgroup is too long for its length field, the content
    reports lost writes instead.
    """
    moves = [move for cgroup in writes.moves if len(move := cgroup.encode("utf-8", "surrogateescape")) < 1 << 16]
    size = _LOGIN.size * len(writes.logins) + sum(_LENGTH.size + len(move) for move in moves)
    if size > MAX_FRAME_BYTES // 2 or len(moves) < len(writes.moves):
        return _WRITTEN.pack(writes.until, 1, 0, 0)
    logins = (_LOGIN.pack(thread, -1 if process is None else process) for thread, process in writes.logins)
    parts = [_WRITTEN.pack(writes.until, writes.are_lost, len(writes.logins), len(moves)), *logins]
    for move in moves:
        parts += [_LENGTH.pack(len(move)), move]
    return b"".join(parts)


def parse_writes(content: bytes) -> Writes:
    """Parse the content of WRITTEN.

    Raises:
        MessageError: the content is invalid.
    """
    try:
        until, are_lost, login_count, move_count = _WRITTEN.unpack_from(content)
        end = _WRITTEN.size + _LOGIN.size * login_count
        if len(content) < end:
            raise MessageError("invalid writes: they are cut off")
        logins = frozenset(
            LoginWrite(thread, None if process < 0 else process)
            for thread, process in _LOGIN.iter_unpack(content[_WRITTEN.size : end])
        )
        moves = frozenset(_parse_moves(content, end, move_count))
    except struct.error as error:
        raise MessageError(f"invalid writes: {error}") from None
    if len(moves) != move_count:
        raise MessageError("invalid writes: their number is wrong")
    return Writes(logins, moves, until, bool(are_lost))


def _parse_moves(content: bytes, start: int, count: int) -> Iterator[str]:
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size
        if start + length > len(content):
            raise MessageError("invalid writes: the content is too short")
        yield content[start : start + length].decode("utf-8", "surrogateescape")
        start += length
