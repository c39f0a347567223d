"""Feed of kernel events from the events helper, over a unix socket. A reading waits REPLY_SECONDS at most.

"Writes" are those of processes to /proc/PID/loginuid and to cgroups, which the helper reports.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from logonscope.sources.live import messages
from logonscope.sources.live.feed import EventSource, Feed, Notice
from logonscope.sources.live.records import NO_WRITES, Batch, Record, Writes, parse_messages
from logonscope.sources.live.write_watch import CgroupMount

SOCKET = "/run/logonscope-events/socket"
"""The socket of the events helper."""

HELLO_SECONDS = 2.0
"""Maximum seconds for connecting, and again for the first frame."""

REPLY_SECONDS = 0.04
"""Maximum seconds that one call waits for a reply; a later call uses a reply that comes too late."""

SILENT_SECONDS = 5.0
"""Seconds without a reply after which this connection to the helper fails."""

_READ_BYTES = 1 << 18


class SlowFeedError(OSError):
    """The helper has not replied yet."""


class _ReceivedBatch(NamedTuple):
    """A batch that was received and is not applied yet."""

    content: Batch
    is_pushed: bool  # sent without a request: it may lack events that happened since it was sent


class RemoteFeed(Feed):
    """The events of this machine, read by the events helper."""

    def __init__(self, path: str = SOCKET) -> None:
        """Connect to the helper.

        Raises:
            OSError: the helper does not run, does not accept this process, or cannot read events.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # not select(), which accepts no descriptor above 1023: a busy server has higher ones
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._buffer = bytearray()
        self._unanswered_requests: deque[bytes] = deque()
        self._request_time = 0.0  # monotonic second of the last request
        self._records: list[Record] = []  # of a batch whose end has not come yet
        self._batches: deque[_ReceivedBatch] = deque()
        self._writes_reply: Writes | None = None  # the reply to a request for writes
        self._late_writes = NO_WRITES  # the writes of replies that came too late
        self._has_notice = self._is_behind = False
        try:
            self._socket.settimeout(HELLO_SECONDS)
            self._socket.connect(path)
            self._socket.setblocking(False)
            hello = self._read_hello(time.monotonic() + HELLO_SECONDS)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or str(error) or "no answer"
            raise OSError(error.errno or 0, f"events helper at {path}: {reason}") from None
        self.event_source: EventSource = hello.event_source._replace(
            name=f"{hello.event_source.name}, by the events helper"
        )
        self.sees_writes: bool = hello.sees_writes
        self.cgroup_mounts: tuple[CgroupMount, ...] = hello.cgroup_mounts

    def __repr__(self) -> str:
        return f"<RemoteFeed {self.event_source.name}>"

    @property
    def has_buffered_events(self) -> bool:
        return self._has_notice or bool(self._batches)

    @property
    def is_behind(self) -> bool:
        return self._is_behind

    def descriptors(self) -> tuple[int, ...]:
        return (self._socket.fileno(),)

    def notice(self, descriptor: int) -> Notice:
        del descriptor
        self._receive()
        self._has_notice = False
        return Notice(any(batch.is_pushed for batch in self._batches), stop_polling_until_read=False)

    def read_batch(self) -> Batch:
        self._receive()
        # a batch that was pushed, or that an earlier call requested, may lack the newest events
        is_new_request = not self._batches and messages.REQUEST_BATCH not in self._unanswered_requests
        if is_new_request:
            self._has_notice = False
        if not self._batches:
            self._request(messages.REQUEST_BATCH)
            self._wait_until(self._has_batch)
        batch, is_pushed = self._batches.popleft()
        self._is_behind = is_pushed or not is_new_request
        self._keep_late_writes()
        late_writes, self._late_writes = self._late_writes, NO_WRITES
        self._add_to_waiting_batches(late_writes)
        return batch._replace(writes=_merged(late_writes, batch.writes))

    def read_writes(self) -> Writes:
        # This is called while a batch is applied, and applying must not fail. Without a reply in time, this call
        # reports lost writes, and the late reply is kept for the next batch.
        try:
            self._receive()
            self._keep_late_writes()
            self._request(messages.REQUEST_WRITES)
            self._wait_until(self._has_writes_reply)
        except OSError:
            return Writes(until=time.monotonic_ns(), are_lost=True)
        assert self._writes_reply is not None  # noqa: S101 -- the reply has come
        writes, self._writes_reply = self._writes_reply, None
        all_writes = writes
        # batches that are not applied yet can have earlier writes
        for batch in self._batches:
            all_writes = _merged(all_writes, batch.content.writes)
        self._add_to_waiting_batches(writes)
        return all_writes

    def watch_namespaces(self) -> None:
        try:
            self._socket.send(messages.REQUEST_NAMESPACES)
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()

    def _request(self, request: bytes) -> None:
        if request not in self._unanswered_requests:
            self._socket.send(request)
            self._unanswered_requests.append(request)
            self._request_time = time.monotonic()

    def _wait_until(self, has_come: Callable[[], bool]) -> None:
        """Wait for a reply.

        Raises:
            SlowFeedError: the reply has not come within REPLY_SECONDS.
            OSError: the helper has ended, or has not replied for SILENT_SECONDS.
        """
        deadline = time.monotonic() + REPLY_SECONDS
        while not has_come():
            seconds = deadline - time.monotonic()
            if seconds <= 0 or not self._poll.poll(seconds * 1000):
                if self._unanswered_requests and time.monotonic() - self._request_time > SILENT_SECONDS:
                    raise messages.MessageError("no reply")
                raise SlowFeedError("no reply yet")
            self._receive()

    def _read_hello(self, deadline: float) -> messages.Hello:
        while not self._has_frame():
            seconds = deadline - time.monotonic()
            if seconds <= 0 or not self._poll.poll(seconds * 1000):
                raise SlowFeedError("no reply yet")
            self._fill()
        kind, content = self._take_frame()
        if kind == messages.REFUSED:
            raise messages.MessageError(content.decode("utf-8", "replace"))
        if kind != messages.HELLO:
            raise messages.MessageError(f"invalid first frame of kind {kind}")
        return messages.parse_hello(content)

    def _receive(self) -> None:
        """Take the frames that have come, without waiting."""
        self._fill()
        while self._has_frame():
            self._handle(*self._take_frame())

    def _handle(self, kind: int, content: bytes) -> None:
        if kind == messages.NOTICE:
            self._has_notice = True
        elif kind == messages.RECORDS:
            self._records.extend(parse_messages(content))
        elif kind == messages.PUSHED or (kind == messages.END and self._answers_oldest_request(messages.REQUEST_BATCH)):
            end, records = messages.parse_end(content), self._records
            self._records = []
            batch = Batch(records, end.writes, end.boot_offset, end.lost, end.is_partial)
            self._batches.append(_ReceivedBatch(batch, kind == messages.PUSHED))
        elif kind == messages.WRITTEN and self._answers_oldest_request(messages.REQUEST_WRITES):
            self._keep_late_writes()
            self._writes_reply = messages.parse_writes(content)
        else:
            raise messages.MessageError(f"unexpected frame of kind {kind}")

    def _has_batch(self) -> bool:
        return bool(self._batches)

    def _has_writes_reply(self) -> bool:
        return self._writes_reply is not None

    def _add_to_waiting_batches(self, writes: Writes) -> None:
        """Add writes to the batches that came before the writes and are not applied yet.

        These batches can have forks older than the writes: the child can then have another login uid or cgroup than
        its parent. The index takes this into account only for the batch that has the write, and for the next one (see
        index.py).
        """
        if writes is not NO_WRITES:
            self._batches = deque(
                _ReceivedBatch(content._replace(writes=_merged(content.writes, writes)), is_pushed)
                for content, is_pushed in self._batches
            )

    def _keep_late_writes(self) -> None:
        """Keep the writes of a reply that came too late for the call that requested them: the next batch gets them."""
        if self._writes_reply is not None:
            self._late_writes, self._writes_reply = _merged(self._late_writes, self._writes_reply), None

    def _answers_oldest_request(self, request: bytes) -> bool:
        """Remove the oldest request without a reply; return whether it is ``request``."""
        return bool(self._unanswered_requests) and self._unanswered_requests.popleft() == request

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
