"""Feed of the events helper: asks it over its unix socket, and never waits for long."""

import select
import socket
import time
from collections import deque

from logonscope.sources.live import messages
from logonscope.sources.live.feed import Feed, Notice, Rung
from logonscope.sources.live.records import NO_WRITES, Batch, Record, Writes, parse_messages
from logonscope.sources.live.write_watch import CgroupMount

SOCKET = "/run/logonscope-events/socket"
"""The socket of the events helper."""

HELLO_SECONDS = 2.0
REPLY_SECONDS = 0.04
"""Maximum seconds that one call waits; the reply is taken by a later call then."""

SILENT_SECONDS = 5.0
"""Seconds without a reply after which the helper is given up, until it answers a new connection."""

_READ_BYTES = 1 << 18


class SlowFeedError(OSError):
    """The helper has not replied yet."""


class RemoteFeed(Feed):
    """The events of this machine, read by the events helper."""

    def __init__(self, path: str = SOCKET) -> None:
        """Connect to the helper.

        Raises:
            OSError: it does not run, or does not accept this process.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = bytearray()
        self._replies: deque[bytes] = deque()  # the requests that are not answered yet
        self._requested = 0.0
        self._records: list[Record] = []
        self._late = NO_WRITES  # of replies that came too late
        self._notices: list[bool] = []
        try:
            self._socket.settimeout(HELLO_SECONDS)
            self._socket.connect(path)
            self._socket.setblocking(False)
            kind, content = self._read_frame(time.monotonic() + HELLO_SECONDS)
            if kind != messages.HELLO:
                raise messages.MessageError(f"invalid first frame of kind {kind}")
            hello = messages.parse_hello(content)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or str(error) or "no answer"
            raise OSError(error.errno or 0, f"events helper at {path}: {reason}") from None
        self.rung: Rung = hello.rung._replace(name=f"{hello.rung.name}, by the events helper")
        self.sees_writes: bool = hello.sees_writes
        self.cgroup_mounts: tuple[CgroupMount, ...] = hello.cgroup_mounts

    def __repr__(self) -> str:
        return f"<RemoteFeed {self.rung.name}>"

    @property
    def has_notice(self) -> bool:
        return bool(self._notices) or self._has_frame()

    def descriptors(self) -> tuple[int, ...]:
        return (self._socket.fileno(),)

    def notice(self, descriptor: int) -> Notice:
        del descriptor
        self._fill()
        while self._has_frame() and self._buffer[0] == messages.NOTICE:
            self._take_frame()
        is_urgent, self._notices = any(self._notices), []
        return Notice(is_urgent, mutes=False)

    def read_batch(self) -> Batch:
        self._notices.clear()
        self._request(messages.REQUEST_BATCH)
        end = self._wait_for(messages.REQUEST_BATCH)
        assert isinstance(end, messages.BatchEnd)  # noqa: S101 -- the answer to this request is of this type
        records, self._records = self._records, []
        writes, self._late = _merged(self._late, end.writes), NO_WRITES
        return Batch(records, writes, end.boot_offset, end.lost, end.is_partial)

    def read_writes(self) -> Writes:
        # called while a batch is applied, which must not fail: a late reply counts as lost writes
        try:
            self._request(messages.REQUEST_WRITES)
            writes = self._wait_for(messages.REQUEST_WRITES)
        except OSError:
            return Writes(until=time.monotonic_ns(), are_lost=True)
        assert isinstance(writes, Writes)  # noqa: S101 -- the answer to this request is of this type
        return writes

    def watch_namespaces(self) -> None:
        try:
            self._socket.send(messages.REQUEST_NAMESPACES)
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()

    def _request(self, request: bytes) -> None:
        """Send a request, unless it was sent and is not answered yet."""
        if request not in self._replies:
            self._socket.send(request)
            self._replies.append(request)
            self._requested = time.monotonic()

    def _wait_for(self, request: bytes) -> Writes | messages.BatchEnd:
        """Return the reply to a request; earlier ones that are still expected come first.

        Raises:
            SlowFeedError: it has not come yet.
            OSError: the helper has ended.
        """
        deadline = time.monotonic() + REPLY_SECONDS
        while True:
            kind, content = self._read_frame(deadline)
            if kind == messages.RECORDS:
                if not self._replies or self._replies[0] != messages.REQUEST_BATCH:
                    raise messages.MessageError("unexpected records")
                self._records.extend(parse_messages(content))
                continue
            expected = self._replies.popleft() if self._replies else b""
            if kind == messages.END and expected == messages.REQUEST_BATCH:
                end = messages.parse_end(content)
                if request == expected:
                    return end
                raise messages.MessageError("unexpected batch")
            if kind != messages.WRITTEN or expected != messages.REQUEST_WRITES:
                raise messages.MessageError(f"unexpected frame of kind {kind}")
            writes = messages.parse_writes(content)
            if request == expected:
                return writes
            self._late = _merged(self._late, writes)

    def _read_frame(self, deadline: float) -> tuple[int, bytes]:
        while True:
            while not self._has_frame():
                seconds = deadline - time.monotonic()
                if seconds <= 0 or not select.select([self._socket], (), (), seconds)[0]:
                    if self._replies and time.monotonic() - self._requested > SILENT_SECONDS:
                        raise messages.MessageError("no reply")
                    raise SlowFeedError("no reply yet")
                self._fill()
            kind, content = self._take_frame()
            if kind != messages.NOTICE:
                return kind, content

    def _fill(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError("the events helper closed the connection")
        self._buffer += data

    def _has_frame(self) -> bool:
        size = messages.HEADER.size
        if len(self._buffer) < size:
            return False
        _, length = messages.parse_header(bytes(self._buffer[:size]))
        return len(self._buffer) >= size + length

    def _take_frame(self) -> tuple[int, bytes]:
        size = messages.HEADER.size
        kind, length = messages.parse_header(bytes(self._buffer[:size]))
        content = bytes(self._buffer[size : size + length])
        del self._buffer[: size + length]
        if kind == messages.NOTICE:
            self._notices.append(content == b"\1")
        return kind, content


def _merged(first: Writes, second: Writes) -> Writes:
    if first is NO_WRITES:
        return second
    return Writes(
        first.logins | second.logins,
        first.moves | second.moves,
        max(first.until, second.until),
        first.are_lost or second.are_lost,
    )
