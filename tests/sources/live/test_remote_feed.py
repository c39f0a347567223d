"""The feed of the helper: late replies, silence, and a helper that is none."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.sources.live import messages
from logonscope.sources.live.feed import Rung
from logonscope.sources.live.records import FORK, LoginWrite, Writes, pack_messages
from logonscope.sources.live.remote_feed import RemoteFeed, SlowFeedError

HELLO = messages.pack_frame(messages.HELLO, messages.pack_hello(messages.Hello(Rung("a"), True, ())))
FIRST = Writes(frozenset({LoginWrite(7, 7)}), until=100)
SECOND = Writes(frozenset({LoginWrite(8, 8)}), until=200)


class Peer:
    """The other end of the socket, which the test plays."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "socket")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()

    def connect(self, hello: bytes = HELLO) -> RemoteFeed:
        """Return a feed that is connected to this end."""
        accepted = threading.Thread(target=self._accept, args=(hello,))
        accepted.start()
        feed = RemoteFeed(self.path)
        accepted.join()
        return feed

    def _accept(self, hello: bytes) -> None:
        self.connection, _ = self._listener.accept()
        self.connection.settimeout(5)
        self.connection.sendall(hello)

    def send_end(self, writes: Writes) -> None:
        """Send the end of a batch."""
        content = messages.pack_end(messages.BatchEnd(5, 0, is_partial=False, writes=writes))
        self.connection.sendall(messages.pack_frame(messages.END, content))

    def close(self) -> None:
        """Close both sockets."""
        self.connection.close()
        self._listener.close()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    """Listen on a socket."""
    end = Peer(tmp_path)
    yield end
    end.close()


def test_a_batch_is_requested_and_its_records_are_collected(peer: Peer) -> None:
    feed = peer.connect()
    record = (FORK, 1, 2, 2, 3, 3)
    peer.connection.sendall(messages.pack_frame(messages.RECORDS, pack_messages([record])))
    peer.send_end(FIRST)
    batch = feed.read_batch()
    assert peer.connection.recv(10) == messages.REQUEST_BATCH
    assert (list(batch.records), batch.writes, batch.boot_offset) == ([record], FIRST, 5)
    feed.close()


def test_a_late_reply_is_taken_by_the_next_call(peer: Peer) -> None:
    feed = peer.connect()
    with pytest.raises(SlowFeedError):
        feed.read_batch()
    peer.send_end(FIRST)
    assert feed.read_batch().writes == FIRST
    assert peer.connection.recv(10) == messages.REQUEST_BATCH  # asked once
    feed.close()


def test_late_writes_count_as_lost_and_come_with_the_next_batch(peer: Peer) -> None:
    feed = peer.connect()
    assert feed.read_writes().are_lost
    peer.connection.sendall(messages.pack_frame(messages.WRITTEN, messages.pack_writes(FIRST)))
    peer.send_end(SECOND)
    assert feed.read_batch().writes == Writes(FIRST.logins | SECOND.logins, until=200)
    feed.close()


def test_a_notice_between_replies_is_not_lost(peer: Peer) -> None:
    feed = peer.connect()
    peer.connection.sendall(messages.pack_frame(messages.NOTICE, b"\0"))
    assert not feed.notice(feed.descriptors()[0]).is_urgent
    peer.connection.sendall(messages.pack_frame(messages.WRITTEN, messages.pack_writes(FIRST)))
    peer.connection.sendall(messages.pack_frame(messages.NOTICE, b"\1"))
    assert feed.read_writes() == FIRST
    assert feed.notice(feed.descriptors()[0]).is_urgent or feed.has_notice
    feed.close()


def test_a_closed_connection_ends_the_feed(peer: Peer) -> None:
    feed = peer.connect()
    peer.connection.close()
    with pytest.raises(OSError, match=r"closed the connection|Broken pipe"):
        feed.read_batch()
    feed.close()


@pytest.mark.parametrize(
    "hello", [messages.pack_frame(messages.WRITTEN, b""), messages.pack_frame(messages.HELLO, b"{}"), b"\xff" * 5]
)
def test_a_peer_that_is_no_helper_is_refused(peer: Peer, hello: bytes) -> None:
    with pytest.raises(OSError, match=r"events helper at .*: "):
        peer.connect(hello)


def test_without_a_helper_there_is_no_feed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        RemoteFeed(str(tmp_path / "none"))
