"""The feed of the helper: late replies, silence, and a helper that is none."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.facts import UNSET
from logonscope.sources.live import messages
from logonscope.sources.live.entries import Change, ProcessReader, ReadFacts
from logonscope.sources.live.feed import EventSource
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.records import EXIT, FORK, LoginWrite, Record, Writes, pack_messages
from logonscope.sources.live.remote_feed import RemoteFeed, SlowFeedError
from tests.descriptors import descriptors_above_select_limit

HELLO = messages.pack_frame(messages.HELLO, messages.pack_hello(messages.Hello(EventSource("a"), True, ())))
FIRST = Writes(frozenset({LoginWrite(7, 7)}), until=100)
TICK = 10_000_000
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


def test_a_server_with_many_open_files_gets_events(peer: Peer) -> None:
    with descriptors_above_select_limit():
        feed = peer.connect()
        with answering(peer, messages.REQUEST_BATCH, messages.END, batch_end(FIRST)):
            assert feed.read_batch().writes == FIRST
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


class Daemon(ProcessReader):
    """A machine whose only process has no login; all others have ended when they are read."""

    def read(self, pid: int) -> ReadFacts | None:
        """Read a process."""
        return ReadFacts(1, 0, UNSET, UNSET, "/system.slice/a.service") if pid == 5 else None

    def read_thread(self, thread: int) -> None:
        """Read no thread: those that wrote have ended."""

    def existing(self, pids: Iterable[int]) -> set[int]:
        """Return those of the processes that exist."""
        return {5}.intersection(pids)

    def members(self, cgroup: str) -> tuple[int, ...]:
        """Return no processes."""
        del cgroup
        return ()

    def pids(self) -> tuple[int, ...]:
        """Return all processes."""
        return (5,)


def frames(kind: int, writes: Writes, *records: Record) -> bytes:
    """Return the frames of a batch."""
    return messages.pack_frame(messages.RECORDS, pack_messages(records)) + messages.pack_frame(kind, batch_end(writes))


def written(writes: Writes) -> bytes:
    """Return the frame of a reply with writes."""
    return messages.pack_frame(messages.WRITTEN, messages.pack_writes(writes))


@pytest.mark.parametrize("pushed", [0, 1, 2, 3])
def test_a_write_that_was_read_after_pushed_batches_decides_with_the_fork_that_comes_behind_them(
    peer: Peer, pushed: int
) -> None:
    changes: list[Change] = []
    index = LiveIndex(Daemon(), lambda _: False, TICK, clock=lambda: 10 * TICK)
    index.rescan()
    index.report = changes.append
    feed = peer.connect()
    logins = [Writes(frozenset({LoginWrite(9, 9)}), until=(20 + number) * TICK) for number in range(pushed)]
    batches = b"".join(frames(messages.PUSHED, writes) for writes in logins)
    # the helper pushes batches, then process 7 begins, logs in and ends; its write is read before its other events
    login = Writes(frozenset({LoginWrite(7, 7)}), until=50 * TICK)
    life = [(FORK, 40 * TICK, 5, 5, 7, 7), (EXIT, 45 * TICK, 7, 7, 0, 17)]
    nothing = [(messages.REQUEST_WRITES, written(Writes(until=(60 + number) * TICK))) for number in range(pushed + 1)]
    replies = [
        (messages.REQUEST_BATCH, frames(messages.END, Writes(until=15 * TICK), (FORK, 14 * TICK, 5, 5, 6, 6))),
        (messages.REQUEST_WRITES, batches + written(login)),
        *nothing[:pushed],
        (messages.REQUEST_BATCH, frames(messages.END, Writes(until=70 * TICK), *life)),
        nothing[-1],
    ]

    def answer() -> None:
        for request, reply in replies:
            assert peer.connection.recv(1) == request
            peer.connection.sendall(reply)

    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(pushed + 2):
        index.apply(feed.read_batch(), feed.read_writes)
    thread.join()
    feed.close()
    (ended,) = [
        change.before for change in changes if change.after is None and change.before and change.before.pid == 7
    ]
    assert ended.ses is None
