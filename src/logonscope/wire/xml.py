"""XML helpers: escaping of text that is written, and a safe parser for received messages.

XML is written by joining text, because a tree for each row costs 5 to 25 times as much. It is read by expat, which
opens no other file or address. Document types are rejected (DSP0226 R13.1-3): so there are no entities, and the cost of
parsing grows only with the length of the message. lxml is not used, because libxml2 keeps every name that it has parsed
as long as the thread lives.
"""

import re
import xml.etree.ElementTree as ET
from functools import lru_cache
from xml.parsers import expat

from logonscope.errors import InvalidParameterError

Element = ET.Element

_UNSAFE = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}  # a bare \r would be read as \n
REPLACEMENT = "\ufffd"

UTF_8, UTF_16 = "utf-8", "utf-16"
MAX_NAMESPACE_LENGTH = 256
"""Maximum characters of a namespace in a received message."""

CHUNK_OCTETS = 16_384
"""Octets that are parsed at once, in 1 to 3 milliseconds."""

_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_FORM = "send a SOAP 1.2 envelope in UTF-8 or UTF-16"


@lru_cache(1024)
def clark_name(namespace: str, name: str) -> str:
    """Return a name in Clark notation, as the parser uses it: ``{namespace}name``."""
    return f"{{{namespace}}}{name}"


def escape(text: str) -> str:
    """Escape text for element content and attribute values; characters that XML 1.0 (2.2) forbids become U+FFFD."""
    # isalnum() is fast, and most values are numbers or names.
    if text.isalnum() or _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], REPLACEMENT)


def utf_8_octets(text: str) -> int:
    """Return the length of a text in UTF-8, in octets."""
    return len(text) if text.isascii() else len(text.encode())


def utf_16_octets(text: str) -> int:
    """Return the length of a text in UTF-16 without a byte order mark, in octets."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le"))


def parse(data: bytes) -> tuple[Element, str]:
    """Parse a document, and return its root element and its encoding.

    Raises:
        InvalidParameterError: the document is not well-formed, or has a document type or an overlong namespace.
    """
    # UTF-16 begins with a byte order mark, or, without that mark, with the two octets of "<".
    encoding = UTF_16 if data[:2] in {b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"} else UTF_8
    try:
        utf_8_data = data if encoding == UTF_8 else _decode_utf_16(data).encode(UTF_8)
        _check_safe(utf_8_data)
        parser = ET.XMLParser(encoding=UTF_8)  # noqa: S314 -- _check_safe rejected the dangerous parts of XML
        # Other threads can run only between two chunks.
        for begin in range(0, len(utf_8_data), CHUNK_OCTETS):
            parser.feed(utf_8_data[begin : begin + CHUNK_OCTETS])
        return parser.close(), encoding
    except UnicodeError:
        raise InvalidParameterError("the message is not well-formed XML: it is not UTF-16", _FORM) from None
    except (ET.ParseError, expat.ExpatError) as error:
        raise InvalidParameterError(f"the message is not well-formed XML: {error}", _FORM) from None


def _decode_utf_16(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16")
    return data.decode("utf-16-le" if data[:2] == b"<\x00" else "utf-16-be")


def _check_safe(data: bytes) -> None:
    """Reject XML whose cost of parsing grows faster than its length: document types and long namespaces.

    ElementTree repeats the namespace in the name of every element.
    """
    if _DOCTYPE.search(data):
        raise InvalidParameterError("document types are not supported", "remove the DOCTYPE")
    # A quick check accepts most messages. Without single quotes, each attribute value is between double quotes. A value
    # contains no "<", and is no longer than its text in the message. So if all pieces between double quotes or "<" are
    # short, all values are short.
    if b"'" not in data and max(map(len, data.replace(b"<", b'"').split(b'"'))) <= MAX_NAMESPACE_LENGTH:
        return
    # This second parser does not process namespaces, so the check runs before any name is expanded.
    parser = expat.ParserCreate(UTF_8)
    parser.StartElementHandler = _check_namespaces
    parser.Parse(data, True)


def _check_namespaces(_: str, attributes: dict[str, str]) -> None:
    for name, value in attributes.items():
        if len(value) > MAX_NAMESPACE_LENGTH and name.startswith("xmlns"):
            raise InvalidParameterError(
                f"a namespace has {len(value):,} characters, more than {MAX_NAMESPACE_LENGTH}",
                "use the namespaces of WS-Management",
            )


def text_of(element: Element) -> str:
    """Return the text of an element, without white space at its ends."""
    if not len(element):
        return (element.text or "").strip()
    return "".join(element.itertext()).strip()


def is_true(text: str | None) -> bool:
    """Return whether the text of an attribute or element is a true xs:boolean, in upper or lower case."""
    return text is not None and text.strip().lower() in {"true", "1"}


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace_of(element: Element) -> str:
    """Return the namespace of an element, "" for none."""
    return element.tag[1:].rpartition("}")[0]


def find_child(element: Element, *names: str) -> Element | None:
    """Return the first child with one of these names, in Clark notation."""
    for candidate in element:
        if candidate.tag in names:
            return candidate
    return None
