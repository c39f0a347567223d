"""Tests of wire/wsman/envelope.py: envelopes of every client are read, and written ones are well-formed and fit."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.wire.wsman.envelope import (
    MAX_OPTIONS,
    MAX_SECONDS,
    MIN_ENVELOPE,
    Envelope,
    check_options,
    check_understood,
    free_octets,
    new_id,
    parse_duration,
    parse_envelope,
    parse_number,
    read_limits,
    write_duration,
    write_envelope,
    write_fault,
)
from logonscope.wire.wsman.faults import (
    CANNOT_PROCESS_FILTER,
    INVALID_PARAMETER,
    INVALID_XML,
    NOT_SOAP,
    NOT_UNDERSTOOD,
    Fault,
    FaultError,
    FaultKind,
)
from logonscope.wire.wsman.names import ADDRESSING, GET, SOAP
from logonscope.wire.xml import clark_name
from tests.server.soap import envelope


def test_headers_by_name_and_the_body() -> None:
    found = parse_envelope(envelope(GET, "Win32_Process", "<x/>", more="<w:MaxEnvelopeSize> 9000 </w:MaxEnvelopeSize>"))
    assert (found.action, found.message_id, found.encoding) == (GET, "uuid:AB12-Cd", "utf-8")
    assert found.body is not None
    assert found.body.tag == "x"
    assert read_limits(found) == (9000, None, False)


def test_the_first_of_headers_that_come_twice_counts() -> None:
    found = parse_envelope(envelope(GET, "C", more="<a:MessageID>uuid:2</a:MessageID>"))
    assert found.message_id == "uuid:AB12-Cd"


def test_utf_16_is_answered_in_utf_16() -> None:
    text = envelope(GET, "C", "<x>\u2603</x>").decode()
    found = parse_envelope(text.encode("utf-16"))
    assert found.encoding == "utf-16"
    answer = write_envelope(GET, found.message_id, "<y/>")
    assert found.octets(answer) == len(answer.encode("utf-16")) - 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", INVALID_XML),
        (b"<a/>", NOT_SOAP),
        (b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body/></Envelope>', NOT_SOAP),
        (f'<Envelope xmlns="{SOAP}"/>'.encode(), INVALID_XML),
    ],
)
def test_what_is_no_envelope(data: bytes, kind: FaultKind) -> None:
    with pytest.raises(FaultError) as refused:
        parse_envelope(data)
    assert refused.value.kind is kind


def test_a_header_without_a_namespace_may_be_named_too() -> None:
    with pytest.raises(FaultError) as refused:
        check_understood(parse_envelope(envelope(GET, "C", more='<Odd xmlns="" s:mustUnderstand="1"/>')))
    assert (refused.value.kind, refused.value.not_understood) == (NOT_UNDERSTOOD, "Odd")


def test_too_many_options_are_counted_in_the_fault() -> None:
    options = '<w:Option Name="x">1</w:Option>' * (MAX_OPTIONS + 1)
    with pytest.raises(FaultError, match="too many options: 65, at most 64 are accepted"):
        check_options(parse_envelope(envelope(GET, "C", more=f"<w:OptionSet>{options}</w:OptionSet>")))


def test_a_supported_option_may_have_to_be_obeyed() -> None:
    for name, accepted in (("IncludeInheritanceHierarchy", True), ("includeinheritancehierarchy", True), ("x", False)):
        option = f'<w:OptionSet><w:Option Name="{name}" MustComply="true">true</w:Option></w:OptionSet>'
        parsed = parse_envelope(envelope(GET, "C", more=option))
        if accepted:
            check_options(parsed)
        else:
            with pytest.raises(FaultError, match="the option 'x' is not supported"):
                check_options(parsed)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT20S", 20),
        ("PT60.000S", 60),
        ("P1DT1H1M0.5S", 90_060.5),
        ("P1M2D", 2_764_800),
        ("P1Y", MAX_SECONDS),
        ("PT3759670629.777S", MAX_SECONDS),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "x") == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "20", "-PT5S", "PT5", "T5S", "PT5S ", "P1DT", "PT\u0661S", "P" + "9" * 30 + "Y"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse_duration(text, "x")
    assert refused.value.kind is INVALID_PARAMETER


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "\u0661", "9" * 30, "x"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(FaultError):
        parse_number(text, "x")


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_action_and_id_are_written_whole(action: str, message_id: str) -> None:
    root = etree.fromstring(write_envelope(action, message_id, "<x/>").encode())
    assert root.find(f"{clark_name(SOAP, 'Body')}/x") is not None
    assert (root.find(f".//{clark_name(ADDRESSING, 'RelatesTo')}") is None) is (not message_id)


@given(st.integers(0, 3000), st.sampled_from(["utf-8", "utf-16"]))
def test_what_fills_the_room_fits_the_envelope(extra: int, encoding: str) -> None:
    to = Envelope({}, None, encoding)
    most = 8192 + extra
    free = free_octets(to, GET, "<x></x>", most)
    filled = write_envelope(GET, to.message_id, f"<x>{'y' * (free // (1 if encoding == 'utf-8' else 2))}</x>").encode(
        encoding
    )
    assert most - 4 <= len(filled) <= most


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", [CANNOT_PROCESS_FILTER, NOT_UNDERSTOOD])
def test_any_fault_fits_into_the_smallest_envelope(encoding: str, kind: FaultKind) -> None:
    asked = ET.Element(clark_name(ADDRESSING, "MessageID"))
    asked.text = '"' * 5000
    to = Envelope({asked.tag: asked}, None, encoding)
    told = write_fault(Fault(kind, 1, '"' * 600, "{urn:x}" + "x" * 5000, cim_status=1), to, "m" * 64).encode(encoding)
    assert len(told) <= MIN_ENVELOPE
    assert b"m" * 64 in told.replace(b"\0", b"")


@pytest.mark.parametrize(
    ("header", "block"),
    [
        ("", ""),
        ("Trace", '<s:NotUnderstood qname="Trace"/>'),
        ("{urn:a-b:c.d}Trace", '<s:NotUnderstood qname="q:Trace" xmlns:q="urn:a-b:c.d"/>'),
        ("{http://a.b:80/c/d.xsd}x", '<s:NotUnderstood qname="q:x" xmlns:q="http://a.b:80/c/d.xsd"/>'),
        ("{http://a://b}x", ""),
        ("{a b}x", ""),
        ('{http://a/"}x', ""),
        ("{http://www.w3.org/XML/1998/namespace}x", ""),
        ("{http://www.w3.org/2000/xmlns/}x", ""),
    ],
)
def test_a_header_that_is_not_understood_is_named_where_its_namespace_can_be_declared(header: str, block: str) -> None:
    told = write_fault(Fault(NOT_UNDERSTOOD, 1, "x", header), Envelope({}, None), "")
    etree.fromstring(told.encode())
    assert re.findall("<s:NotUnderstood.*/>(?=</s:Header>)", told) == [block] * bool(block)


def test_ids_differ() -> None:
    assert len({new_id() for _ in range(100)}) == 100


def test_a_duration_is_read_as_it_was_written() -> None:
    for seconds in (0.0, 0.25, 3600.0, 86_400.0):
        assert parse_duration(write_duration(seconds), "Expires") == seconds
