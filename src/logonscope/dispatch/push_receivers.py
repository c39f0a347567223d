"""Deliveries and failures of each server to which events are sent: for the log, the metrics and ``doctor``."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from logonscope.answers.check import Check
from logonscope.display import count_text

_log = logging.getLogger(__name__)


class ReceiverStatus(NamedTuple):
    """The subscriptions of one server, and its deliveries and failures since the start of this service.

    Attributes:
        receiver: the server, as a URL without a path.
        open: subscriptions whose events are sent there.
        failing: open subscriptions whose latest message was not delivered.
        delivered: messages that were delivered.
        failures: attempts that failed.
        ended: subscriptions that ended while their latest message was not delivered.
        failure: the reason of the latest failure; "": there was no failure, or a later delivery left no subscription
            failing.
        failed_at: the monotonic time of the latest failure, in seconds.
    """

    receiver: str
    open: int = 0
    failing: int = 0
    delivered: int = 0
    failures: int = 0
    ended: int = 0
    failure: str = ""
    failed_at: float = 0.0


class PushRecord:
    """The deliveries of one subscription. One thread uses it at a time."""

    def __init__(self, receiver: "_Receiver") -> None:
        self._receiver = receiver
        self.is_failing = False
        self._failure = ""

    def note_delivery(self) -> None:
        """Note a message that was delivered."""
        if self.is_failing:
            _log.info("delivery of events to %s works again", self._receiver.name)
        self.is_failing, self._failure = False, ""
        self._receiver.note_delivery()

    def note_failure(self, reason: str, retry_seconds: float | None) -> None:
        """Note an attempt that failed; ``retry_seconds``: the pause before the next one; None: it was the last."""
        # not logged: a repeated reason, and the last failure, since the end of the subscription is logged (pushes.py)
        if reason != self._failure and retry_seconds is not None:
            _log.warning("events to %s: %s; trying again after %g s", self._receiver.name, reason, retry_seconds)
        self.is_failing, self._failure = True, reason
        self._receiver.note_failure(reason)

    def close(self) -> None:
        """Note the end of the subscription."""
        self._receiver.remove(self)


class _Receiver:
    """One server, and the subscriptions whose events it gets."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._records = set[PushRecord]()
        self._delivered = self._failures = self._ended = 0
        self._failure, self._failed_at = "", 0.0
        self._lock = threading.Lock()

    def add(self) -> PushRecord:
        record = PushRecord(self)
        with self._lock:
            self._records.add(record)
        return record

    def remove(self, record: PushRecord) -> None:
        with self._lock:
            self._records.discard(record)
            self._ended += record.is_failing

    def note_delivery(self) -> None:
        with self._lock:
            self._delivered += 1
            # while another subscription fails, doctor still reports the failure
            if not any(record.is_failing for record in self._records):
                self._failure = ""

    def note_failure(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self._failure, self._failed_at = reason, time.monotonic()

    @property
    def status(self) -> ReceiverStatus:
        with self._lock:
            failing = sum(record.is_failing for record in self._records)
            return ReceiverStatus(
                self.name, len(self._records), failing, self._delivered, self._failures, self._ended, self._failure,
                self._failed_at,
            )  # fmt: skip


class PushReceivers:
    """The servers to which events may be sent."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Create the table; ``names`` are URLs without paths, each with its port."""
        self._receivers = {name: _Receiver(name) for name in names}

    def __repr__(self) -> str:
        return f"<PushReceivers {', '.join(self._receivers)}>"

    def open_record(self, receiver: str) -> PushRecord:
        """Return a new record of a subscription whose events are sent to a server."""
        return self._receivers.setdefault(receiver, _Receiver(receiver)).add()

    def statuses(self) -> list[ReceiverStatus]:
        """Return the status of each server, for metrics."""
        return [receiver.status for receiver in self._receivers.values()]

    def checks(self) -> Iterator[Check]:
        """Yield the check of each server, for ``doctor``."""
        for status in self.statuses():
            yield _check(status)


def _check(status: ReceiverStatus) -> Check:
    subject = f"events to {status.receiver}"
    finding = f"{count_text(status.open, 'subscription')}, {count_text(status.delivered, 'message')} delivered"
    if status.failures:
        finding += f", {count_text(status.failures, 'failed attempt')}"
    if status.ended:
        finding += f", {count_text(status.ended, 'subscription')} ended while messages failed"
    if not status.failure:
        return Check(subject, None if status.failures else True, finding, "")
    seconds = time.monotonic() - status.failed_at
    finding += f"; the latest, {seconds:.0f} s ago: {status.failure}"
    advice = "correct the receiver, or push_ca; a subscription ends when a message fails five times"
    if status.failing == 0:
        advice = "correct the receiver, or push_ca, and subscribe again"
    return Check(subject, False, finding, advice)
