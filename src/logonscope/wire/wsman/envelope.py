"""SOAP envelopes: parsing of the header blocks and the body, and writing of responses and faults.

Parsing is lenient where clients differ: To is ignored, a MessageID may have any form and be used twice, mustUnderstand
may lack its namespace, and the encoding may be UTF-16. It is strict where the standard is: an unknown header with
mustUnderstand is rejected (SOAP 1.2, 5.2.3).
"""

import os
import re
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from logonscope.errors import InvalidParameterError
from logonscope.wire.wsman.faults import (
    ENVELOPE_TOO_SMALL,
    INVALID_OPTIONS,
    INVALID_PARAMETER,
    INVALID_XML,
    NOT_SOAP,
    NOT_UNDERSTOOD,
    Fault,
    FaultError,
    FaultKind,
    fault_body,
)
from logonscope.wire.wsman.names import (
    ADDRESSING,
    ANONYMOUS,
    ENUMERATION,
    EVENTING,
    MICROSOFT,
    SOAP,
    WSMAN,
    XML,
)
from logonscope.wire.wsman.resource import Selectors, parse_selectors
from logonscope.wire.xml import (
    UTF_8,
    Element,
    clark_name,
    escape,
    find_child,
    is_true,
    local_name,
    namespace_of,
    parse,
    text_of,
    utf_8_octets,
    utf_16_octets,
)

MIN_ENVELOPE = 8192
"""Octets of the smallest MaxEnvelopeSize that is accepted (DSP0226 R13.1-5, MS-WSMV 3.1.4.1.7)."""

MAX_ID_LENGTH, SHORT_REASON = 200, 80
"""Maximum characters of a request's MessageID in the response, and of a fault's reason that has to be shortened."""

MAX_OPTIONS = 64
"""Maximum number of options of a request."""

HIERARCHY = "IncludeInheritanceHierarchy"
"""The option with which Windows' clients request DERIVATION in the definition of a class."""

BYTE_ORDER_MARK_OCTETS = 2
"""Octets of the byte order mark before the text of a response in UTF-16; they are reserved in every response."""

MAX_SECONDS = 10_000_000.0
"""Maximum length of a duration in seconds: a longer duration is shortened to it."""

# Headers that are supported or can be ignored safely; any other header with mustUnderstand is rejected.
_UNDERSTOOD = {
    *(clark_name(ADDRESSING, name) for name in (
        "To", "Action", "MessageID", "ReplyTo", "FaultTo", "From", "RelatesTo",
    )),
    *(clark_name(WSMAN, name) for name in (
        "ResourceURI", "SelectorSet", "OptionSet", "OperationTimeout", "MaxEnvelopeSize", "Locale", "FragmentTransfer",
        "RequestTotalItemsCountEstimate", "RequestEPR",
    )),
    *(clark_name(MICROSOFT, name) for name in (
        "SessionId", "DataLocale", "OperationID", "SequenceId", "ActivityId", "Trace", "CompressionType",
    )),
    clark_name(EVENTING, "Identifier"),
}  # fmt: skip
_ROLES = {"", f"{SOAP}/role/next", f"{SOAP}/role/ultimateReceiver"}
_DURATION = re.compile(
    r"P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?",
    re.ASCII,
)
# Namespaces of a request that can be copied into an attribute of the response.
_DECLARABLE = re.compile(r"urn:[\w.:-]+|https?://[\w.-]+(?::\d{1,5})?(?:/[\w./-]*)?", re.ASCII)
_RESERVED = {XML, "http://www.w3.org/2000/xmlns/"}
_UNITS = (31_536_000, 2_592_000, 86_400, 3_600, 60, 1)  # seconds of a year, month, day, hour, minute, second
_ENVELOPE_START = (
    f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" '
    f'xmlns:n="{ENUMERATION}" xmlns:w="{WSMAN}" xmlns:e="{EVENTING}"><s:Header><a:Action>'
)
# The first digit of the fourth group of a UUID has the variant (RFC 9562 4.1): 8, 9, A or B.
_VARIANTS = {digit: "89AB"[int(digit, 16) & 3] for digit in "0123456789ABCDEF"}
PLACEHOLDER_ID = f"uuid:{uuid.UUID(int=0)}"
"""An id as long as every other id, to measure the octets that are left for items."""

_ENVELOPE_END = "</s:Body></s:Envelope>"


class Envelope(NamedTuple):
    """A message: its header blocks by name in Clark notation, the first element of its body, its encoding.

    ``blocks``: all header blocks, also those that are repeated.
    """

    headers: Mapping[str, Element]
    body: Element | None
    encoding: str = UTF_8
    blocks: tuple[Element, ...] = ()

    @property
    def octets(self) -> Callable[[str], int]:
        """Return the function that measures a text in the encoding of the message; the response has this encoding."""
        return utf_8_octets if self.encoding == UTF_8 else utf_16_octets

    def text(self, namespace: str, name: str) -> str:
        """Return the content of a header, "" if it is missing."""
        header = self.headers.get(clark_name(namespace, name))
        return "" if header is None else text_of(header)

    @property
    def action(self) -> str:
        """Return the requested action, a URI."""
        return self.text(ADDRESSING, "Action")

    @property
    def message_id(self) -> str:
        """Return the id that the response has in its RelatesTo."""
        return self.text(ADDRESSING, "MessageID")[:MAX_ID_LENGTH]


class ResponseLimits(NamedTuple):
    """What the request asks of its response: the largest size in octets, the timeout in seconds (None: not set).

    ``wants_count``: the client also wants the number of all items.
    """

    max_envelope: int | None
    seconds: float | None
    wants_count: bool


def parse_envelope(data: bytes) -> Envelope:
    """Parse a message.

    Raises:
        FaultError: the message is not XML, or not SOAP 1.2.
    """
    try:
        root, encoding = parse(data)
    except InvalidParameterError as error:
        raise FaultError(INVALID_XML, error.message, error.advice) from None
    if root.tag != clark_name(SOAP, "Envelope"):
        actual = "SOAP 1.1" if local_name(root) == "Envelope" else f"<{local_name(root)}>"
        raise FaultError(NOT_SOAP, f"the message is {actual}", "send SOAP 1.2")
    header, soap_body = find_child(root, clark_name(SOAP, "Header")), find_child(root, clark_name(SOAP, "Body"))
    if soap_body is None:
        raise FaultError(INVALID_XML, "the message has no s:Body", "send a SOAP 1.2 envelope")
    blocks = () if header is None else tuple(header)
    # If a header is repeated, its first block is used.
    headers = {block.tag: block for block in reversed(blocks)}
    return Envelope(headers, next(iter(soap_body), None), encoding, blocks)


def _must_understand(block: Element) -> bool:
    """Return whether a header block has mustUnderstand, and a role that includes this server (SOAP 1.2, 2.2)."""
    must_understand = block.get(clark_name(SOAP, "mustUnderstand")) or block.get("mustUnderstand")
    return is_true(must_understand) and block.get(clark_name(SOAP, "role"), "") in _ROLES


def check_understood(envelope: Envelope) -> None:
    """Check that every header that this server must understand is supported, or can be ignored safely.

    Raises:
        FaultError: such a header is neither supported nor ignorable.
    """
    for block in envelope.blocks:
        if block.tag not in _UNDERSTOOD and _must_understand(block):
            header = f"the header {local_name(block)} of {namespace_of(block) or 'no namespace'}"
            raise FaultError(NOT_UNDERSTOOD, f"{header} is not understood", "leave it out", block.tag)


def read_limits(envelope: Envelope) -> ResponseLimits:
    """Return the limits that a request sets for its response.

    Raises:
        FaultError: MaxEnvelopeSize is smaller than the standard allows, or a header has an invalid value.
    """
    size = envelope.text(WSMAN, "MaxEnvelopeSize")
    max_octets = None
    if size:
        max_octets = parse_number(size, "MaxEnvelopeSize")
        if max_octets < MIN_ENVELOPE:
            raise FaultError(
                ENVELOPE_TOO_SMALL, f"invalid MaxEnvelopeSize {max_octets}: must be at least {MIN_ENVELOPE} octets"
            )
    timeout = envelope.text(WSMAN, "OperationTimeout")
    seconds = parse_duration(timeout, "OperationTimeout") if timeout else None
    return ResponseLimits(max_octets, seconds, clark_name(WSMAN, "RequestTotalItemsCountEstimate") in envelope.headers)


def read_selectors(envelope: Envelope) -> Selectors:
    """Return the selectors of the request.

    Raises:
        FaultError: a selector is invalid.
    """
    return parse_selectors(envelope.headers.get(clark_name(WSMAN, "SelectorSet")))


def check_options(envelope: Envelope) -> None:
    """Check that each option with MustComply is supported (DSP0226 R6.4-5).

    Raises:
        FaultError: such an option is not supported, or there are too many options.
    """
    option_set = envelope.headers.get(clark_name(WSMAN, "OptionSet"))
    options = [] if option_set is None else list(option_set)
    required_names = [option.get("Name", "") for option in options if is_true(option.get("MustComply"))]
    # Options of WMI (wmi:...) are accepted and ignored.
    unsupported_names = [
        name for name in required_names if name.lower() != HIERARCHY.lower() and not name.lower().startswith("wmi:")
    ]
    if len(options) > MAX_OPTIONS:
        raise FaultError(
            INVALID_OPTIONS, f"too many options: {len(options)}, at most {MAX_OPTIONS} are accepted", "remove some"
        )
    if unsupported_names:
        raise FaultError(INVALID_OPTIONS, f"the option '{unsupported_names[0][:100]}' is not supported", "remove it")


def has_option(envelope: Envelope, name: str) -> bool:
    """Return whether an option of the request is true."""
    option_set = envelope.headers.get(clark_name(WSMAN, "OptionSet"))
    options = () if option_set is None else option_set
    return any(option.get("Name", "").lower() == name.lower() and is_true(text_of(option)) for option in options)


def check_body(envelope: Envelope, namespace: str, name: str) -> Element:
    """Return the element in the body, which must have this name.

    Raises:
        FaultError: the element has another name, or the body is empty.
    """
    if envelope.body is None or envelope.body.tag != clark_name(namespace, name):
        raise FaultError(INVALID_XML, f"invalid body: expected the element {name} of {namespace}")
    return envelope.body


def parse_number(text: str, name: str) -> int:
    """Parse a whole number greater than 0; ``name`` is the name of its element or header, for the error.

    Raises:
        FaultError: the text is no such number.
    """
    # At most 18 digits: such a number fits into 64 bits, and int() of a very long text would take long.
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text)):
        raise FaultError(INVALID_PARAMETER, f"invalid {name} '{text[:40]}': expected a whole number greater than 0")
    return int(text)


def parse_duration(text: str, name: str) -> float:
    """Return an xs:duration in seconds, at most MAX_SECONDS; ``name`` as in ``parse_number``.

    A year has 365 days and a month 30.

    Raises:
        FaultError: the text is no duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise FaultError(INVALID_PARAMETER, f"invalid {name} '{text[:40]}': expected a duration, such as PT60S")
    seconds = sum(float(count or 0) * unit for count, unit in zip(match.groups(), _UNITS, strict=True))
    return min(seconds, MAX_SECONDS)


def parse_expires(element: Element, invalid: FaultKind, unsupported: FaultKind) -> float:
    """Return a requested lifetime in seconds, at most MAX_SECONDS.

    Raises:
        FaultError: of the kind ``unsupported`` for a date and time; ``invalid`` for a duration of 0, and for any other
            text that is no duration.
    """
    text = text_of(element)
    # WS-Enumeration 3.1 and WS-Eventing 3.1 also allow a date and time, but it depends on two clocks
    if text[:1].isdecimal():
        reason = f"invalid Expires '{text[:40]}': times are not supported"
        raise FaultError(unsupported, reason, "send a duration, such as PT600S")
    try:
        seconds = parse_duration(text, "Expires")
    except FaultError as error:
        raise FaultError(invalid, str(error)) from None
    # WS-Enumeration 3.1 and WS-Eventing 3.1 forbid a duration of 0
    if seconds <= 0:
        raise FaultError(invalid, "invalid Expires: must be greater than 0", "send PT600S")
    return seconds


def context_element(context: str) -> str:
    """Return the element with the id of an enumeration or subscription, which the client sends with each Pull."""
    return f"<n:EnumerationContext>{context}</n:EnumerationContext>"


def write_duration(seconds: float) -> str:
    """Return seconds as xs:duration."""
    return f"PT{seconds:.3f}S"


def new_id() -> str:
    """Return a new id for a message."""
    # The same as uuid.uuid4(), in a fifth of its time: random except for the version and the variant (RFC 9562 5.4).
    digits = os.urandom(16).hex().upper()
    return f"uuid:{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"


def open_envelope(action: str, relates_to: str, headers: str = "", message_id: str = "") -> str:
    """Return an envelope up to the start of its body.

    Args:
        action: the action of the response, a URI.
        relates_to: the id of the request.
        headers: further header blocks.
        message_id: the id of the response; "": a new one.
    """
    relates = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f"{_ENVELOPE_START}{escape(action)}</a:Action><a:MessageID>{message_id or new_id()}</a:MessageID>"
        f"<a:To>{ANONYMOUS}</a:To>{relates}{headers}</s:Header><s:Body>"
    )


def write_envelope(action: str, relates_to: str, *body_parts: str, headers: str = "") -> str:
    """Return an envelope; arguments as in ``open_envelope``."""
    return "".join((open_envelope(action, relates_to, headers), *body_parts, _ENVELOPE_END))


def write_fault(fault: Fault, request: Envelope, machine: str) -> str:
    """Return the envelope of a fault; it fits into the smallest MaxEnvelopeSize that a client may set."""
    headers = _not_understood_block(fault.not_understood)
    text = write_envelope(fault.kind.action, request.message_id, fault_body(fault, machine), headers=headers)
    if request.octets(text) + BYTE_ORDER_MARK_OCTETS <= MIN_ENVELOPE:
        return text
    # A fault must reach every client, and its code matters more than its reason.
    short_fault = fault._replace(reason=f"{fault.reason[:SHORT_REASON]}...")
    return write_envelope(fault.kind.action, request.message_id, fault_body(short_fault, machine))


def _not_understood_block(header: str) -> str:
    """Return the block that names the header which was not understood (SOAP 1.2, 5.4.8).

    "": all headers were understood, or the namespace of the header cannot be declared safely.
    """
    namespace, _, name = header.removeprefix("{").rpartition("}")
    if not namespace:
        return f'<s:NotUnderstood qname="{escape(name)}"/>' if name else ""
    if namespace in _RESERVED or not _DECLARABLE.fullmatch(namespace):
        return ""
    return f'<s:NotUnderstood qname="q:{escape(name)}" xmlns:q="{namespace}"/>'


def free_octets(request: Envelope, action: str, frame: str, max_octets: int) -> int:
    """Return how many octets remain for items in a response of ``max_octets`` octets; ``frame`` is its fixed part."""
    fixed_text = open_envelope(action, request.message_id, message_id=PLACEHOLDER_ID) + frame + _ENVELOPE_END
    return max_octets - request.octets(fixed_text) - BYTE_ORDER_MARK_OCTETS
