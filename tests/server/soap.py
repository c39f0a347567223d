"""The text form of WS-Management conversations: short requests, and answers without the parts that always differ.

``> Enumerate Win32_Process Handle=4312`` is the action, the resource (a class of root/cimv2, or a whole URI) and
selectors; ``> MaxEnvelopeSize: 8192`` a header of WS-Management; what else is there is the body. ``< 200
EnumerateResponse`` are the status and the action of the answer, and below them its body, indented.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ADDRESSING, EVENTING, SOAP, WMI, WSMAN
from logonscope.wire.xml import clark_name, escape

ACTIONS = {
    **{action.rpartition("/")[2]: action for action in (
        names.GET, names.PUT, names.CREATE, names.DELETE, names.ENUMERATE, names.PULL, names.RELEASE, names.RENEW,
        names.GET_STATUS, names.SUBSCRIBE, names.UNSUBSCRIBE,
    )},
}  # fmt: skip
PREFIXES = {
    "s": SOAP, "a": ADDRESSING, "n": names.ENUMERATION, "w": WSMAN, "x": names.TRANSFER, "e": EVENTING,
    "b": names.BINDING, "xsi": names.XSI, "id": names.IDENTITY,
}  # fmt: skip
DIALECTS = {"WQL": names.WQL, "SELECTORS": names.SELECTOR_FILTER, "ASSOCIATIONS": names.ASSOCIATION_FILTER}
MESSAGE_ID = "uuid:AB12-Cd"
_CONTEXT = re.compile(r"uuid:[0-9A-F]{8}-[0-9A-F-]{27}")
_DECLARATIONS = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())


class Turn(NamedTuple):
    """Lines of a request, and those of its answer."""

    request: tuple[str, ...]
    answer: tuple[str, ...]


def turns(content: str) -> Iterator[Turn]:
    """Read a conversation: turns with an empty line between them."""
    for part in content.strip().split("\n\n"):
        lines = part.splitlines()
        request = tuple(line[2:] for line in lines if line.startswith("> "))
        yield Turn(request, tuple(line[2:] for line in lines if line.startswith("< ")))


def uri(resource: str) -> str:
    """Return the URI of a resource in short form."""
    if ":" in resource:
        return resource
    within = resource if {"/", "\\"}.intersection(resource) else f"root/cimv2/{resource}"
    return f"{WMI}/{within}"


def selector_set(pairs: list[tuple[str, str]]) -> str:
    """Return a w:SelectorSet; a value that begins with < is XML."""
    inner = "".join(
        f'<w:Selector Name="{escape(name)}">{value if value.startswith("<") else escape(value)}</w:Selector>'
        for name, value in pairs
    )
    return f"<w:SelectorSet>{inner}</w:SelectorSet>" if pairs else ""


def envelope(action: str, resource: str, body: str = "", selectors: str = "", more: str = "") -> bytes:
    """Return a request as clients send it."""
    place = f'<w:ResourceURI s:mustUnderstand="true">{escape(uri(resource))}</w:ResourceURI>' if resource else ""
    return (
        f"<s:Envelope{_DECLARATIONS}><s:Header><a:To>http://windows-host:5985/wsman</a:To>{place}"
        f'<a:Action s:mustUnderstand="true">{escape(action)}</a:Action><a:MessageID>{MESSAGE_ID}</a:MessageID>'
        f"{selectors}{more}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def request(lines: tuple[str, ...], contexts: list[str]) -> bytes:
    """Return the request that a turn is of; CONTEXT-1 in it is the first context that was told."""
    first, *rest = lines
    verb, resource, *pairs = first.split(" ")
    more, body = "", []
    for line in rest:
        if match := re.fullmatch(r"(\w+): (.*)", line):
            more += f'<w:{match[1]} s:mustUnderstand="true">{match[2]}</w:{match[1]}>'
        elif line.startswith("<s:Header>"):
            more += line.removeprefix("<s:Header>").removesuffix("</s:Header>")
        else:
            body.append(line)
    action = ACTIONS.get(verb) or (verb if ":" in verb else f"{uri(resource)}/{verb}")
    text = "\n".join(body)
    for name, dialect in DIALECTS.items():
        text = text.replace(f'Dialect="{name}"', f'Dialect="{dialect}"')
    for at, context in enumerate(contexts, 1):
        text, more = (part.replace(f"CONTEXT-{at}", context) for part in (text, more))
    keys = [(name, value) for name, _, value in (pair.partition("=") for pair in pairs)]
    return envelope(action, "" if resource == "-" else resource, text, selector_set(keys), more)


def shown(status: int, data: bytes, contexts: list[str]) -> Iterator[str]:
    """Yield the lines of an answer; contexts are numbered as they are told."""
    root = etree.fromstring(data)
    header, body = root.find(clark_name(SOAP, "Header")), root.find(clark_name(SOAP, "Body"))
    assert header is not None
    assert body is not None
    related = header.findtext(clark_name(ADDRESSING, "RelatesTo"))
    action = header.findtext(clark_name(ADDRESSING, "Action")) or ""
    short = action.rpartition("/")[2] if action.rpartition("/")[2] != "fault" else "/".join(action.split("/")[-2:])
    yield f"{status} {short}{'' if related == MESSAGE_ID else f' relates to {related}'}"
    for block in header:
        if etree.QName(block).namespace != ADDRESSING:
            yield from _lines(block, contexts)
    for element in body:
        yield from _fault(element) if element.tag == clark_name(SOAP, "Fault") else _lines(element, contexts)


def _fault(fault: "etree._Element") -> Iterator[str]:
    """Yield a fault in short form: its codes, its detail, its number, its sentence."""
    *codes, detail, number = (
        *fault.itertext(clark_name(SOAP, "Value")), fault.findtext(f".//{clark_name(WSMAN, 'FaultDetail')}") or "",
        next(fault.iter(clark_name(names.MICROSOFT_FAULT, "WSManFault"))).get("Code"),
    )  # fmt: skip
    words = filter(None, [*codes, detail.rpartition("/")[2], f"0x{int(number or 0):08X}"])
    sentence = fault.findtext(f".//{clark_name(SOAP, 'Text')}") or ""
    # the size of a class in MOF changes with its descriptions
    sentence = re.sub(r"the answer of [\d,]+ octets", "the answer of N octets", sentence)
    yield f"{' '.join(words)}: {sentence}"


def _lines(element: "etree._Element", contexts: list[str]) -> Iterator[str]:
    etree.indent(element)
    text = etree.tostring(element, encoding="unicode").rstrip()
    text = re.sub(r' xmlns:(?!p\b)\w+="[^"]*"', "", text).replace(f"{WMI}/", "WMI/")
    for found in _CONTEXT.findall(text):
        if found not in contexts:
            contexts.append(found)
        text = text.replace(found, f"CONTEXT-{contexts.index(found) + 1}")
    yield from text.splitlines()
