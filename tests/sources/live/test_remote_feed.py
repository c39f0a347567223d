"""The feed of the helper: late replies, silence, and a helper that is none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.sources.live import messages
from logonscope.sources.live.feed import EventSource
from logonscope.sources.live.records import FORK, LoginWrite, Writes, pack_messages
from logonscope.sources.live.remote_feed import RemoteFeed, SlowFeedError

HELLO = messages.pack_frame(messages.HELLO, messages.pack_hello(messages.Hello(EventSource("a"), True, ())))
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

    def send_end(self, writes: Writes, kind: int = messages.END) -> None:
        """Send the end of a batch."""
        self.connection.sendall(messages.pack_frame(kind, batch_end(writes)))

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


def is_noticed(feed: RemoteFeed) -> bool:
    """Return whether there is a notice or a batch."""
    return feed.has_buffered_events


@contextmanager
def answering(peer: Peer, request: bytes, frame: int, content: bytes) -> Iterator[None]:
    """Answer the next request."""

    def answer() -> None:
        assert peer.connection.recv(10) == request
        peer.connection.sendall(messages.pack_frame(frame, content))

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    thread.join()


def batch_end(writes: Writes) -> bytes:
    """Return the content of the end of a batch."""
    return messages.pack_end(messages.BatchEnd(5, 0, is_partial=False, writes=writes))


def test_a_batch_is_requested_and_its_records_are_collected(peer: Peer) -> None:
    feed = peer.connect()
    record = (FORK, 1, 2, 2, 3, 3)
    peer.connection.sendall(messages.pack_frame(messages.RECORDS, pack_messages([record])))
    with answering(peer, messages.REQUEST_BATCH, messages.END, batch_end(FIRST)):
        batch = feed.read_batch()
    assert (list(batch.records), batch.writes, batch.boot_offset) == ([record], FIRST, 5)
    assert not feed.is_behind
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
    assert peer.connection.recv(10) == messages.REQUEST_WRITES
    with answering(peer, messages.REQUEST_BATCH, messages.END, batch_end(SECOND)):
        assert feed.read_batch().writes == Writes(FIRST.logins | SECOND.logins, until=200)
    feed.close()


def test_a_notice_is_not_urgent_and_a_reply_needs_a_request(peer: Peer) -> None:
    feed = peer.connect()
    peer.connection.sendall(messages.pack_frame(messages.NOTICE, b""))
    assert not feed.notice(feed.descriptors()[0]).is_urgent
    peer.connection.sendall(messages.pack_frame(messages.WRITTEN, messages.pack_writes(FIRST)))
    with pytest.raises(OSError, match="unexpected frame"):
        feed.read_batch()  # it was not asked for
    feed.close()


def test_a_notice_beside_a_reply_is_kept(peer: Peer) -> None:
    feed = peer.connect()
    assert feed.read_writes().are_lost
    peer.connection.sendall(messages.pack_frame(messages.NOTICE, b""))
    peer.connection.sendall(messages.pack_frame(messages.WRITTEN, messages.pack_writes(FIRST)))
    assert not is_noticed(feed)
    feed.notice(feed.descriptors()[0])
    peer.connection.sendall(messages.pack_frame(messages.NOTICE, b""))
    feed.read_writes()
    assert is_noticed(feed)
    feed.close()


def test_a_pushed_batch_comes_before_the_requested_one_and_is_not_the_last(peer: Peer) -> None:
    feed = peer.connect()
    first, second = (FORK, 1, 2, 2, 3, 3), (FORK, 2, 3, 3, 4, 4)
    peer.connection.sendall(messages.pack_frame(messages.RECORDS, pack_messages([first])))
    peer.send_end(FIRST, messages.PUSHED)
    assert feed.notice(feed.descriptors()[0]).is_urgent
    assert is_noticed(feed)
    batch = feed.read_batch()
    assert (list(batch.records), batch.writes, feed.is_behind) == ([first], FIRST, True)
    peer.connection.sendall(messages.pack_frame(messages.RECORDS, pack_messages([second])))
    with answering(peer, messages.REQUEST_BATCH, messages.END, batch_end(SECOND)):
        batch = feed.read_batch()
    assert (list(batch.records), batch.writes, feed.is_behind) == ([second], SECOND, False)
    assert not is_noticed(feed)
    feed.close()


def test_a_reply_to_an_earlier_call_is_not_the_last_batch(peer: Peer) -> None:
    feed = peer.connect()
    with pytest.raises(SlowFeedError):
        feed.read_batch()
    peer.send_end(FIRST)
    assert feed.read_batch().writes == FIRST
    assert feed.is_behind
    feed.close()


def test_late_writes_include_those_of_batches_that_are_not_applied(peer: Peer) -> None:
    feed = peer.connect()
    peer.send_end(FIRST, messages.PUSHED)
    assert not feed.read_writes().logins  # no reply: they are lost, and the batch is still to come
    peer.connection.sendall(messages.pack_frame(messages.WRITTEN, messages.pack_writes(SECOND)))
    assert feed.read_batch().writes.logins == FIRST.logins | SECOND.logins
    assert peer.connection.recv(10) == messages.REQUEST_WRITES
    peer.send_end(FIRST, messages.PUSHED)
    with answering(peer, messages.REQUEST_WRITES, messages.WRITTEN, messages.pack_writes(SECOND)):
        assert feed.read_writes() == Writes(FIRST.logins | SECOND.logins, until=200)
    feed.close()


def test_the_reason_of_a_helper_that_refuses_is_passed_on(peer: Peer) -> None:
    with pytest.raises(OSError, match=r"events helper at .*: no events here"):
        peer.connect(messages.pack_frame(messages.REFUSED, b"no events here"))


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
