"""Tests of server/push_channel.py: messages to a real subscriber, and what its answers mean."""

from collections.abc import Callable

import pytest

from logonscope.broker.subscription import WatchOptions, WatchResult, subscribe
from logonscope.dispatch.pushes import Ending, PushError
from logonscope.server.push_channel import WsmanPushChannel
from logonscope.wire.wsman import names
from logonscope.wire.wsman.event_messages import EventSink
from logonscope.wire.wsman.render_events import EventRenderer
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.subscription_requests import Subscribe
from tests.broker.ringed import Ringed
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT
from tests.server.subscriber import Answer, Received, Subscriber, accept, acknowledge, refuse, subscriber

LOGONSCOPE = Resource("root/logonscope", "*")
FAILURE = Ending("DeliveryFailure", "no answer")


def results(published: int) -> list[WatchResult]:
    """Return results of a query for logins, of a host that keeps one event."""
    host = Ringed(SNAPSHOT, most=1)
    options = WatchOptions("SELECT LogonId FROM LS_LogonEvent", "root/logonscope")
    subscription = subscribe(host.request(ROOT), options)
    host.publish(published)
    return subscription.read(0)


def channel(server: Subscriber, mode: str = names.PUSH_MODE) -> WsmanPushChannel:
    sink, end = EventSink(f"{server.origin}/events?a=1", '<x:T xmlns:x="urn:x">7</x:T>'), EventSink(server.origin)
    message = Subscribe(LOGONSCOPE, "", sends_bookmarks=True, mode=mode, notify_to=sink, end_to=end)
    return WsmanPushChannel("uuid:7", message, EventRenderer(LOGONSCOPE))


@pytest.mark.parametrize("mode", [names.PUSH_MODE, names.PUSH_WITH_ACK_MODE])
def test_events_heartbeats_and_the_end_are_messages(mode: str) -> None:
    with subscriber() as server:
        delivery = channel(server, mode)
        (first,) = results(1)
        assert delivery.send([first]) == 1
        delivery.send(results(5)[:1])
        delivery.send_heartbeat()
        assert delivery.end_receiver == delivery.receiver == server.origin
        delivery.send_end(FAILURE, 5)
        delivery.close()
        assert server.actions == ["Event", "DroppedEvents", "Heartbeat", "SubscriptionEnd"]
        event, lost, heartbeat, end = server.messages
        assert (event.path, event.logon_id, event.header("urn:x", "T")) == ("/events?a=1", "1", "7")
        assert event.header(names.WSMAN, "Bookmark") == first.cursor
        assert (event.header(names.WSMAN, "AckRequested") is not None) is (mode == names.PUSH_WITH_ACK_MODE)
        assert (lost.body[0].text, heartbeat.body, end.path) == ("4", [], "/")


def broken(_: Received) -> Answer:
    return 200, "<x/>"


def busy(_: Received) -> Answer:
    return 503, ""


@pytest.mark.parametrize(
    ("answer", "mode", "reason", "is_final"),
    [
        (accept, names.PUSH_WITH_ACK_MODE, "did not acknowledge", False),
        (broken, names.PUSH_WITH_ACK_MODE, "did not acknowledge", False),
        (busy, names.PUSH_MODE, "answered 503", False),
        (refuse, names.PUSH_MODE, "refuses events", True),
    ],
)
def test_what_is_no_delivery_is_an_error(
    answer: Callable[[Received], Answer], mode: str, reason: str, is_final: bool
) -> None:
    with subscriber(answer) as server:
        delivery = channel(server, mode)
        with pytest.raises(PushError, match=reason) as failed:
            delivery.send(results(1))
        assert failed.value.is_final is is_final
        delivery.close()


def test_without_a_server_there_is_an_error() -> None:
    with subscriber(acknowledge) as server:
        delivery = channel(server)
    with pytest.raises(PushError, match="cannot post to"):
        delivery.send(results(1))
    with pytest.raises(PushError, match="cannot post to"):
        delivery.send_end(FAILURE, 5)
    delivery.close()


def test_without_an_address_for_it_the_end_is_not_sent() -> None:
    message = Subscribe(LOGONSCOPE, "", mode=names.PUSH_MODE, notify_to=EventSink("https://collector.example.com/a"))
    delivery = WsmanPushChannel("uuid:7", message, EventRenderer(LOGONSCOPE))
    assert (delivery.receiver, delivery.end_receiver) == ("https://collector.example.com:443", None)
    delivery.send_end(FAILURE, 5)


def test_a_batch_has_several_events_with_their_actions_and_is_acknowledged() -> None:
    host = Ringed(SNAPSHOT, most=3)
    options = WatchOptions("SELECT LogonId FROM LS_LogonEvent", "root/logonscope")
    subscription = subscribe(host.request(ROOT), options)
    host.publish(5)
    read = subscription.read(0)
    with subscriber() as server:
        delivery = channel(server, names.EVENTS_MODE)
        assert delivery.batch == (64, 0.0)
        assert delivery.send(read) == 4
        delivery.send_heartbeat()
        delivery.close()
        batch, heartbeat = server.messages
    assert server.actions == ["Events", "Heartbeat"]
    (events,) = batch.body
    assert [event.get("Action") for event in events] == [names.DROPPED_EVENTS, *[names.EVENT] * 3]
    assert [event.findtext("*/LogonId") for event in events] == [None, "3", "4", "5"]
    assert batch.header(names.WSMAN, "Bookmark") == read[-1].cursor
    assert batch.header(names.WSMAN, "AckRequested") is not None
    assert [len(element) for element in heartbeat.body] == [0]


def test_a_batch_is_not_larger_than_clients_take() -> None:
    host = Ringed(SNAPSHOT)
    subscription = subscribe(host.request(ROOT), WatchOptions("SELECT * FROM LS_LogonEvent", "root/logonscope"))
    host.publish(3, remote_host="h" * 40_000)
    read = subscription.read(0)
    with subscriber() as server:
        delivery = channel(server, names.EVENTS_MODE)
        assert [delivery.send(read), delivery.send(read[2:])] == [2, 1]
        delivery.close()
