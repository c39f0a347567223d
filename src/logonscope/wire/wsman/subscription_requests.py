"""Requests of WS-Eventing as WS-Management has them (DSP0226 10, MS-WSMV 3.1.4.6): parsing of their messages."""

import xml.etree.ElementTree as ET
from typing import NamedTuple

from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import Envelope, check_body, parse_duration, parse_expires, parse_number
from logonscope.wire.wsman.event_messages import EventSink
from logonscope.wire.wsman.faults import (
    DELIVERY_MODE_UNAVAILABLE,
    EVENT_FILTER_INVALID,
    EVENT_FILTER_UNAVAILABLE,
    INVALID_BOOKMARK,
    INVALID_MESSAGE,
    INVALID_SUBSCRIPTION_EXPIRATION,
    UNSUPPORTED,
    UNSUPPORTED_SUBSCRIPTION_EXPIRATION,
    FaultError,
)
from logonscope.wire.wsman.names import ADDRESSING, EVENTING, WSMAN
from logonscope.wire.wsman.resource import ALL, Resource, Selectors, parse_resource
from logonscope.wire.xml import Element, clark_name, find_child, namespace_of, text_of

MAX_BOOKMARK_LENGTH, MAX_ID_LENGTH, MAX_PARAMETERS_LENGTH = 100, 200, 2000
"""Maximum characters of a bookmark, of a subscription's id, and of the reference parameters of one address."""

MAX_BATCH = 64
"""Maximum number of events in a message, and the default in the mode Events."""

MODES = {mode.lower(): mode for mode in (names.PULL_MODE, names.PUSH_MODE, names.PUSH_WITH_ACK_MODE, names.EVENTS_MODE)}
"""The delivery modes, by their names in lower case."""


class Subscribe(NamedTuple):
    """A request for a subscription to the results of an event query, which the client pulls or the server pushes.

    ``query``: None requests all events of the class of the resource. ``expires``, ``heartbeats``: the lifetime, and the
    interval of heartbeats, in seconds. ``sends_bookmarks``: each message with events has a bookmark, which is the
    position after its last event. ``end_to``: the address for the SubscriptionEnd message. ``max_elements``,
    ``max_time``: in the mode Events, the maximum number of events in a message, and the seconds for which the first of
    them waits for further events.
    """

    resource: Resource
    query: str | None
    expires: float | None = None
    heartbeats: float | None = None
    bookmark: str | None = None
    sends_bookmarks: bool = False
    mode: str = names.PULL_MODE
    notify_to: EventSink | None = None  # None: the client pulls
    end_to: EventSink | None = None
    max_elements: int = MAX_BATCH
    max_time: float = 0.0


class Unsubscribe(NamedTuple):
    """A request to end a subscription."""

    identifier: str


class RenewSubscription(NamedTuple):
    """A request to extend a subscription; ``is_status``: GetStatus, which only returns its remaining lifetime."""

    identifier: str
    expires: float | None = None
    is_status: bool = False


def read_subscribe(envelope: Envelope, selectors: Selectors) -> Subscribe:
    """Read a Subscribe message.

    Raises:
        FaultError: the message is malformed, or requests what is not supported.
    """
    body = check_body(envelope, EVENTING, "Subscribe")
    resource = parse_resource(envelope.text(WSMAN, "ResourceURI"), selectors)
    delivery = find_child(body, clark_name(EVENTING, "Delivery"))
    if delivery is None:
        raise FaultError(INVALID_MESSAGE, "the element e:Delivery is missing", f"add it, with Mode {names.PULL_MODE}")
    # the default of WS-Eventing (2.1) is Push
    requested_mode = delivery.get("Mode", names.PUSH_MODE).strip()
    mode = MODES.get(requested_mode.lower())
    if mode is None:
        reason = f"unknown delivery mode '{requested_mode[:200]}'"
        raise FaultError(DELIVERY_MODE_UNAVAILABLE, reason, f"use one of these: {', '.join(MODES.values())}")
    # if the client pulls, the addresses in its request are ignored
    is_pushed = mode != names.PULL_MODE
    return Subscribe(
        resource,
        _read_query(body, resource),
        _read_expires(body),
        _read_heartbeats(find_child(delivery, clark_name(WSMAN, "Heartbeats"))),
        _read_bookmark(find_child(body, clark_name(WSMAN, "Bookmark"))),
        find_child(body, clark_name(WSMAN, "SendBookmarks")) is not None,
        mode,
        _read_notify_to(delivery) if is_pushed else None,
        _read_endpoint(find_child(body, clark_name(EVENTING, "EndTo"))) if is_pushed else None,
        *(_read_batch_limits(delivery) if mode == names.EVENTS_MODE else ()),
    )


def read_unsubscribe(envelope: Envelope, _: Selectors) -> Unsubscribe:
    """Read an Unsubscribe message.

    Raises:
        FaultError: the message is invalid.
    """
    check_body(envelope, EVENTING, "Unsubscribe")
    return Unsubscribe(_read_identifier(envelope))


def read_renew(envelope: Envelope, _: Selectors) -> RenewSubscription:
    """Read a Renew message.

    Raises:
        FaultError: the message is invalid.
    """
    expires = _read_expires(check_body(envelope, EVENTING, "Renew"))
    return RenewSubscription(_read_identifier(envelope), expires)


def read_status(envelope: Envelope, _: Selectors) -> RenewSubscription:
    """Read a GetStatus message.

    Raises:
        FaultError: the message is invalid.
    """
    check_body(envelope, EVENTING, "GetStatus")
    return RenewSubscription(_read_identifier(envelope), is_status=True)


def _read_query(body: Element, resource: Resource) -> str | None:
    """Return the event query in the filter; None: all events of the class of the resource (DSP0227 10.2.1)."""
    element = find_child(body, clark_name(WSMAN, "Filter"), clark_name(EVENTING, "Filter"))
    if element is None:
        if resource.class_name == ALL or resource.is_class:
            hint = "add a w:Filter with an event query in WQL, or name an event class in the ResourceURI"
            raise FaultError(EVENT_FILTER_INVALID, "the subscription has no filter", hint)
        return None
    dialect = element.get("Dialect", "").strip()
    if dialect.lower() != names.WQL.lower():
        reason = f"unknown filter dialect '{dialect[:200]}'"
        raise FaultError(EVENT_FILTER_UNAVAILABLE, reason, f"use {names.WQL}")
    return text_of(element)


def _read_notify_to(delivery: Element) -> EventSink:
    sink = _read_endpoint(find_child(delivery, clark_name(EVENTING, "NotifyTo")))
    if sink is None:
        raise FaultError(INVALID_MESSAGE, "the element e:NotifyTo is missing", "add it, with the address for events")
    if find_child(delivery, clark_name(WSMAN, "Auth")) is not None:
        reason = "authentication at the address for events is not supported"
        raise FaultError(UNSUPPORTED, reason, "leave w:Auth out")
    return sink


def _read_batch_limits(delivery: Element) -> tuple[int, float]:
    """Return the maximum number of events in a message, and the seconds for which its first event waits."""
    max_elements = find_child(delivery, clark_name(WSMAN, "MaxElements"))
    seconds = find_child(delivery, clark_name(WSMAN, "MaxTime"))
    return (
        MAX_BATCH if max_elements is None else min(MAX_BATCH, parse_number(text_of(max_elements), "MaxElements")),
        0.0 if seconds is None else parse_duration(text_of(seconds), "MaxTime"),
    )


def _read_endpoint(element: Element | None) -> EventSink | None:
    """Return an address of the subscriber, with the headers that messages to it must have (WS-Addressing 2.2).

    If the element contains no address, the address is "".
    """
    if element is None:
        return None
    address = find_child(element, clark_name(ADDRESSING, "Address"))
    block_lists = [
        find_child(element, clark_name(ADDRESSING, name)) for name in ("ReferenceProperties", "ReferenceParameters")
    ]
    blocks = [block for block_list in block_lists if block_list is not None for block in block_list]
    # a subscriber's block must not look like a header that this server writes
    if any(namespace_of(block) in {names.SOAP, ADDRESSING, WSMAN, ""} for block in blocks):
        reason = "invalid reference parameters: elements of SOAP, WS-Addressing, WS-Management or no namespace"
        raise FaultError(INVALID_MESSAGE, reason, "use elements of a namespace of your own")
    parameters = "".join(ET.tostring(block, encoding="unicode") for block in blocks)
    if len(parameters) > MAX_PARAMETERS_LENGTH:
        reason = f"the reference parameters have more than {MAX_PARAMETERS_LENGTH} characters"
        raise FaultError(INVALID_MESSAGE, reason, "shorten them")
    return EventSink("" if address is None else text_of(address), parameters)


def _read_expires(body: Element) -> float | None:
    element = find_child(body, clark_name(EVENTING, "Expires"))
    if element is None:
        return None
    return parse_expires(element, INVALID_SUBSCRIPTION_EXPIRATION, UNSUPPORTED_SUBSCRIPTION_EXPIRATION)


def _read_heartbeats(element: Element | None) -> float | None:
    """Return the interval of heartbeats in seconds; None: no heartbeats."""
    if element is None:
        return None
    return parse_duration(text_of(element), "Heartbeats") or None


def _read_bookmark(element: Element | None) -> str | None:
    """Return the bookmark after which the events begin; None: the events begin now."""
    if element is None:
        return None
    text = text_of(element)
    # a cursor of the history is base64url, with "-" and "_" (RFC 4648 5)
    if not (text.isascii() and text.replace("-", "").replace("_", "").isalnum() and len(text) <= MAX_BOOKMARK_LENGTH):
        hint = "send the w:Bookmark of an answer, or none for the events from now on"
        raise FaultError(INVALID_BOOKMARK, f"invalid bookmark '{text[:40]}'", hint)
    return text


def _read_identifier(envelope: Envelope) -> str:
    """Return the id of the subscription: a header copied from the SubscriptionManager (WS-Eventing 3.2)."""
    text = envelope.text(EVENTING, "Identifier")
    if not text or len(text) > MAX_ID_LENGTH:
        hint = "send the reference parameters of the SubscriptionManager as headers"
        raise FaultError(INVALID_MESSAGE, "the header e:Identifier is missing or invalid", hint)
    return text
