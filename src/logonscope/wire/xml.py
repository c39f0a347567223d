"""How does text become XML that every parser takes, and XML from outside a tree that costs no more than its length?

What is written is put together from text: a tree a row costs hundreds of times as much (bench/). What is read goes
through expat, which looks nowhere else, and without a document type there are no entities (DSP0226 R13.1-3). lxml is
no choice: libxml2 keeps every name that it ever saw for as long as the thread lives.
"""

import re
import xml.etree.ElementTree as ET
from xml.parsers import expat

from logonscope.errors import InvalidParameterError

Element = ET.Element

_UNSAFE = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}  # a bare \r would be read as \n
REPLACEMENT = "\ufffd"

UTF_8, UTF_16 = "utf-8", "utf-16"
LONGEST_NAMESPACE = 256
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_FORM = "send a SOAP 1.2 envelope in UTF-8 or UTF-16"


def clark(namespace: str, name: str) -> str:
    """Return a name in Clark's form, as the parser has it: ``{namespace}name``."""
    return f"{{{namespace}}}{name}"


def escaped(text: str) -> str:
    """Return a text as element content or as an attribute's value; what XML cannot say (XML 1.0, 2.2) is U+FFFD."""
    if text.isalnum() or _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: _ESCAPES.get(match[0], REPLACEMENT), text)


def octets(text: str) -> int:
    """Return how long a text is in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def octets_of_utf_16(text: str) -> int:
    """Return how long a text is in UTF-16, without its mark."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le"))


def parse(data: bytes) -> tuple[Element, str]:
    """Return the root element, and which encoding the document had.

    Raises:
        InvalidParameterError: it is no XML, or has what no message has any use for.
    """
    encoding = UTF_16 if data[:2] in {b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"} else UTF_8
    try:
        text = data if encoding == UTF_8 else _of_utf_16(data).encode(UTF_8)
        _look_over(text)
        parser = ET.XMLParser(encoding=UTF_8)  # noqa: S314 -- what is dangerous in XML was refused just now
        parser.feed(text)
        return parser.close(), encoding
    except (ET.ParseError, expat.ExpatError, UnicodeError) as error:
        raise InvalidParameterError(f"the message is no XML: {error}", _FORM) from None


def _of_utf_16(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16")
    return data.decode("utf-16-le" if data[:2] == b"<\x00" else "utf-16-be")


def _look_over(text: bytes) -> None:
    """Refuse what costs more than its length: a document type; a long namespace, which every element would repeat."""
    if _DOCTYPE.search(text):
        raise InvalidParameterError("the message has a document type", "leave it out")

    def start(_: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if len(value) > LONGEST_NAMESPACE and name.startswith("xmlns"):
                raise InvalidParameterError(f"a namespace of {len(value):,} characters", "use those of WS-Management")

    parser = expat.ParserCreate(UTF_8)
    parser.StartElementHandler = start
    parser.Parse(text, True)


def content(element: Element) -> str:
    """Return the text of an element, without the blanks around it."""
    return "".join(element.itertext()).strip()


def is_true(text: str | None) -> bool:
    """Tell whether an attribute, or the content of an element, is a true xs:boolean, in any case."""
    return text is not None and text.strip().lower() in {"true", "1"}


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def space(element: Element) -> str:
    """Return the namespace of an element, "" for none."""
    return element.tag[1:].rpartition("}")[0]


def child(element: Element, *names: str) -> Element | None:
    """Return the first child that has one of these names, in Clark's form."""
    return next((found for found in element if found.tag in names), None)
