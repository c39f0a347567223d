"""Tests of dispatch/subscriptions.py: results wait in memory only as far as they must, and each is delivered once."""

import pytest

from logonscope.broker import Caller
from logonscope.broker.subscription import WatchOptions, subscribe
from logonscope.cim.instances import Instance
from logonscope.dispatch.subscriptions import READ_EVENTS, OpenSubscription, open_subscription
from logonscope.dispatch.watches import Watches
from logonscope.errors import InvalidParameterError, TransportFailureError
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

LOGONS = "SELECT LogonId FROM LS_LogonEvent"
LOGONSCOPE = "root/logonscope"


def opened(host: Ringed, caller: Caller = ROOT) -> OpenSubscription:
    subscription = subscribe(host.request(caller), WatchOptions(LOGONS, LOGONSCOPE))
    return OpenSubscription(Watches(), subscription, 60.0, None)


def test_only_a_query_for_events_opens_a_subscription() -> None:
    host = Ringed(SNAPSHOT)
    new = open_subscription(host.request(ROOT), LOGONS, LOGONSCOPE, seconds=5.0, heartbeat_seconds=2.0)
    assert (new.seconds, new.heartbeat_seconds, host.ring.reader_count) == (5.0, 2.0, 1)
    with pytest.raises(InvalidParameterError, match="cannot watch a data query"):
        open_subscription(host.request(ROOT), "SELECT * FROM Win32_Process")
    assert host.ring.reader_count == 1


def test_no_more_is_read_than_an_answer_needs() -> None:
    host = Ringed(SNAPSHOT)
    context = opened(host)
    assert not context.read()
    host.publish(500)
    assert context.read()
    assert len(context.pending) == READ_EVENTS
    context.read(100)
    assert 100 <= len(context.pending) < 100 + READ_EVENTS


def test_results_stay_until_they_are_sent_and_the_bookmark_follows_them() -> None:
    host = Ringed(SNAPSHOT)
    context = opened(host)
    host.publish(3)
    context.read()
    cursors = [result.cursor for result in context.pending]
    context.remove_sent(0)
    assert (context.bookmark, len(context.pending)) == ("", 3)
    context.remove_sent(2)
    assert (context.bookmark, len(context.pending)) == (cursors[1], 1)
    context.remove_sent(1)
    assert (context.bookmark, len(context.pending)) == (cursors[2], 0)


def test_a_bookmark_between_two_results_of_one_event_is_before_that_event() -> None:
    host = Ringed(SNAPSHOT)
    context = opened(host)
    host.publish(2)
    context.read()
    first, second = context.pending
    context._pending = [first, second, second._replace()]  # noqa: SLF001 -- no query here has two results of an event
    context.remove_sent(2)
    assert context.bookmark == first.cursor
    context.remove_sent(1)
    assert context.bookmark == second.cursor


def test_hidden_events_are_passed_over_at_once() -> None:
    host = Ringed(SNAPSHOT)
    context = opened(host, user(1000))
    host.publish(900, uid=1001)
    host.publish(1, uid=1000)
    assert context.read()
    (found,) = [result.result for result in context.pending]
    assert isinstance(found, Instance)
    assert found["LogonId"] == "901"


def test_what_was_read_before_a_failure_is_delivered_first() -> None:
    host = Ringed(SNAPSHOT)
    context = opened(host)
    host.publish(READ_EVENTS + 1)
    context.read()

    def fail(*_: object) -> None:
        raise TransportFailureError("the feed has failed", "watch again")

    context.subscription.read = fail  # type: ignore[assignment,method-assign]  # a failure at this moment
    assert context.read(100)
    context.remove_sent(READ_EVENTS)
    with pytest.raises(TransportFailureError):
        context.read()
