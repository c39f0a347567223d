"""Tests of dispatch/push_receivers.py: counts, log lines and the findings of doctor, for each server."""

import logging

import pytest

from logonscope.dispatch.push_receivers import PushReceivers

COLLECTOR, OTHER = "https://collector.example.com:8443", "http://192.0.2.7:80"
UNTRUSTED = f"cannot post to {COLLECTOR}: certificate verify failed: unable to get local issuer certificate"


def findings(receivers: PushReceivers) -> list[tuple[bool | None, str]]:
    return [(check.ok, check.finding.partition(" failed attempt")[0]) for check in receivers.checks()]


def test_each_server_has_its_check_with_its_address() -> None:
    receivers = PushReceivers((COLLECTOR, OTHER))
    record = receivers.open_record(COLLECTOR)
    for _ in range(3):
        record.note_delivery()
    assert [check.subject for check in receivers.checks()] == [f"events to {COLLECTOR}", f"events to {OTHER}"]
    assert findings(receivers) == [
        (True, "1 subscription, 3 messages delivered"), (True, "0 subscriptions, 0 messages delivered"),
    ]  # fmt: skip


def test_a_failing_server_is_a_finding_until_it_accepts_messages() -> None:
    receivers = PushReceivers()
    record = receivers.open_record(COLLECTOR)
    record.note_failure(UNTRUSTED, 1.0)
    (check,) = receivers.checks()
    assert (check.ok, UNTRUSTED in check.finding, "push_ca" in check.advice) == (False, True, True)
    record.note_delivery()
    assert findings(receivers) == [(None, "1 subscription, 1 message delivered, 1")]


def test_another_subscription_does_not_hide_one_that_fails() -> None:
    receivers = PushReceivers()
    failing, other = receivers.open_record(COLLECTOR), receivers.open_record(COLLECTOR)
    failing.note_failure("answered 404 Not Found", 1.0)
    other.note_delivery()
    (status,) = receivers.statuses()
    assert (status.open, status.failing, status.failure) == (2, 1, "answered 404 Not Found")


def test_a_subscription_that_ended_by_failures_stays_a_finding() -> None:
    receivers = PushReceivers()
    record = receivers.open_record(COLLECTOR)
    record.note_failure(UNTRUSTED, None)
    record.close()
    (check,) = receivers.checks()
    assert not check.ok
    assert "subscribe again" in check.advice
    receivers.open_record(COLLECTOR).note_delivery()
    (status,) = receivers.statuses()
    assert (status.ended, status.failure) == (1, "")
    (check,) = receivers.checks()
    assert check.finding.endswith(", 1 failed attempt, 1 subscription ended while messages failed")


def test_the_same_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record = PushReceivers().open_record(COLLECTOR)
    for reason in (UNTRUSTED, UNTRUSTED, "answered 503"):
        record.note_failure(reason, 5.0)
    record.note_delivery()
    assert [logged.getMessage() for logged in caplog.records] == [
        f"events to {COLLECTOR}: {UNTRUSTED}; trying again after 5 s",
        f"events to {COLLECTOR}: answered 503; trying again after 5 s",
        f"delivery of events to {COLLECTOR} works again",
    ]
