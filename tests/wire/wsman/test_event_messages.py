"""Tests of wire/wsman/event_messages.py: messages to subscribers, and what their answers mean."""

from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.event_messages import (
    EventSink,
    Message,
    is_ack,
    is_refusal,
    subscription_end,
    write_message,
)
from logonscope.wire.wsman.names import ADDRESSING, EVENTING, SOAP, WSMAN
from logonscope.wire.xml import clark_name
from tests.server.subscriber import Received, acknowledge, refuse

SINK = EventSink("http://collector/?a=1&b=2", '<x:Token xmlns:x="urn:x">7</x:Token>')


def test_a_message_is_addressed_and_has_what_the_subscriber_wants_back() -> None:
    root = etree.fromstring(write_message(SINK, Message(names.EVENT, "<w:x/>", needs_ack=True), "uuid:1"))
    header = root.find(clark_name(SOAP, "Header"))
    assert header is not None
    assert header.findtext(clark_name(ADDRESSING, "To")) == SINK.address
    assert header.findtext("{urn:x}Token") == "7"
    assert header.find(clark_name(WSMAN, "AckRequested")) is not None
    assert header.findtext(f".//{clark_name(ADDRESSING, 'Address')}") == names.ANONYMOUS
    assert root.find(f"{clark_name(SOAP, 'Body')}/{clark_name(WSMAN, 'x')}") is not None


def test_the_end_of_a_subscription_says_why() -> None:
    root = etree.fromstring(write_message(SINK, subscription_end("uuid:7", "DeliveryFailure", "<no> answer"), "uuid:1"))
    assert root.findtext(f".//{clark_name(EVENTING, 'Identifier')}") == "uuid:7"
    assert root.findtext(f".//{clark_name(EVENTING, 'Status')}") == f"{EVENTING}/DeliveryFailure"
    assert root.findtext(f".//{clark_name(EVENTING, 'Reason')}") == "<no> answer"


def test_only_the_acknowledgement_of_the_message_is_one() -> None:
    message = Received("/", write_message(SINK, Message(names.EVENT, "", needs_ack=True), "uuid:1"))
    data = acknowledge(message)[1].encode()
    assert is_ack(data, "uuid:1")
    for wrong in (data.replace(b"uuid:1", b"uuid:2"), data.replace(b"/Ack", b"/Event"), b"", b"<x/>", b"\xff"):
        assert not is_ack(wrong, "uuid:1")


def test_only_the_fault_for_it_is_a_refusal() -> None:
    message = Received("/", write_message(SINK, Message(names.EVENT, ""), "uuid:1"))
    refusal = refuse(message)[1].encode()
    assert is_refusal(refusal)
    for other in (acknowledge(message)[1].encode(), b"", refusal.replace(b"Refused", b"x")):
        assert not is_refusal(other)
