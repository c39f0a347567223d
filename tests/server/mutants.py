"""Requests for fuzzing: requests of real clients and of conversations, mutated by a seeded random generator.

``sent/`` has what pypsrp, pywinrm and python-wsmanclient really sent; the rest are the turns of ``conversations/``.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ADDRESSING, BINDING, CIM_SCHEMA, ENUMERATION, EVENTING, SOAP, WMI, WSMAN
from logonscope.wire.xml import clark_name, escape
from tests.broker.asked_in_wql import asked
from tests.server.soap import envelope, request, selector_set, turns

HERE = Path(__file__).parent
CONTEXT = re.compile(rb"CONTEXT-\d|(?<=EnumerationContext>)uuid:[0-9A-F-]{36}")
WORDS = (
    "", " ", "0", "1", "2", "7", "32000", "8191", "8192", "9000", "18446744073709551616", "-1", "+1", "1e3", "0x10",
    "٣", "9" * 300, "PT0S", "PT0.000001S", "PT20S", "P1Y2M3DT4H5M6.7S", "PT999999999999S", "-PT5S", "P", "PT", "PT1H1H",
    "P1Y" * 50, "true", "false", "root\\cimv2", "root/logonscope", "root", "ROOT/CIMV2/", "*", "//", "\\\\.\\root",
    "Win32_Process", "Win32_SessionProcess", "Win32_LogonSession", "Win32_OperatingSystem", "LS_Process",
    "win32_nothing", "Handle", "LogonId", "__PATH", "Name", "CommandLine", "Terminate", "GetOwner", "ClassName",
    names.NAMESPACE, "EnumerateEPR", "EnumerateObjectAndEPR", "ExcludeSubClassProperties", "None", "CommandLine/text()",
    "\u2603", "\U0001f600", "a\tb\nc", "]]>", "&amp;", "%00", "../..", "'\"<>&", "x" * 5000,
)  # fmt: skip
"""Contents of elements and values of attributes, for better or for worse."""

TAGS = (
    *(clark_name(SOAP, name) for name in ("Envelope", "Header", "Body", "Fault")),
    *(clark_name(ADDRESSING, name) for name in (
        "Action", "MessageID", "EndpointReference", "ReferenceParameters", "Address",
    )),
    *(clark_name(WSMAN, name) for name in (
        "ResourceURI", "SelectorSet", "Selector", "Filter", "MaxElements", "OptimizeEnumeration", "EnumerationMode",
        "MaxEnvelopeSize", "OperationTimeout", "OptionSet", "Option", "FragmentTransfer", "Locale",
        "RequestTotalItemsCountEstimate",
    )),
    *(clark_name(ENUMERATION, name) for name in (
        "Enumerate", "Pull", "Release", "Renew", "GetStatus", "EnumerationContext", "Expires", "MaxTime",
        "MaxCharacters", "Filter",
    )),
    *(clark_name(EVENTING, name) for name in (
        "Subscribe", "Delivery", "Filter", "Expires", "Identifier", "Unsubscribe", "Renew", "GetStatus", "NotifyTo",
    )),
    *(clark_name(WSMAN, name) for name in ("Heartbeats", "Bookmark", "SendBookmarks")),
    *(clark_name(BINDING, name) for name in (
        "AssociatedInstances", "AssociationInstances", "Object", "Role", "ResultClassName", "IncludeResultProperty",
        "AssociationClassName", "PolymorphismMode",
    )),
    clark_name(names.IDENTITY, "Identify"), "Identify", clark_name(f"{WMI}/root/cimv2/Win32_Process", "Priority"),
)  # fmt: skip
ATTRIBUTES = (
    clark_name(SOAP, "mustUnderstand"), "mustUnderstand", "Dialect", "Mode", "Name", "MustComply",
    clark_name(names.XSI, "nil"), clark_name(names.XML, "lang"),
)  # fmt: skip
DIALECTS = (names.WQL, names.SELECTOR_FILTER, names.ASSOCIATION_FILTER, "http://www.w3.org/TR/1999/REC-xpath-19991116")
ACTIONS = (
    names.GET, names.PUT, names.CREATE, names.DELETE, names.ENUMERATE, names.PULL, names.RELEASE, names.RENEW,
    names.GET_STATUS, names.SUBSCRIBE, names.UNSUBSCRIBE, names.RENEW_SUBSCRIPTION, names.SUBSCRIPTION_STATUS,
    f"{WMI}/root/cimv2/Win32_Process/GetOwner",
    f"{WMI}/root/cimv2/Win32_Process/Terminate", f"{CIM_SCHEMA}/Win32_Process/SetPriority",
)  # fmt: skip
URIS = (
    *(f"{WMI}/root/cimv2/{name}" for name in (
        "*", "Win32_Process", "Win32_SessionProcess", "Win32_LogonSession", "CIM_ManagedSystemElement",
        "Win32_SystemOperatingSystem", "Win32_LoggedOnUser",
    )),
    f"{WMI}/root/logonscope/LS_SessionProcess", f"{CIM_SCHEMA}/Win32_SessionProcess", names.CIM_ALL, names.CLASSES,
)  # fmt: skip
EVENT_QUERIES = (
    "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_LogonSession'",
    "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'CIM_ManagedSystemElement'",
    "SELECT TargetInstance FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_LogonSession'",
    "SELECT * FROM Win32_ProcessStartTrace",
)
PIECES = (
    b"<", b">", b"&", b"&amp;", b"&#0;", b"&#x10FFFF;", b"&lt;", b"&e;", b"]]>", b"<![CDATA[", b"<!-- x -->",
    b"<?p i?>",
    b'<!DOCTYPE a [<!ENTITY e "e">]>', b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'xmlns="u"', b"xmlns:a=''",
    b"'", b'"', b"/", b"=", b" ", b"\r\n", b"<a>", b"</a>", b"<a" + b" b='c'" * 3,
)  # fmt: skip
ENCODINGS = (
    ("utf-8", ""),
    ("utf-16", ""),
    ("utf-16-le", ""),
    ("utf-16-be", ""),
    ("utf-8", "utf-16"),
    ("utf-8", "latin-1"),
)

Tree = etree._Element  # noqa: SLF001 -- lxml has no other name for the type


def seeds() -> list[bytes]:
    """Return the requests that nobody changed."""
    talks = (path.read_text(encoding="utf-8") for path in sorted((HERE / "conversations").glob("*.txt")))
    said = [request(turn.request, []) for talk in talks for turn in turns(talk)]
    for path in sorted((HERE / "event_conversations").glob("*.txt")):
        talk = path.read_text(encoding="utf-8").replace('"PULL"', f'"{names.PULL_MODE}"')
        said += [request(turn.request, []) for turn in turns(talk) if turn.request]
    sent = [path.read_bytes() for path in sorted((HERE / "sent").glob("*.xml"))]
    return [*said, *sent * 3, *plain()]


def plain() -> Iterator[bytes]:
    """Yield requests that are answered on any host: classes, queries, and pulls of whatever is open."""
    most = "<w:OptimizeEnumeration/><w:MaxElements>{}</w:MaxElements>"
    for uri in URIS * 2:
        yield envelope(names.ENUMERATE, uri, "<n:Enumerate/>")
        yield envelope(names.ENUMERATE, uri, f"<n:Enumerate>{most.format(50)}</n:Enumerate>")
    for name in ("Win32_Process", "Win32_LogonSession"):
        yield envelope(names.GET, names.CLASSES, selectors=selector_set([("ClassName", name)]))
    for text in queries()[::3]:
        query = f'<w:Filter Dialect="{names.WQL}">{escape(text)}</w:Filter>'
        yield envelope(names.ENUMERATE, f"{WMI}/root/cimv2/*", f"<n:Enumerate>{query}{most.format(20)}</n:Enumerate>")
    pull = "<n:Pull><n:EnumerationContext>CONTEXT-1</n:EnumerationContext><n:MaxElements>{}</n:MaxElements></n:Pull>"
    for at in (1, 1, 1, 2, 2, 3, 50) * 4:
        yield envelope(names.PULL, URIS[0], pull.format(at))
    for text in EVENT_QUERIES:
        query = f'<w:Filter Dialect="{names.WQL}">{escape(text)}</w:Filter><w:SendBookmarks/>'
        delivery = f'<e:Delivery Mode="{names.PULL_MODE}"/>'
        yield envelope(names.SUBSCRIBE, f"{WMI}/root/cimv2/*", f"<e:Subscribe>{delivery}{query}</e:Subscribe>")
    for verb in ("Unsubscribe", "Renew", "GetStatus"):
        header = "<e:Identifier>CONTEXT-1</e:Identifier>"
        yield envelope(f"{EVENTING}/{verb}", "", f"<e:{verb}/>", more=header)


def queries() -> list[str]:
    """Return queries that people ask."""
    paths = sorted((HERE.parent / "broker/queries").glob("*.txt"))
    return [query.text for path in paths for query in asked(path.read_text(encoding="utf-8"))]


class Mutants:
    """Requests without end; ``words`` are what only this host has: pids, and the ids of logon sessions."""

    def __init__(self, seed: int, words: Sequence[str]) -> None:
        self.chance = random.Random(seed)  # noqa: S311 -- to be the same in every run
        self._seeds, self._host, self._words = seeds(), words, (*WORDS, *words, *words)
        self._texts: Mapping[str, Sequence[str]] = {
            clark_name(ADDRESSING, "Action"): ACTIONS,
            clark_name(WSMAN, "ResourceURI"): URIS,
            clark_name(WSMAN, "Filter"): queries(),
        }  # fmt: skip

    def one(self, contexts: Sequence[str]) -> bytes:
        """Return the next one, which may name one of these contexts."""
        chance = self.chance
        data = CONTEXT.sub(lambda _: chance.choice(contexts).encode(), chance.choice(self._seeds))
        root = etree.fromstring(data)
        for selector in root.iter(clark_name(WSMAN, "Selector")):
            if (selector.text or "").isdigit():
                selector.text = chance.choice(self._host)
        for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
            chance.choice(self._changes)(self, root, chance.choice(list(root.iter())))
        data = self._written(root)
        for _ in range(chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 4))):
            data = self._spoilt(data)
        return data

    def _written(self, root: Tree) -> bytes:
        encoding, declared = self.chance.choice((ENCODINGS[0],) * 20 + ENCODINGS)
        declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
        return (declaration + etree.tostring(root, encoding="unicode")).encode(encoding)

    def _spoilt(self, data: bytes) -> bytes:
        chance = self.chance
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 2, 20, 500)))
        kept = data[start:end]
        put = chance.choice(
            (chance.choice(PIECES), kept + kept, kept[::-1], b"", chance.choice(self._seeds)[start:end])
        )
        return data[:start] + put + data[end:]

    def _drop(self, _: Tree, found: Tree) -> None:
        parent = found.getparent()
        if parent is not None:
            parent.remove(found)

    def _double(self, _: Tree, found: Tree) -> None:
        parent = found.getparent()
        if parent is not None:
            parent.insert(self.chance.randrange(len(parent) + 1), _copied(found))

    def _move(self, root: Tree, found: Tree) -> None:
        self.chance.choice(list(root.iter())).append(_copied(found))

    def _rename(self, _: Tree, found: Tree) -> None:
        found.tag = self.chance.choice(TAGS)

    def _say(self, _: Tree, found: Tree) -> None:
        known = self._texts.get(str(found.tag), ())
        found.text = self.chance.choice(self._words if not known or self.chance.random() < 0.3 else known)

    def _mark(self, _: Tree, found: Tree) -> None:
        found.set(self.chance.choice(ATTRIBUTES), self.chance.choice((*self._words, *DIALECTS, "true", "1")))

    def _add(self, _: Tree, found: Tree) -> None:
        added = etree.SubElement(found, self.chance.choice(TAGS))
        self._say(found, added)

    def _limit(self, root: Tree, _: Tree) -> None:
        """Ask for a small answer, and have it relate to a long id."""
        chance = self.chance
        for header in root.iter(clark_name(SOAP, "Header")):
            etree.SubElement(header, clark_name(WSMAN, "MaxEnvelopeSize")).text = chance.choice(
                ("8192", "8200", "10000")
            )
            etree.SubElement(header, clark_name(ADDRESSING, "MessageID")).text = (
                chance.choice(("<", "\u2603", "x")) * 2000
            )
            for before in header.findall(clark_name(ADDRESSING, "MessageID"))[:-1]:
                header.remove(before)

    def _nest(self, _: Tree, found: Tree) -> None:
        inner = found
        for _level in range(self.chance.choice((1, 3, 40))):
            inner = etree.SubElement(inner, found.tag, dict(found.attrib))
        inner.text = found.text

    def _refer(self, _: Tree, found: Tree) -> None:
        """Put an endpoint reference into an element, with others within it."""
        for _level in range(self.chance.choice((1, 1, 2, 30))):
            reference = etree.SubElement(found, clark_name(ADDRESSING, "EndpointReference"))
            parameters = etree.SubElement(reference, clark_name(ADDRESSING, "ReferenceParameters"))
            etree.SubElement(parameters, clark_name(WSMAN, "ResourceURI")).text = self.chance.choice(URIS)
            found = etree.SubElement(
                etree.SubElement(parameters, clark_name(WSMAN, "SelectorSet")), clark_name(WSMAN, "Selector")
            )
            found.set("Name", self.chance.choice(("Handle", "LogonId", "Antecedent", "Dependent", names.NAMESPACE)))
            found.text = self.chance.choice(self._words)

    _changes: tuple[Callable[["Mutants", Tree, Tree], None], ...] = (
        _drop, _double, _move, _rename, _say, _say, _say, _mark, _add, _limit, _nest, _refer,
    )  # fmt: skip


def _copied(element: Tree) -> Tree:
    return etree.fromstring(etree.tostring(element))
