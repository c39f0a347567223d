"""How does text become XML that every parser takes, and XML from outside a tree that costs no more than its length?

What is written is put together from text: a tree a row costs hundreds of times as much (bench/). What is read goes
through libxml2 with everything off that looks elsewhere: no entities, no DTD, no files, no network (DSP0226 R13.1-3).
"""

import re

from lxml import etree

from logonscope.errors import InvalidParameterError

Element = etree._Element  # noqa: SLF001 -- lxml has no other name for the type

_UNSAFE = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}  # a bare \r would be read as \n
REPLACEMENT = "\ufffd"

UTF_8, UTF_16 = "utf-8", "utf-16"
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_FORM = "send a SOAP 1.2 envelope in UTF-8 or UTF-16"


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
        if _DOCTYPE.search(text):
            raise InvalidParameterError("the message has a document type", "leave it out")
        return etree.fromstring(text, _parser()), encoding
    except (etree.XMLSyntaxError, UnicodeError, ValueError) as error:
        raise InvalidParameterError(f"the message is no XML: {error}", _FORM) from None


def _of_utf_16(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16")
    return data.decode("utf-16-le" if data[:2] == b"<\x00" else "utf-16-be")


def _parser() -> "etree.XMLParser[Element]":
    return etree.XMLParser(  # a new one each time: a parser is for one thread
        encoding=UTF_8, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def content(element: Element) -> str:
    """Return the text of an element, without the blanks around it."""
    return "".join(element.itertext()).strip()


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def space(element: Element) -> str:
    """Return the namespace of an element, "" for none."""
    return str(element.tag).rpartition("}")[0].removeprefix("{")


def child(element: Element, *names: str) -> Element | None:
    """Return the first child that has one of these names, in Clark's form."""
    return next((found for found in element if found.tag in names), None)
