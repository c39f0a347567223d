"""Tests of wire/wsman/subscription_requests.py: messages of WS-Eventing, as clients send them."""

import pytest
from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import parse_envelope
from logonscope.wire.wsman.faults import FaultError
from logonscope.wire.wsman.requests import decode_request
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.subscription_requests import RenewSubscription, Subscribe, Unsubscribe
from tests.server.eventing import about
from tests.server.soap import envelope

ALL = Resource("root/cimv2", "*")
QUERY = "SELECT * FROM Win32_ProcessStartTrace"
DELIVERY = f'<e:Delivery Mode="{names.PULL_MODE}"/>'

FILTER = f'<w:Filter Dialect="{names.WQL}">{QUERY}</w:Filter>'

SINK = (
    "<e:NotifyTo><a:Address>http://collector/</a:Address><a:ReferenceParameters>"
    '<x:Token xmlns:x="urn:x">7</x:Token></a:ReferenceParameters></e:NotifyTo>'
)


def asked(inner: str, uri: str = "*") -> object:
    return decode_request(parse_envelope(envelope(names.SUBSCRIBE, uri, f"<e:Subscribe>{inner}</e:Subscribe>")))


@pytest.mark.parametrize("space", ["w", "e"])
def test_a_query_in_either_namespace(space: str) -> None:
    query = f'<{space}:Filter Dialect="{names.WQL.lower()}"> {QUERY} </{space}:Filter>'
    assert asked(f"{DELIVERY}{query}") == Subscribe(ALL, QUERY)


def test_all_that_a_subscription_can_have() -> None:
    delivery = DELIVERY.replace("/>", "><w:Heartbeats>PT5S</w:Heartbeats></e:Delivery>")
    more = "<e:Expires>PT10M</e:Expires><w:Bookmark>0a1b</w:Bookmark><w:SendBookmarks/>"
    trace = Resource("root/cimv2", "Win32_ProcessStartTrace")
    assert asked(f"{delivery}{more}", "Win32_ProcessStartTrace") == Subscribe(trace, None, 600.0, 5.0, "0a1b", True)
    assert asked(delivery.replace("PT5S", "PT0S"), "Win32_ProcessStartTrace") == Subscribe(trace, None)


def test_a_bookmark_can_be_a_cursor_of_the_history() -> None:
    cursor = "AKCvBfSaIx_Z7LjZEwmwBPkQsdVcILtAzVe-jjSQabc"
    message = asked(f"{DELIVERY}{FILTER}<w:Bookmark>{cursor}</w:Bookmark>")
    assert isinstance(message, Subscribe)
    assert message.bookmark == cursor


@pytest.mark.parametrize("mode", [names.PUSH_MODE, names.PUSH_WITH_ACK_MODE, names.EVENTS_MODE])
def test_addresses_have_the_header_blocks_that_the_subscriber_wants_back(mode: str) -> None:
    end = SINK.replace("NotifyTo", "EndTo").replace("ReferenceParameters", "ReferenceProperties")
    message = asked(f'{end}<e:Delivery Mode="{mode.upper()}">{SINK}</e:Delivery>{FILTER}')
    assert isinstance(message, Subscribe)
    assert (message.mode, message.notify_to) == (mode, message.end_to)
    assert message.notify_to is not None
    assert message.notify_to.address == "http://collector/"
    block = etree.fromstring(message.notify_to.parameters)
    assert (block.tag, block.text) == ("{urn:x}Token", "7")


def test_limits_of_a_message_with_several_events() -> None:
    for limits, expected in (
        ("", (64, 0.0)),
        ("<w:MaxElements>10</w:MaxElements><w:MaxTime>PT5S</w:MaxTime>", (10, 5.0)),
        ("<w:MaxElements>100000</w:MaxElements>", (64, 0.0)),
    ):
        message = asked(f'<e:Delivery Mode="{names.EVENTS_MODE}">{SINK}{limits}</e:Delivery>{FILTER}')
        assert isinstance(message, Subscribe)
        assert (message.max_elements, message.max_time) == expected
    with pytest.raises(FaultError, match="invalid MaxElements '0'"):
        asked(f'<e:Delivery Mode="{names.EVENTS_MODE}">{SINK}<w:MaxElements>0</w:MaxElements></e:Delivery>{FILTER}')


def test_messages_about_a_subscription() -> None:
    assert decode_request(parse_envelope(about("Unsubscribe", "uuid:1"))) == Unsubscribe("uuid:1")
    assert decode_request(parse_envelope(about("GetStatus", "uuid:1"))) == RenewSubscription("uuid:1", is_status=True)
    renewal = about("Renew", "uuid:1", "<e:Expires>PT5S</e:Expires>")
    assert decode_request(parse_envelope(renewal)) == RenewSubscription("uuid:1", 5.0)
    assert decode_request(parse_envelope(about("Renew", "uuid:1"))) == RenewSubscription("uuid:1")


@pytest.mark.parametrize(
    ("inner", "subcode"),
    [
        ("", "e:InvalidMessage"),
        (f"<e:Delivery/>{FILTER}", "e:InvalidMessage"),
        (f"<e:Delivery>{SINK}<w:Auth/></e:Delivery>{FILTER}", "w:UnsupportedFeature"),
        ("<e:Delivery>" + SINK.replace("urn:x", names.WSMAN) + "</e:Delivery>" + FILTER, "e:InvalidMessage"),
        ("<e:Delivery>" + SINK.replace(">7<", ">" + "7" * 2000 + "<") + "</e:Delivery>" + FILTER, "e:InvalidMessage"),
        ('<e:Delivery Mode="x"/>', "e:DeliveryModeRequestedUnavailable"),
        (DELIVERY, "w:CannotProcessFilter"),
        (f"{DELIVERY}<w:Filter>x</w:Filter>", "e:FilteringRequestedUnavailable"),
        (f"{DELIVERY}{FILTER}<e:Expires>-PT5S</e:Expires>", "e:InvalidExpirationTime"),
        (f"{DELIVERY}{FILTER}<e:Expires>1999-01-01</e:Expires>", "e:UnsupportedExpirationType"),
        (f"{DELIVERY}{FILTER}<w:Bookmark/>", "w:InvalidBookmark"),
        (f"{DELIVERY}{FILTER}<w:Bookmark>a b</w:Bookmark>", "w:InvalidBookmark"),
    ],
)  # fmt: skip
def test_what_is_not_supported_has_its_own_fault(inner: str, subcode: str) -> None:
    with pytest.raises(FaultError) as rejected:
        asked(inner)
    assert rejected.value.kind.subcode == subcode


def test_an_identifier_is_needed() -> None:
    for identifier in ("", "x" * 201):
        with pytest.raises(FaultError, match="Identifier is missing or invalid"):
            decode_request(parse_envelope(about("Unsubscribe", identifier)))
