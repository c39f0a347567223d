"""What an agent knows that has seen every process start: the kernel's proc connector, and the history it gives.

Sources: linux/cn_proc.h, linux/connector.h; https://docs.kernel.org/driver-api/connector.html.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from tests.peers.facts import Process, all_processes, read_process

NETLINK_CONNECTOR = 11
CN_IDX_PROC = CN_VAL_PROC = 1
PROC_CN_MCAST_LISTEN = 1
NLMSG_DONE = 3
FORK, EXEC, SID = 0x1, 0x2, 0x80
BUFFER = 32 << 20
SO_RCVBUFFORCE = 33
_NETLINK = struct.Struct("=IHHII")
_CONNECTOR = struct.Struct("=IIIIHH")
_EVENT = struct.Struct("=IIQ")
_HEADERS = _NETLINK.size + _CONNECTOR.size


class Event(NamedTuple):
    """A process was forked, executed a program, or began a POSIX session."""

    what: int
    pid: int
    parent: int | None = None


Reader = Callable[[int], Process | None]
History = dict[int, Process]
"""Every process that was seen, by pid, with the parent that forked it; those that have ended are kept."""


def parse_event(message: bytes) -> Event | None:
    """Parse one message of the connector; return None for all that this history does not need."""
    if len(message) < _HEADERS + _EVENT.size + 8:
        return None
    what, _processor, _time = _EVENT.unpack_from(message, _HEADERS)
    numbers = struct.unpack_from(f"={(len(message) - _HEADERS - _EVENT.size) // 4}I", message, _HEADERS + _EVENT.size)
    if what == FORK:
        _thread, parent, child_thread, child = numbers[:4]
        return Event(FORK, child, parent) if child_thread == child else None
    return Event(what, numbers[1]) if what in (EXEC, SID) else None


def apply_event(history: History, event: Event, read: Reader) -> None:
    """Add to the history what one event says; a program that was executed is read from /proc at once."""
    if event.parent is not None:
        if parent := history.get(event.parent):
            history[event.pid] = parent._replace(pid=event.pid, ppid=event.parent, has_executed=False)
        return
    process = history.get(event.pid)
    if event.what == SID and process:
        history[event.pid] = process._replace(sid=event.pid, tty=0)
    elif event.what == EXEC and (now := read(event.pid)):
        # orphans are given to another process, so the parent is the one that forked it
        history[event.pid] = now._replace(ppid=process.ppid if process else now.ppid)


class Recorder:
    """An agent that was there before the logins: `with Recorder() as recorder: ... recorder.history`."""

    def __init__(self) -> None:
        self.history: History = {}
        self.has_lost_events = False
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        """Subscribe, read the processes that run already, and record from then on."""
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.settimeout(0.1)
        self._socket.bind((0, CN_IDX_PROC))
        self._socket.send(subscription())
        self.history.update(all_processes())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop recording."""
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    def _record(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                try:
                    message = self._socket.recv(4096)
                except OSError as error:
                    if isinstance(error, TimeoutError):
                        raise
                    self.has_lost_events = True  # ENOBUFS
                    continue
                if event := parse_event(message):
                    apply_event(self.history, event, read_process)


def subscription() -> bytes:
    """Return the message that asks the connector for every process event."""
    wish = struct.pack("=I", PROC_CN_MCAST_LISTEN)
    header = _CONNECTOR.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(wish), 0)
    return _NETLINK.pack(_HEADERS + len(wish), NLMSG_DONE, 0, 0, os.getpid()) + header + wish
