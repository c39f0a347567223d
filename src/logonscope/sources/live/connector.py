"""Reader of process events: the kernel's process connector (netlink), without starts and ends of threads.

Messages are received many at once with recvmmsg(2): if very many arrive, one call for each costs twice as much.
"""

import ctypes
import errno
import os
import socket
import struct
from typing import NamedTuple

from logonscope.sources.live.records import EXEC, EXIT, FORK, GID, MESSAGE_BYTES, SID, UID, Record, parse_messages

BUFFER_BYTES = 32 << 20
"""Receive buffer, which the kernel doubles (socket(7)): for 80,000 messages, which take 832 bytes each in the kernel.

Without CAP_NET_ADMIN the kernel's limit is used.
"""

MAX_RECORDS = 65_536
"""Number of records after which a batch ends; the last call of recvmmsg may add up to _CALL_MESSAGES more."""

_CALL_MESSAGES = 1024  # messages that one call of recvmmsg receives
_NETLINK_CONNECTOR, _CN_IDX_PROC, _LISTEN = 11, 1, 1
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER, _SO_MEMINFO = 33, 26, 55
_MEMINFO_DROPS = 8  # include/uapi/linux/sock_diag.h: SK_MEMINFO_DROPS

# offsets in a message: linux/cn_proc.h after struct nlmsghdr and struct cn_msg
_WHAT, _THREAD, _PROCESS, _CHILD_THREAD, _CHILD = 36, 52, 56, 60, 64
# instructions of classic BPF: linux/bpf_common.h and linux/filter.h
_LOAD, _TO_X, _EQUALS, _EQUALS_X, _RETURN = 0x20, 0x07, 0x15, 0x1D, 0x06


class ReceivedRecords(NamedTuple):
    """The records that one call of ``read`` returns."""

    records: list[Record]
    lost: int  # messages that the kernel dropped since the last call
    is_partial: bool  # there may be more


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr, which is padded to 56 bytes."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("parts", ctypes.POINTER(_Iovec)),
        ("part_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )  # fmt: skip


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("received", ctypes.c_uint))


class ProcessConnector:
    """A subscription to process events."""

    def __init__(self, *, receives_id_changes: bool = False) -> None:
        """Subscribe.

        Args:
            receives_id_changes: also receive the changes of gid and terminal session.

        Raises:
            OSError: the kernel does not allow the subscription, or has no process connector.
        """
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _NETLINK_CONNECTOR)
        try:
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
            except PermissionError:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            self._attach(make_filter(receives_id_changes=receives_id_changes))
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(_listen_message())
        except OSError:
            self._socket.close()
            raise
        self._drops = self._read_drops()
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._data = ctypes.create_string_buffer(MESSAGE_BYTES * _CALL_MESSAGES)
        self._parts = (_Iovec * _CALL_MESSAGES)()
        self._messages = (_Message * _CALL_MESSAGES)()
        # one buffer after the other, so that the messages of one call can be parsed at once
        start = ctypes.addressof(self._data)
        for number, (part, message) in enumerate(zip(self._parts, self._messages, strict=True)):
            part.base, part.length = start + number * MESSAGE_BYTES, MESSAGE_BYTES
            message.header.parts, message.header.part_count = ctypes.pointer(part), 1

    def __repr__(self) -> str:
        return "<ProcessConnector>"

    def fileno(self) -> int:
        """Return the descriptor that becomes readable with an event."""
        return self._socket.fileno()

    def read(self) -> ReceivedRecords:
        """Return the records that have arrived, without waiting."""
        records: list[Record] = []
        data, descriptor, receive, messages = memoryview(self._data), self.fileno(), self._receive, self._messages
        while len(records) < MAX_RECORDS:
            count = receive(descriptor, messages, _CALL_MESSAGES, socket.MSG_DONTWAIT, None)
            if count > 0:
                records.extend(parse_messages(data[: count * MESSAGE_BYTES]))
            elif count == 0 or (error := ctypes.get_errno()) == errno.EAGAIN:
                break
            elif error not in {errno.ENOBUFS, errno.EINTR}:  # ENOBUFS: messages were dropped; _read_drops counts them
                raise OSError(error, os.strerror(error))
        # the drops are read after the messages: a loss before one of these messages is reported with them
        drops = self._read_drops()
        lost, self._drops = (drops - self._drops) & 0xFFFFFFFF, drops
        return ReceivedRecords(records, lost, len(records) >= MAX_RECORDS)

    def close(self) -> None:
        """End the subscription."""
        self._socket.close()

    def _read_drops(self) -> int:
        """Return how many messages the kernel has dropped.

        Gaps in the numbers of messages do not show this, because the filter makes gaps, too.
        """
        numbers = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * 9)
        return int(struct.unpack("=9I", numbers)[_MEMINFO_DROPS])

    def _attach(self, program: bytes) -> None:
        code = ctypes.create_string_buffer(program)
        # struct sock_fprog: the number of instructions, and their address
        self._socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        )


def make_filter(*, receives_id_changes: bool) -> bytes:
    """Return a classic BPF program that passes the events of processes, and the answer to the subscription.

    Of starts and ends, those of threads other than the first are dropped. EXEC and UID, with ``receives_id_changes``
    also GID and SID, are passed for each thread. All other kinds are dropped.
    """
    kinds = [0, EXEC, UID, *((GID, SID) if receives_id_changes else ())]
    # each row: code, number, rows to skip if equal, rows to skip if not equal
    rows = [(_LOAD, _WHAT, 0, 0)]
    # for these kinds, all rows up to the first _RETURN are skipped
    for number, kind in enumerate(kinds):
        rows.append((_EQUALS, _as_loaded(kind), len(kinds) + 9 - number, 0))
    rows += [
        (_EQUALS, _as_loaded(FORK), 1, 0),
        (_EQUALS, _as_loaded(EXIT), 4, 9),
        (_LOAD, _CHILD_THREAD, 0, 0), (_TO_X, 0, 0, 0), (_LOAD, _CHILD, 0, 0), (_EQUALS_X, 0, 4, 5),
        (_LOAD, _THREAD, 0, 0), (_TO_X, 0, 0, 0), (_LOAD, _PROCESS, 0, 0), (_EQUALS_X, 0, 0, 1),
        (_RETURN, 0xFFFFFFFF, 0, 0),
        (_RETURN, 0, 0, 0),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", code, yes, no, number) for code, number, yes, no in rows)


def _as_loaded(number: int) -> int:
    """Return a number of this machine's byte order as classic BPF loads it: big-endian."""
    return int(struct.unpack(">I", struct.pack("=I", number))[0])


def _listen_message() -> bytes:
    """Return the message that subscribes: a netlink header, a connector header, and the operation."""
    operation = struct.pack("=I", _LISTEN)
    connector = struct.pack("=IIIIHH", _CN_IDX_PROC, 1, 0, 0, len(operation), 0)
    header = struct.pack("=IHHII", 16 + len(connector) + len(operation), 3, 0, 0, os.getpid())
    return header + connector + operation
