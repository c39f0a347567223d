"""Tests of server/sinks/sink.py: order, at least once, targets that fail, losses, and restarts."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from logonscope.errors import NotSupportedError
from logonscope.server.sinks.checkpoint import Checkpoint
from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError
from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.sink import Sink
from tests.lab.systemd import wait_until
from tests.server.sinks.receivers import FAILED, LOST

SETTINGS = SinkSettings("a", "file", Target("file", "", 0, "/a"))


class Notice(NamedTuple):
    """An event and its cursor."""

    cursor: str
    result: object


class Stream:
    """Events with the numbers 1, 2, ... as cursors, which stays open."""

    def __init__(self, count: int) -> None:
        self.notices = [Notice(str(number), FAILED._replace(cursor=str(number))) for number in range(1, count + 1)]
        self.starts: list[str | None] = []

    def subscribe(self, since: str | None) -> "Reader":
        """Return a reader of the events after a cursor."""
        self.starts.append(since)
        return Reader(self.notices[int(since or 0) :])


class Reader:
    """A subscription."""

    def __init__(self, notices: list[Notice]) -> None:
        self._notices, self._closed = notices, threading.Event()
        self.cursor = "0"

    @property
    def is_closed(self) -> bool:
        """Return whether it is closed."""
        return self._closed.is_set()

    def read(self, seconds: float | None = None) -> Sequence[Notice]:
        """Return three events, and wait where there are no more."""
        batch, self._notices = self._notices[:3], self._notices[3:]
        self.cursor = batch[-1].cursor if batch else self.cursor
        if not batch:
            self._closed.wait(seconds)
        return batch

    def close(self) -> None:
        """Close it."""
        self._closed.set()


class PlannedTarget:
    """A target that fails as planned, and keeps what it gets."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.parcels, self.attempts = list(errors), list[Parcel](), list[Parcel]()

    def send(self, parcel: Parcel) -> None:
        """Take events, unless an error is planned."""
        self.attempts.append(parcel)
        if self.errors:
            raise self.errors.pop(0)
        self.parcels.append(parcel)

    def close(self) -> None:
        """Do nothing."""

    @property
    def cursors(self) -> list[str | None]:
        """Return the cursors of all events."""
        return [event.cursor for parcel in self.parcels for event in parcel.events]


def run(stream: Stream, target: PlannedTarget, folder: Path) -> Sink:
    """Run a sink until it has delivered the last event."""
    sink = Sink(SETTINGS, stream.subscribe, target, Checkpoint(str(folder / "a.json")))
    sink.start()
    last = stream.notices[-1].cursor
    try:
        wait_until(lambda: Checkpoint(str(folder / "a.json")).read() == last, 20, "the last event")
    finally:
        sink.stop()
    return sink


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def test_events_are_delivered_in_order_and_a_failure_repeats_the_same_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stream, target = Stream(7), PlannedTarget(DeliveryError("no"), DeliveryError("no"))
    sink = run(stream, target, tmp_path)
    assert target.cursors == numbers(1, 7)
    assert target.attempts[0] == target.attempts[1] == target.attempts[2]
    assert (sink.status.delivered, sink.status.retries, sink.status.failure) == (7, 2, "")
    messages = [logged.getMessage() for logged in caplog.records]
    assert messages[-2:] == [f"sink {SETTINGS.name}: no", f"sink {SETTINGS.name}: delivery works again"]
    assert (sink.check().subject, sink.check().ok) == ("sink a", True)


def test_a_restart_goes_on_after_the_last_delivered_event(tmp_path: Path) -> None:
    stream = Stream(4)
    run(stream, PlannedTarget(), tmp_path)
    stream.notices += [Notice(cursor, FAILED._replace(cursor=cursor)) for cursor in ("5", "6")]
    target = PlannedTarget()
    run(stream, target, tmp_path)
    assert stream.starts == [None, "4"]
    assert target.cursors == ["5", "6"]


def test_what_was_not_confirmed_before_a_stop_is_delivered_again(tmp_path: Path) -> None:
    stream, target = Stream(3), PlannedTarget(*[DeliveryError("down")] * 1000)
    sink = Sink(SETTINGS, stream.subscribe, target, Checkpoint(str(tmp_path / "a.json")))
    sink.start()
    wait_until(lambda: sink.status.failure == "down", 20)
    check = sink.check()
    sink.stop()
    assert check.ok is False
    assert "down" in check.finding
    second = PlannedTarget()
    run(stream, second, tmp_path)
    assert second.cursors == numbers(1, 3)


def test_rejected_events_are_counted_and_the_next_ones_delivered(tmp_path: Path) -> None:
    target = PlannedTarget(RejectedError("too large"))
    sink = run(Stream(5), target, tmp_path)
    assert target.cursors == ["4", "5"]
    assert (sink.status.rejected, sink.status.delivered, sink.check().ok) == (3, 2, None)


def test_of_events_that_are_rejected_in_part_the_others_are_delivered(tmp_path: Path) -> None:
    sink = run(Stream(5), PlannedTarget(RejectedError("2 too large", 2)), tmp_path)
    assert (sink.status.rejected, sink.status.delivered) == (2, 3)


class PickyTarget(PlannedTarget):
    """A target that takes no parcel with one of its events."""

    def send(self, parcel: Parcel) -> None:
        """Refuse a parcel for one event, as a server does for a long one."""
        self.attempts.append(parcel)
        if "5" in {event.cursor for event in parcel.events}:
            raise RejectedError("413", retry_in_halves=True)
        self.parcels.append(parcel)


def test_an_event_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    target = PickyTarget()
    sink = run(Stream(9), target, tmp_path)
    assert target.cursors == ["1", "2", "3", "4", "6", "7", "8", "9"]
    assert (sink.status.rejected, sink.status.delivered) == (1, 8)
    assert len({parcel.id for parcel in target.attempts}) == len(target.attempts)


def test_a_checkpoint_that_cannot_be_stored_is_said_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "a.json.d"
    blocker.write_text("")
    stream, target = Stream(7), PlannedTarget()
    sink = Sink(SETTINGS, stream.subscribe, target, Checkpoint(str(blocker / "a.json")))
    sink.start()
    wait_until(lambda: sink.status.delivered == 7, 20)
    wait_until(lambda: sink.status.checkpoint_failure, 20)
    check = sink.check()
    sink.stop()
    assert target.cursors == numbers(1, 7)
    assert (check.ok, "cannot store the checkpoint" in check.finding) == (False, True)
    assert caplog.text.count("cannot store the checkpoint") == 1


def test_losses_are_delivered_and_counted(tmp_path: Path) -> None:
    stream, target = Stream(2), PlannedTarget()
    stream.notices[0] = Notice("1", LOST)
    sink = run(stream, target, tmp_path)
    assert [event.event for parcel in target.parcels for event in parcel.events] == ["Lost", "LogonFailed"]
    assert (sink.status.lost, sink.status.losses) == (7, 1)


def test_without_events_doctor_says_why(tmp_path: Path) -> None:
    def refuse(since: str | None) -> Reader:
        raise NotSupportedError(f"no events after {since}", "set live")

    sink = Sink(SETTINGS, refuse, PlannedTarget(), Checkpoint(str(tmp_path / "a.json")))
    sink.start()
    wait_until(lambda: sink.status.failure, 20)
    check = sink.check()
    sink.stop()
    assert "no events after None" in check.finding
