"""Watch on writes to login uids and cgroups: fanotify(7) on the file systems of /proc and of cgroups.

The process connector does not report these writes. An event is in the queue before the writer's write(2) returns. When
an event is read, the kernel opens the file that was written. This can hang for ever: /proc/PID/mem cannot be opened as
long as an execve(2) of PID does not return. Then the watch is given up, together with the thread that reads the events.
"""

import ctypes
import errno
import fcntl
import os
import re
import struct
import termios
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from logonscope.sources.linux.timeouts import AbandonedCallError, CallPool
from logonscope.sources.live.records import LoginWrite, Writes

_FAN_CLOEXEC, _FAN_NONBLOCK, _FAN_REPORT_TID = 0x1, 0x2, 0x100
_FAN_MARK_ADD, _FAN_MARK_FILESYSTEM = 0x1, 0x100
_FAN_MODIFY, _FAN_Q_OVERFLOW = 0x2, 0x4000
_AT_FDCWD = -100

_EVENT = struct.Struct("=IBBHQii")
"""struct fanotify_event_metadata: length with all records, version, reserved, own length, mask, descriptor, thread."""

_READ_BYTES = _EVENT.size * 128
"""Maximum bytes of one read(2): each event is an open file until it is handled."""

READ_SECONDS = 1.0
"""Seconds after which a reading counts as hanging."""

MAX_HUNG = 16
"""Maximum number of readings that hang; then no further reading is tried."""

_READS = CallPool(MAX_HUNG)

_NO_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})

_LOGIN_UID = re.compile(r"/([0-9]+)(?:/task/[0-9]+)?/loginuid$")
_PROCS = "/cgroup.procs"
_DELETED = " (deleted)"


class CgroupMount(NamedTuple):
    """A mounted hierarchy of cgroups that login services may use."""

    path: str  # the mount point
    root: str  # the cgroup that is mounted there; "/": the root of the hierarchy


class WriteWatch:
    """The writes to login uids and cgroup.procs of this machine."""

    def __init__(self, proc: str, cgroup_mounts: Iterable[CgroupMount]) -> None:
        """Start the watch.

        Raises:
            OSError: the kernel does not allow the watch, which needs CAP_SYS_ADMIN in the initial user namespace.
        """
        self._proc, self._cgroup_mounts = proc, tuple(cgroup_mounts)
        library = ctypes.CDLL(None, use_errno=True)
        self._mark = library.fanotify_mark
        self._mark.argtypes = (ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p)
        flags = _FAN_CLOEXEC | _FAN_NONBLOCK | _FAN_REPORT_TID
        self._descriptor = library.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC | os.O_LARGEFILE)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), f"fanotify_init: {os.strerror(ctypes.get_errno())}")
        self._proc_device = os.stat(proc).st_dev
        self._devices: set[int] = set()
        self._is_given_up = False
        try:
            for path in (proc, *(mount.path for mount in self._cgroup_mounts)):
                self.add(path)
        except OSError:
            os.close(self._descriptor)
            raise

    def __repr__(self) -> str:
        return f"<WriteWatch on {len(self._devices)} file systems>"

    def fileno(self) -> int:
        """Return the descriptor that becomes readable with a write."""
        return int(self._descriptor)

    def add(self, path: str) -> None:
        """Watch another file system, such as the /proc of a container.

        Raises:
            OSError: the file system cannot be watched.
        """
        device = os.stat(path).st_dev
        if device in self._devices:
            return
        mask, flags = _FAN_MODIFY, _FAN_MARK_ADD | _FAN_MARK_FILESYSTEM
        if self._mark(self._descriptor, flags, mask, _AT_FDCWD, os.fsencode(path)) != 0:
            raise OSError(ctypes.get_errno(), f"fanotify_mark {path}: {os.strerror(ctypes.get_errno())}")
        self._devices.add(device)

    def read(self) -> Writes:
        """Return the writes that were made before this call, without waiting for new ones.

        Raises:
            OSError: the watch is closed, or its reading hangs.
        """
        if not self._queued_bytes():
            return Writes(until=time.monotonic_ns())
        try:
            return _READS.call(READ_SECONDS, self._read)
        except AbandonedCallError as error:
            self._is_given_up = True
            raise OSError(f"the reading of writes hangs: {error}") from None

    def close(self) -> None:
        """End the watch."""
        # the thread of a reading that hangs still uses the descriptor
        if not self._is_given_up:
            os.close(self._descriptor)

    def _read(self) -> Writes:
        logins, moves, are_lost = set[LoginWrite](), set[str](), False
        # not more events than are queued now: any user can write to files of /proc faster than the events are read
        queued = self._queued_bytes()
        while queued > 0 and not self._is_given_up:
            try:
                data = os.read(self._descriptor, min(queued, _READ_BYTES))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.EBADF:
                    raise
                # The file of one event could not be opened, mostly because it is gone (ENODEV); the event was consumed.
                are_lost = are_lost or error.errno in _NO_RESOURCES
                queued -= _EVENT.size
                continue
            queued -= len(data)
            for _, _, _, _, mask, descriptor, thread in _EVENT.iter_unpack(data):
                if mask & _FAN_Q_OVERFLOW:
                    are_lost = True
                if descriptor < 0:
                    continue
                try:
                    self._add_write(descriptor, thread, logins, moves)
                finally:
                    os.close(descriptor)
        if self._is_given_up:
            os.close(self._descriptor)
        # The kernel merges a write with an earlier write of the same thread that is not read yet. Only this moment,
        # after the reading, is certainly later than all writes.
        return Writes(frozenset(logins), frozenset(moves), time.monotonic_ns(), are_lost)

    def _queued_bytes(self) -> int:
        return int(struct.unpack("=i", fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)))[0])

    def _add_write(self, descriptor: int, thread: int, logins: set[LoginWrite], moves: set[str]) -> None:
        try:
            path = os.readlink(f"{self._proc}/self/fd/{descriptor}").removesuffix(_DELETED)
        except OSError:
            return
        if path.endswith(_PROCS):
            moves.update(self._cgroups_of(path.removesuffix(_PROCS)))
        elif (match := _LOGIN_UID.search(path)) is not None:
            # a path in the /proc of another pid namespace has a pid of that namespace, but the id of a thread in an
            # event belongs to the namespace of this process
            is_here = os.fstat(descriptor).st_dev == self._proc_device
            logins.add(LoginWrite(thread, int(match[1]) if is_here else None))

    def _cgroups_of(self, folder: str) -> Iterator[str]:
        """Yield the cgroup of a folder, as /proc/PID/cgroup names it."""
        for mount in self._cgroup_mounts:
            if f"{folder}/".startswith(f"{mount.path}/"):
                yield mount.root.rstrip("/") + folder.removeprefix(mount.path) or "/"


def find_cgroup_mounts(mountinfo: bytes) -> tuple[CgroupMount, ...]:
    """Return the hierarchies in which login services place processes: cgroup2, and those named systemd or elogind."""
    mounts = []
    # proc_pid_mountinfo(5): fields[3] is the root, fields[4] the mount point; behind " - " are type, device and options
    for line in mountinfo.split(b"\n"):
        mount, _, filesystem = line.partition(b" - ")
        fields, filesystem_fields = mount.split(b" "), filesystem.split(b" ")
        filesystem_type, options = filesystem_fields[0], filesystem_fields[-1]
        is_named = filesystem_type == b"cgroup" and {b"name=systemd", b"name=elogind"} & {*options.split(b",")}
        if len(fields) > 5 and (filesystem_type == b"cgroup2" or is_named):
            mounts.append(CgroupMount(os.fsdecode(fields[4]), os.fsdecode(fields[3])))
    return tuple(mounts)


def find_proc_mounts(mountinfo: bytes) -> tuple[str, ...]:
    """Return the mount points of proc(5) in a mount namespace."""
    lines = (line.partition(b" - ") for line in mountinfo.split(b"\n"))
    return tuple(
        os.fsdecode(fields.split(b" ")[4])
        for fields, _, filesystem in lines
        if filesystem.startswith(b"proc ") and len(fields.split(b" ")) > 5
    )
