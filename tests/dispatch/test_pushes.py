"""Tests of dispatch/pushes.py: events are sent where they may be, in order, again after failures, and then no more."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from logonscope.broker.subscription import WatchOptions, WatchResult, subscribe
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits
from logonscope.dispatch.push_receivers import PushReceivers
from logonscope.dispatch.pushes import Batch, Ending, EventPush, PushError, PushPolicy, PushTimes, origin_of
from logonscope.dispatch.subscriptions import OpenSubscription
from logonscope.dispatch.watches import Watches, WatchKind
from logonscope.errors import AccessDeniedError, InvalidParameterError
from tests.broker.ringed import Ringed
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

AT_ONCE = PushTimes((0.0, 0.0), 0.0)
KIND = WatchKind("wsman", "Push")
COLLECTOR = "https://collector.example.com:8443"


def test_events_are_sent_only_to_listed_servers_and_for_administrators() -> None:
    policy = PushPolicy((COLLECTOR, "http://192.0.2.7"))
    policy.check(ROOT, (f"{COLLECTOR}/events", "HTTP://192.0.2.7:80/", "https://COLLECTOR.example.com:8443"))
    for url in (
        "http://collector.example.com:8443", "https://collector.example.com", "https://collector.example.com.evil:8443",
        "http://192.0.2.70", "http://169.254.169.254/", "http://127.0.0.1/", "http://192.0.2.7:8080",
    ):  # fmt: skip
        with pytest.raises(AccessDeniedError, match="events may not be sent to"):
            policy.check(ROOT, (COLLECTOR, url))
    for caller in (user(1000), ROOT._replace(read_only=True)):
        with pytest.raises(AccessDeniedError):
            policy.check(caller, (COLLECTOR,))
    with pytest.raises(AccessDeniedError):
        PushPolicy().check(ROOT, (COLLECTOR,))


@pytest.mark.parametrize(
    "url",
    [
        "", "collector", "//collector/", "ftp://collector/", "file:///etc/passwd", "https://", "https://a@collector/",
        "https://collector:x/", "https://collector:99999/", "https://col lector/", "https://collector/\r\nHost: x",
        "https://collector\\@evil/", "https://[::1/", "https://c\u00f6llector/", "https://collector/" + "x" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_plain_url_is_rejected(url: str) -> None:
    with pytest.raises(InvalidParameterError, match="invalid address"):
        origin_of(url)


class Channel:
    """A channel that fails as often as a test says."""

    receiver, end_receiver = COLLECTOR, None

    def __init__(self, failures: int = 0, *, is_final: bool = False, batch: Batch = Batch()) -> None:  # noqa: B008 -- a tuple
        self.failures, self.is_final = failures, is_final
        self.sent, self.messages, self.batch = list[str](), list[int](), batch
        self.is_closed = self.is_interrupted = False
        self.on_send: Callable[[], object] = bool

    def send(self, results: Sequence[WatchResult]) -> int:
        self.on_send()
        if self.failures:
            self.failures -= 1
            raise PushError("no answer", is_final=self.is_final)
        # one fits less than there may be in a message
        fitting = results[: max(1, self.batch.max_events - 1)]
        self.sent += [result.cursor for result in fitting]
        self.messages.append(len(fitting))
        return len(fitting)

    def send_heartbeat(self) -> None:
        self.sent.append("heartbeat")

    def send_end(self, ending: Ending, seconds: float) -> None:
        raise NotImplementedError  # a delivery never sends it: EndNotices does

    def interrupt(self) -> None:
        self.is_interrupted = True

    def close(self) -> None:
        self.is_closed = True


class Delivery:
    """A host, and the delivery of its events to a channel."""

    def __init__(self, channel: Channel, heartbeat: float | None = None, times: PushTimes = PushTimes()) -> None:  # noqa: B008 -- a tuple
        self.host, self.channel = Ringed(SNAPSHOT), channel
        self.enumerations, watches = Enumerations(5, 5, 60.0), Watches()
        options = WatchOptions("SELECT * FROM LS_LogonEvent", "root/logonscope")
        subscription = subscribe(self.host.request(ROOT), options)
        self.context = OpenSubscription(watches, subscription, 60.0, heartbeat)
        self.enumerations.add(self.context)
        watches.add(subscription, KIND)
        self.push = EventPush((self.enumerations, watches), self.context, channel, Limits(), times)
        self.push.is_allowed = lambda: True


def test_each_event_is_sent_once_and_in_order() -> None:
    delivery = Delivery(channel := Channel())
    assert not delivery.push.step()
    delivery.host.publish(40)
    assert not delivery.push.step()
    assert len(channel.sent) == len(set(channel.sent)) == 40
    assert delivery.context.bookmark == channel.sent[-1]


def test_an_event_is_sent_again_after_a_failure() -> None:
    delivery = Delivery(channel := Channel(failures=2), times=AT_ONCE)
    delivery.host.publish(2)
    for sent in (0, 0, 2):
        assert not delivery.push.step()
        assert len(channel.sent) == sent


def test_between_two_attempts_nothing_is_sent() -> None:
    delivery = Delivery(channel := Channel(failures=1))
    delivery.host.publish(2)
    assert not delivery.push.step()
    assert 0 < delivery.push.wait_seconds <= PushTimes().retry_pauses[0]
    assert not delivery.push.step()
    assert (channel.failures, channel.sent) == (0, [])


def test_the_subscription_ends_after_failures_and_after_a_refusal() -> None:
    for channel, steps in ((Channel(failures=9), 3), (Channel(failures=1, is_final=True), 1)):
        delivery = Delivery(channel, times=AT_ONCE)
        delivery.host.publish(1)
        assert [delivery.push.step() for _ in range(steps)] == [*[False] * (steps - 1), True]
        assert delivery.push.ending == ("DeliveryFailure", "no answer")
        assert (channel.sent, channel.is_closed) == ([], True)
        assert (len(delivery.enumerations), delivery.host.ring.reader_count) == (0, 0)


def test_it_ends_with_its_subscription_its_credentials_and_its_host() -> None:
    for end, status in (("release", None), ("credentials", "SourceCancelling"), ("host", "SourceCancelling")):
        delivery = Delivery(channel := Channel())
        if end == "release":
            delivery.enumerations.release(delivery.context.id, ROOT)
        elif end == "credentials":
            delivery.push.is_allowed = lambda: False
        else:
            delivery.host.ring.close()
        assert delivery.push.step()
        ending = delivery.push.ending
        assert (ending.status if ending else None, channel.is_closed) == (status, True)


def test_events_that_were_read_are_sent_although_the_host_has_ended() -> None:
    delivery = Delivery(channel := Channel(failures=1), times=AT_ONCE)
    delivery.host.publish(3)
    assert not delivery.push.step()
    delivery.host.ring.close()
    assert delivery.push.step()
    assert (len(channel.sent), delivery.push.ending) == (
        3, ("SourceCancelling", "the host has ended the subscription"),
    )  # fmt: skip


def test_nothing_is_sent_after_the_end() -> None:
    for end in ("release", "stop"):
        delivery = Delivery(channel := Channel())
        delivery.host.publish(9)
        release = partial(delivery.enumerations.release, delivery.context.id, ROOT)
        channel.on_send = release if end == "release" else delivery.push.shut_down
        assert delivery.push.step()
        # the message during which it ended
        assert (len(channel.sent), channel.is_closed) == (1, True)


def test_a_stop_of_the_server_has_one_ending_although_a_delivery_fails_meanwhile() -> None:
    delivery = Delivery(channel := Channel(failures=1, is_final=True))
    delivery.host.publish(1)
    channel.on_send = delivery.push.shut_down
    assert delivery.push.step()
    assert delivery.push.ending == ("SourceShuttingDown", "the service stops")
    assert channel.is_interrupted
    # what has ended already gets no further reason
    delivery = Delivery(Channel())
    delivery.enumerations.release(delivery.context.id, ROOT)
    delivery.push.shut_down()
    assert delivery.push.ending is None


def test_while_it_waits_for_another_attempt_it_notices_its_end() -> None:
    delivery = Delivery(channel := Channel(failures=1))
    delivery.host.publish(1)
    assert not delivery.push.step()
    delivery.enumerations.release(delivery.context.id, ROOT)
    assert delivery.push.step()
    assert channel.is_closed


def test_heartbeats_come_when_nothing_else_was_sent() -> None:
    delivery = Delivery(channel := Channel(), heartbeat=0.001)
    assert not delivery.push.step()
    # no client may ask for more of them
    assert channel.sent == []
    assert 0 < delivery.push.wait_seconds <= PushTimes().min_heartbeat
    delivery = Delivery(channel, heartbeat=0.0, times=AT_ONCE)
    assert not delivery.push.step()
    assert channel.sent == ["heartbeat"]


def test_one_that_hangs_is_ended() -> None:
    delivery = Delivery(channel := Channel())
    delivery.push.abort("it hangs")
    assert (len(delivery.enumerations), channel.is_interrupted) == (0, True)
    assert delivery.push.ending == ("DeliveryFailure", "it hangs")


def test_what_became_of_messages_is_recorded() -> None:
    delivery = Delivery(channel := Channel(failures=2), times=AT_ONCE)
    receivers = PushReceivers()
    delivery.push.record = receivers.open_record(COLLECTOR)
    delivery.host.publish(3)
    for _ in range(3):
        assert not delivery.push.step()
    (status,) = receivers.statuses()
    assert (status.delivered, status.failures, status.failure) == (3, 2, "")
    # what the stop of the server interrupts has not failed
    channel.failures, channel.on_send = 1, delivery.push.shut_down
    delivery.host.publish(1)
    assert delivery.push.step()
    assert receivers.statuses() == [status]


def test_a_batch_is_sent_when_it_is_full_or_its_first_event_has_waited() -> None:
    delivery = Delivery(channel := Channel(batch=Batch(4, 60.0)))
    delivery.host.publish(3)
    assert not delivery.push.step()
    assert channel.messages == []
    # for MaxTime, but not longer than until the next check
    assert 0 < delivery.push.wait_seconds <= 15
    delivery.host.publish(7)
    assert not delivery.push.step()
    # three fit into a message of this channel; of the ten events, too few for another one are left
    assert channel.messages == [3, 3, 3]
    assert len(set(channel.sent)) == 9
    delivery = Delivery(channel := Channel(failures=1, batch=Batch(4, 0.0)), times=AT_ONCE)
    delivery.host.publish(1)
    for _ in range(2):
        assert not delivery.push.step()
    assert channel.messages == [1]


def test_the_end_of_the_host_does_not_wait_for_a_full_batch() -> None:
    delivery = Delivery(channel := Channel(batch=Batch(9, 60.0)))
    delivery.host.publish(2)
    assert not delivery.push.step()
    delivery.host.ring.close()
    assert delivery.push.step()
    assert (channel.messages, delivery.push.ending is not None) == ([2], True)
