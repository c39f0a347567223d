"""Tests of server/push_tasks.py: deliveries of a running server to a real subscriber."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from logonscope.server.auth.user_file import UserFile
from logonscope.server.push_channel import POST_SECONDS
from logonscope.wire.wsman import names
from logonscope.wire.xml import clark_name
from tests.broker.ringed import Ringed
from tests.clients.test_events import curl, waiting_pulls
from tests.providers.asked import SNAPSHOT
from tests.server.eventing import LOGONS, LOGONSCOPE, about, pull_request, subscription
from tests.server.running import ADMIN, ALICE, RunningServer, running
from tests.server.serving import wait_until
from tests.server.soap import envelope
from tests.server.subscriber import Answer, Received, Subscriber, acknowledge, refuse, subscriber


@pytest.fixture
def collector() -> Iterator[Subscriber]:
    with subscriber() as found:
        yield found


def subscribe(server: RunningServer, url: str, user: tuple[str, str] = ADMIN, end_url: str = "") -> str:
    """Subscribe, and return the id of the subscription, or the subcode of the fault."""
    sink, end_sink = (f"<a:Address>{address}</a:Address>" for address in (url, end_url or url))
    delivery = f'<e:Delivery Mode="{names.PUSH_WITH_ACK_MODE}"><e:NotifyTo>{sink}</e:NotifyTo></e:Delivery>'
    filter_element = f'<w:Filter Dialect="{names.WQL}">{LOGONS}</w:Filter>'
    body = f"<e:Subscribe><e:EndTo>{end_sink}</e:EndTo>{delivery}{filter_element}</e:Subscribe>"
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
        identifier = subscribe(server, collector.origin)
        host.publish(1)
        wait_until(lambda: collector.actions == ["Event", "SubscriptionEnd"])
        assert end_of(collector) == (identifier, "DeliveryFailure", f"{collector.origin} refuses events")
        wait_until(lambda: host.ring.reader_count == 0)


def test_receivers_that_do_not_answer_do_not_delay_others_of_the_same_user(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running(host, push_to=f"{origin},{collector.origin}") as server:
            for _ in range(6):
                subscribe(server, origin, end_url=collector.origin)
            subscribe(server, collector.origin)
            host.publish(1)
            # long before the others have their threads back
            wait_until(lambda: collector.actions == ["Event"])
        assert collector.actions == ["Event"] + ["SubscriptionEnd"] * 7


def test_subscriptions_that_come_and_go_leave_nothing(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host, push_to=collector.origin, contexts_per_caller="9", contexts="9") as server:
        for _ in range(3):
            subscribed = [subscribe(server, collector.origin) for _ in range(11)]
            assert subscribed[9:] == ["w:QuotaLimit"] * 2
            for identifier in subscribed[:9]:
                curl(server, about("Unsubscribe", identifier))
        pushes = server.services.pushes
        assert pushes is not None
        wait_until(lambda: repr(pushes) == "<PushTasks: 0 deliveries>")
        (status,) = pushes.receivers.statuses()
        assert (status.open, status.failures, host.ring.reader_count) == (0, 0, 0)


def test_the_end_is_sent_to_no_other_address(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host, push_to=collector.origin) as server:
        elsewhere = "http://169.254.169.254/latest/meta-data"
        assert subscribe(server, collector.origin, end_url=elsewhere) == "w:AccessDenied"
        assert subscribe(server, collector.origin, end_url="ftp://collector/") == "w:InvalidParameter"
        assert (host.ring.reader_count, len(server.services.dispatcher.enumerations)) == (0, 0)


def end_of(collector: Subscriber) -> tuple[str | None, ...]:
    """Return the subscription, the status and the reason of the newest message, a SubscriptionEnd."""
    (end,) = collector.messages[-1].body
    manager = end.find(clark_name(names.EVENTING, "SubscriptionManager"))
    assert manager is not None
    identifier = manager.findtext(f"{clark_name(names.ADDRESSING, 'ReferenceParameters')}/*")
    status = end.findtext(clark_name(names.EVENTING, "Status")) or ""
    assert status.startswith(f"{names.EVENTING}/")
    return identifier, status.rpartition("/")[2], end.findtext(clark_name(names.EVENTING, "Reason"))


def test_a_subscriber_gets_the_end_when_the_service_stops(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host, push_to=collector.origin) as server:
        identifiers = [subscribe(server, collector.origin) for _ in range(3)]
        host.publish(1)
        wait_until(lambda: len(collector.messages) == 3)
    assert collector.actions == ["Event"] * 3 + ["SubscriptionEnd"] * 3
    assert end_of(collector) == (identifiers[-1], "SourceShuttingDown", "the service stops")


def test_a_receiver_that_does_not_answer_does_not_delay_the_stop(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running(host, push_to=f"{origin},{collector.origin}") as server:
            identifier = subscribe(server, origin, end_url=collector.origin)
            host.publish(1)
            # the delivery waits for an answer, which it would do for 10 seconds
            accepted, _ = silent.accept()
            assert accepted.recv(100)
            begin = time.monotonic()
        with accepted:
            assert time.monotonic() - begin < POST_SECONDS
        assert end_of(collector) == (identifier, "SourceShuttingDown", "the service stops")


def test_a_subscriber_gets_the_end_when_its_user_is_removed_or_the_source_ends(collector: Subscriber) -> None:
    host = Ringed(SNAPSHOT)
    with running(host, push_to=collector.origin) as server:
        identifier = subscribe(server, collector.origin)
        UserFile(server.folder / "users").remove(ADMIN[0])
        host.publish(1)
        wait_until(lambda: collector.actions == ["SubscriptionEnd"])
        assert end_of(collector) == (identifier, "SourceCancelling", "the credentials are not valid any more")
    with running(host, push_to=collector.origin) as server:
        identifier = subscribe(server, collector.origin)
        host.ring.close()
        wait_until(lambda: len(collector.messages) == 2)
        assert end_of(collector) == (identifier, "SourceCancelling", "the host has ended the subscription")


def test_a_pull_that_waits_gets_a_fault_when_the_service_stops() -> None:
    host = Ringed(SNAPSHOT)
    with ThreadPoolExecutor(1) as threads:
        with running(host) as server:
            subscribed = curl(server, subscription(LOGONS))
            context = subscribed.findtext(f".//{{{names.ENUMERATION}}}EnumerationContext") or ""
            pull = threads.submit(curl, server, pull_request(context, 9, 60))
            wait_until(lambda: waiting_pulls(server) == 1)
        answer = pull.result(30)
    values = [value.text for value in answer.iter(f"{{{names.SOAP}}}Value")]
    assert "n:InvalidEnumerationContext" in values
    assert "the service stops" in (answer.findtext(f".//{{{names.SOAP}}}Text") or "")


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
