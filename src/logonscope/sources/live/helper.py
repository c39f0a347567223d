"""Events helper: reads the kernel's events with the rights that this needs, for the service, which has no such rights.

    python -m logonscope.sources.live.helper [SOCKET] [UNIT]

It serves one client at a time, root or a process of the unit; a new client replaces the old one, and gets events from
then on. It answers requests, sends a batch with writes at once, and stores nothing: the helper can be restarted without
the service, and the service without the helper.
"""

import contextlib
import os
import select
import socket
import struct
import sys
from collections.abc import Sequence

from logonscope.sources.live import messages
from logonscope.sources.live.feed import LocalFeed
from logonscope.sources.live.records import MESSAGE_BYTES, pack_messages
from logonscope.sources.live.remote_feed import SOCKET

UNIT = "logonscope.service"
"""The unit whose processes may connect, if the command line names no other; root may always connect."""

SEND_SECONDS = 2.0
"""Maximum seconds that a client may take to read a reply."""

_MAX_FRAME_RECORDS = messages.MAX_FRAME_BYTES // MESSAGE_BYTES
_PEER = struct.Struct("=iII")  # struct ucred (unix(7)): pid, uid, gid


class Helper:
    """The server of the events helper."""

    def __init__(self, path: str, unit: str) -> None:
        self._unit = unit
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(path):
            os.unlink(path)
        self._listener.bind(path)
        os.chmod(path, 0o666)  # noqa: S103 -- who may connect is decided by the peer's unit
        self._listener.listen(4)
        self._client: socket.socket | None = None
        self._feed: LocalFeed | None = None
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)
        self._is_client_notified = False
        self._pushes = 0  # batches that were sent without a request since the last request
        self._logged_reason = ""

    def __repr__(self) -> str:
        return f"<Helper for {self._unit}>"

    def serve(self) -> None:
        """Serve clients for ever."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._listener.fileno():
                    self._accept()
                elif self._client is not None and descriptor == self._client.fileno():
                    self._answer()
                elif self._feed is not None:
                    self._notify(descriptor)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.settimeout(SEND_SECONDS)
        if not self._may_connect(client):
            _refuse(client, f"only root and {self._unit} may connect")
            return
        self._drop_client()
        # each client gets a feed of its own, which begins with its connection
        try:
            feed = LocalFeed()
        except OSError as error:
            reason = f"cannot read events: {error.strerror or error}"
            if reason != self._logged_reason:  # the client tries again and again
                _log(reason)
            self._logged_reason = reason
            _refuse(client, reason)
            return
        self._client, self._feed, self._logged_reason = client, feed, ""
        self._poll.register(client, select.POLLIN)
        hello = messages.Hello(feed.event_source, feed.sees_writes, feed.cgroup_mounts)
        self._send(messages.HELLO, messages.pack_hello(hello))
        self._listen_for_events()

    def _may_connect(self, client: socket.socket) -> bool:
        """Return whether the peer is root, or a process of the unit."""
        pid, uid, _ = _PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if uid == 0:
            return True
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
                cgroups = [line.rstrip("\n").split(":", 2)[2] for line in file]
            # by now the pid may be that of another process, which must at least have the same user
            return os.stat(f"/proc/{pid}").st_uid == uid and f"/system.slice/{self._unit}" in cgroups
        except OSError:
            return False

    def _answer(self) -> None:
        client, feed = self._client, self._feed
        if client is None or feed is None:
            return
        try:
            requests = client.recv(16)
        except OSError:
            requests = b""
        if not requests:
            self._drop_client()
            return
        for number in range(len(requests)):
            self._answer_request(requests[number : number + 1], feed)

    def _answer_request(self, request: bytes, feed: LocalFeed) -> None:
        self._pushes = 0
        try:
            self._handle_request(request, feed)
        except OSError as error:
            self._lose_feed(error)

    def _handle_request(self, request: bytes, feed: LocalFeed) -> None:
        if request == messages.REQUEST_BATCH:
            self._send_batch(feed, messages.END)
        elif request == messages.REQUEST_WRITES:
            self._send(messages.WRITTEN, messages.pack_writes(feed.read_writes()))
        elif request == messages.REQUEST_NAMESPACES:
            feed.watch_namespaces()
        else:
            self._drop_client()

    def _send_batch(self, feed: LocalFeed, end_kind: int) -> None:
        batch = feed.read_batch()
        for start in range(0, len(batch.records), _MAX_FRAME_RECORDS):
            self._send(messages.RECORDS, pack_messages(batch.records[start : start + _MAX_FRAME_RECORDS]))
        end = messages.BatchEnd(batch.boot_offset, batch.lost, batch.is_partial, batch.writes)
        self._send(end_kind, messages.pack_end(end))
        self._listen_for_events()

    def _listen_for_events(self) -> None:
        self._is_client_notified = False
        for descriptor in () if self._feed is None else self._feed.descriptors():
            self._poll.register(descriptor, select.POLLIN)

    def _notify(self, descriptor: int) -> None:
        """Notify the client of events, but not again before it has read them; send writes at once."""
        feed = self._feed
        if feed is None:
            return
        # the sooner a batch ends after a write, the fewer of its forks are in doubt
        if feed.notice(descriptor).is_urgent and self._pushes < messages.MAX_PUSHES:
            self._pushes += 1
            try:
                self._send_batch(feed, messages.PUSHED)
            except OSError as error:
                self._lose_feed(error)
            return
        # the descriptor would stay readable until the client asks for the batch
        self._poll.unregister(descriptor)
        if not self._is_client_notified:
            self._is_client_notified = True
            self._send(messages.NOTICE, b"")

    def _send(self, kind: int, content: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.sendall(messages.pack_frame(kind, content))
        except OSError:
            self._drop_client()

    def _lose_feed(self, error: OSError) -> None:
        """Drop the client, which gets a new feed with its next connection."""
        _log(f"cannot read events: {error.strerror or error}")
        self._drop_client()

    def _drop_client(self) -> None:
        if self._feed is not None:
            for descriptor in self._feed.descriptors():
                try:
                    self._poll.unregister(descriptor)
                except KeyError:
                    continue  # _notify has unregistered it: the client has been notified, but has not read the events
            self._feed.close()
        if self._client is not None:
            self._poll.unregister(self._client)
            self._client.close()
        self._client = self._feed = None


def _refuse(client: socket.socket, reason: str) -> None:
    with client, contextlib.suppress(OSError):
        client.sendall(messages.pack_frame(messages.REFUSED, reason.encode("utf-8", "replace")))


def _notify_ready() -> None:
    """Notify the service manager that clients can connect: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(b"READY=1", "\0" + address[1:] if address[0] == "@" else address)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- the log of the unit


def main(arguments: Sequence[str]) -> None:
    """Run the helper."""
    path, unit = [*arguments, *(SOCKET, UNIT)[len(arguments) :]][:2]
    helper = Helper(path, unit)
    _notify_ready()
    helper.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
