"""Messages that a host sends to a subscriber, such as events, and checks of the subscriber's responses (DSP0226 10)."""

from collections.abc import Sequence
from typing import NamedTuple

from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import parse_envelope
from logonscope.wire.wsman.faults import FaultError
from logonscope.wire.xml import clark_name, escape, text_of


class EventSink(NamedTuple):
    """An address of a subscriber, and the header blocks, as XML, that each message to this address has."""

    address: str
    parameters: str = ""


class Message(NamedTuple):
    """A message: its action, its body, further header blocks, and whether it must be acknowledged."""

    action: str
    body: str
    headers: str = ""
    needs_ack: bool = False


def write_message(sink: EventSink, message: Message, message_id: str) -> bytes:
    """Return the envelope of a message to a subscriber."""
    # the anonymous ReplyTo: the subscriber sends the acknowledgement as the HTTP response
    reply_to = f"<a:ReplyTo><a:Address>{names.ANONYMOUS}</a:Address></a:ReplyTo>"
    ack = f"{reply_to}<w:AckRequested/>" if message.needs_ack else ""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{names.SOAP}" xmlns:a="{names.ADDRESSING}" xmlns:w="{names.WSMAN}" '
        f'xmlns:e="{names.EVENTING}"><s:Header><a:To>{escape(sink.address)}</a:To>'
        f'<a:Action s:mustUnderstand="true">{message.action}</a:Action><a:MessageID>{message_id}</a:MessageID>{ack}'
        f"{message.headers}{sink.parameters}</s:Header><s:Body>{message.body}</s:Body></s:Envelope>"
    ).encode()


def event_batch(events: Sequence[tuple[str, str]], headers: str = "") -> Message:
    """Return one message with several events; each event is an action and a body (DSP0226 10.2.9.5)."""
    elements = "".join(f'<w:Event Action="{action}">{body}</w:Event>' for action, body in events)
    return Message(names.EVENTS_MODE, f"<w:Events>{elements}</w:Events>", headers, needs_ack=True)


def subscription_end(identifier: str, status: str, reason: str) -> Message:
    """Return a SubscriptionEnd message; ``status`` is the last part of the URI in e:Status (WS-Eventing 3.5)."""
    manager = (
        f"<a:Address>{names.ANONYMOUS}</a:Address><a:ReferenceParameters><e:Identifier>{identifier}</e:Identifier>"
        "</a:ReferenceParameters>"
    )
    body = (
        f"<e:SubscriptionEnd><e:SubscriptionManager>{manager}</e:SubscriptionManager>"
        f'<e:Status>{names.EVENTING}/{status}</e:Status><e:Reason xml:lang="en-US">{escape(reason)}</e:Reason>'
        "</e:SubscriptionEnd>"
    )
    return Message(names.SUBSCRIPTION_END, body)


def is_refusal(data: bytes) -> bool:
    """Return whether a response is the fault by which a subscriber ends the delivery (DSP0226 10.8)."""
    try:
        body = parse_envelope(data).body
    except FaultError:
        return False
    values = () if body is None else body.iter(clark_name(names.SOAP, "Value"))
    return any(text_of(value).rpartition(":")[2] == "DeliveryRefused" for value in values)


def is_ack(data: bytes, message_id: str) -> bool:
    """Return whether a response acknowledges a message (DSP0226 10.7)."""
    try:
        envelope = parse_envelope(data)
    except FaultError:
        return False
    return envelope.action == names.ACK and envelope.text(names.ADDRESSING, "RelatesTo") == message_id
