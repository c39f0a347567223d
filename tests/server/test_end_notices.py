"""Tests of server/end_notices.py: a message for each end, from one thread for each server, and a bounded stop."""

import threading
from collections.abc import Sequence

import pytest

from logonscope.broker.subscription import WatchResult
from logonscope.dispatch.pushes import Batch, Ending, PushError
from logonscope.server.end_notices import MAX_WAITING, EndNotices
from tests.server.serving import PATIENCE, wait_until

ENDING = Ending("SourceCancelling", "made up")


class Channel:
    """A channel whose server answers when a test lets it."""

    batch = Batch()

    def __init__(self, receiver: str | None, *, answers: bool = True, error: Exception | None = None) -> None:
        self.receiver, self.end_receiver, self.error = receiver or "", receiver, error
        self.may_answer, self.seconds = threading.Event(), list[float]()
        if answers:
            self.may_answer.set()

    def send(self, results: Sequence[WatchResult]) -> int:
        raise NotImplementedError  # an end notice sends no events

    def send_heartbeat(self) -> None:
        raise NotImplementedError  # nor heartbeats

    def send_end(self, ending: Ending, seconds: float) -> None:
        assert ending == ENDING
        self.seconds.append(seconds)
        self.may_answer.wait(min(seconds, PATIENCE))
        if self.error is not None:
            raise self.error

    def interrupt(self) -> None:
        raise NotImplementedError  # only the delivery of events is interrupted

    def close(self) -> None:
        raise NotImplementedError  # and closes its channel


def test_each_server_has_its_own_thread_that_ends() -> None:
    notices, slow, behind = EndNotices(), Channel("http://slow:1", answers=False), Channel("http://slow:1")
    quick, silent = Channel("http://quick:1"), Channel(None)
    for channel in (slow, behind, quick, silent):
        notices.add(channel, ENDING)
    wait_until(lambda: quick.seconds)
    assert (behind.seconds, silent.seconds) == ([], [])
    slow.may_answer.set()
    wait_until(lambda: behind.seconds and repr(notices) == "<EndNotices to 0 servers>")
    notices.add(quick, ENDING)
    wait_until(lambda: len(quick.seconds) == 2)


@pytest.mark.parametrize("error", [PushError("no answer"), ValueError("a mistake")])
def test_a_failure_does_not_end_the_thread(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    notices, failing, other = EndNotices(), Channel("http://a:1", error=error), Channel("http://a:1")
    notices.add(failing, ENDING)
    notices.add(other, ENDING)
    wait_until(lambda: other.seconds)
    assert "http://a:1" in caplog.text


def test_the_messages_that_wait_for_one_server_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    notices, silent, others = EndNotices(), Channel("http://a:1", answers=False), Channel("http://a:1")
    notices.add(silent, ENDING)
    wait_until(lambda: silent.seconds)
    for _ in range(MAX_WAITING + 1):
        notices.add(others, ENDING)
    assert caplog.text.count("too many wait") == 1
    silent.may_answer.set()
    wait_until(lambda: repr(notices) == "<EndNotices to 0 servers>")
    assert len(others.seconds) == MAX_WAITING


def test_a_stop_limits_the_time_of_all_messages() -> None:
    notices, silent, behind = EndNotices(0.2), Channel("http://a:1", answers=False), Channel("http://a:1")
    notices.begin_stop()
    notices.add(silent, ENDING)
    notices.add(behind, ENDING)
    notices.stop()
    assert 0 < silent.seconds[0] <= 0.2
    # its time was over
    wait_until(lambda: repr(notices) == "<EndNotices to 0 servers>")
    assert behind.seconds == []
