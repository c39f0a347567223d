"""Tests of server/push_tasks.py: deliveries of a running server to a real subscriber."""

from collections.abc import Iterator

import pytest

from logonscope.wire.wsman import names
from tests.broker.ringed import Ringed
from tests.clients.test_events import curl
from tests.providers.asked import SNAPSHOT
from tests.server.eventing import LOGONS, LOGONSCOPE, about, pull_request
from tests.server.running import ADMIN, ALICE, RunningServer, running
from tests.server.serving import wait_until
from tests.server.soap import envelope
from tests.server.subscriber import Answer, Received, Subscriber, acknowledge, refuse, subscriber


@pytest.fixture
def collector() -> Iterator[Subscriber]:
    with subscriber() as found:
        yield found


def subscribe(server: RunningServer, url: str, user: tuple[str, str] = ADMIN) -> str:
    """Subscribe, and return the id of the subscription, or the subcode of the fault."""
    sink = f"<a:Address>{url}</a:Address>"
    delivery = f'<e:Delivery Mode="{names.PUSH_WITH_ACK_MODE}"><e:NotifyTo>{sink}</e:NotifyTo></e:Delivery>'
    filter_element = f'<w:Filter Dialect="{names.WQL}">{LOGONS}</w:Filter>'
    body = f"<e:Subscribe><e:EndTo>{sink}</e:EndTo>{delivery}{filter_element}</e:Subscribe>"
    root = curl(server, envelope(names.SUBSCRIBE, LOGONSCOPE, body), user)
    identifier = root.findtext(f".//{{{names.EVENTING}}}Identifier")
    return identifier or root.findtext(f".//{{{names.SOAP}}}Subcode/{{{names.SOAP}}}Value") or ""


def test_events_are_sent_until_the_subscription_ends(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host, push_to=collector.origin) as server:
        identifier = subscribe(server, f"{collector.origin}/events")
        host.publish(3)
        wait_until(lambda: len(collector.messages) == 3)
        assert [message.logon_id for message in collector.messages] == ["1", "2", "3"]
        # it is not there to be pulled
        answer = curl(server, pull_request(identifier, 9, 1))
        assert "n:InvalidEnumerationContext" in [value.text for value in answer.iter(f"{{{names.SOAP}}}Value")]
        curl(server, about("Unsubscribe", identifier))
        assert host.ring.reader_count == 0
        host.publish(1)
        assert len(collector.messages) == 3


def refuse_events(message: Received) -> Answer:
    return refuse(message) if message.action == "Event" else acknowledge(message)


def test_a_subscriber_that_refuses_gets_the_end(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    collector.answer = refuse_events
    with running(host, push_to=collector.origin) as server:
        subscribe(server, collector.origin)
        host.publish(1)
        wait_until(lambda: collector.actions == ["Event", "SubscriptionEnd"])
        wait_until(lambda: host.ring.reader_count == 0)


def test_events_are_sent_to_no_other_address_and_for_no_other_user(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host) as server:
        assert subscribe(server, collector.origin) == "w:AccessDenied"
    with running(host, push_to=collector.origin) as server:
        assert subscribe(server, collector.origin.replace("127.0.0.1", "127.0.0.2")) == "w:AccessDenied"
        assert subscribe(server, "file:///etc/passwd") == "w:InvalidParameter"
        assert subscribe(server, collector.origin, ALICE) == "w:AccessDenied"
        assert (host.ring.reader_count, len(server.services.dispatcher.enumerations)) == (0, 0)
    assert collector.messages == []
