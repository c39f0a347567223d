"""Tests of server/wsman.py: conversations in WS-Management, as the standards and the clients expect them."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.broker import Caller
from logonscope.broker.instances import enumerate_instances
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.dispatch.audit import Audit
from logonscope.dispatch.dispatcher import Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumeration, Enumerations, Rows
from logonscope.dispatch.operation import Limits, Operation
from logonscope.dispatch.operations import OPERATIONS
from logonscope.facts import Process
from logonscope.machine import Deadline, Look, ProcessQuery, Source
from logonscope.ownership import LINUX
from logonscope.server.soap_answer import SoapRequest
from logonscope.server.wsman import REQUESTS, WsmanDoor
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import Envelope
from logonscope.wire.wsman.names import WSMAN
from logonscope.wire.wsman.requests import ACTIONS, Enumerate, Identify, Invoke, Pull
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.xml import clark_name
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT
from tests.server.running import hostile
from tests.server.soap import envelope, request, selector_set, shown, turns, uri

FOLDER = Path(__file__).parent / "conversations"


def dispatcher(source: Source | None = None, *, allow_methods: bool = False, audit: Audit | None = None) -> Dispatcher:
    """Return what answers for the example host, or for another."""
    host = source or Memory(SNAPSHOT)
    return Dispatcher(host, LINUX, Enumerations(10, 5, 60.0), Limits(), allow_methods=allow_methods, audit=audit)


def said(talk: Dispatcher, lines: tuple[str, ...], contexts: list[str], caller: Caller = ROOT) -> tuple[str, ...]:
    """Say something, and return the lines of the answer."""
    made = talk.answer(WsmanDoor(), ReceivedRequest(request(lines, contexts), caller), Deadline())
    return tuple(shown(made.status, made.body, contexts))


def items(
    talk: Dispatcher, resource: str, inner: str = "", selectors: dict[str, str] | None = None, caller: Caller = ROOT
) -> list[str]:
    """Enumerate to the end, and return the items."""
    begun = f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>10000</w:MaxElements>{inner}</n:Enumerate>"
    asked = envelope(names.ENUMERATE, resource, begun, selector_set(list((selectors or {}).items())))
    root = etree.fromstring(talk.answer(WsmanDoor(), ReceivedRequest(asked, caller), Deadline()).body)
    found = root.find(f".//{clark_name(WSMAN, 'Items')}")
    assert found is not None, etree.tostring(root)
    assert root.find(f".//{clark_name(WSMAN, 'EndOfSequence')}") is not None
    return [etree.tostring(item, encoding="unicode") for item in found]


def values(item: str, name: str) -> list[str | None]:
    return [part.text for part in etree.fromstring(item).iter() if etree.QName(part).localname == name]


def filtered(dialect: str, content: str) -> str:
    return f'<w:Filter Dialect="{dialect}">{content}</w:Filter>'


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    talk, contexts = dispatcher(allow_methods=path.stem == "invoke"), list[str]()
    for turn in turns(path.read_text(encoding="utf-8")):
        assert said(talk, turn.request, contexts) == turn.answer


def test_every_message_of_the_wire_has_its_row_and_its_operations() -> None:
    assert {action.message for action in ACTIONS.values()} | {Invoke, Identify} == set(REQUESTS)
    for row in REQUESTS.values():
        assert set(row.operations) <= set(OPERATIONS)


PROJECTION = '<w:Filter Dialect="WQL">SELECT Name FROM Win32_Process</w:Filter>'


@pytest.mark.parametrize(
    ("asked", "inner"),
    [
        ("Enumerate *", ""),
        ("Enumerate * Name=x", ""),
        ("Enumerate *", "<w:Filter>SELECT</w:Filter>"),
        ("Enumerate *", f"<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>{PROJECTION}"),
    ],
)
def test_what_can_be_refused_is_refused_before_an_enumeration_is_open(asked: str, inner: str) -> None:
    talk = dispatcher()
    assert said(talk, (asked, f"<n:Enumerate>{inner}</n:Enumerate>"), [])[0].startswith("500 ")
    assert len(talk.enumerations) == 0


@pytest.mark.parametrize(
    "asked",
    ["Enumerate Win32_Process", "Get Win32_Nothing X=1", "Put Win32_Nothing", "Terminate Win32_Process Handle=1"],
)
def test_who_did_not_authenticate_is_refused_whatever_is_requested(asked: str) -> None:
    message = ReceivedRequest(request((asked, "<n:Enumerate/>"), []), None)
    made = dispatcher().answer(WsmanDoor(), message, Deadline())
    assert "authentication required; send credentials" in made.body.decode()


def test_a_filter_by_selectors_is_a_condition_whatever_is_in_it() -> None:
    found = items(dispatcher(), "Win32_Process", selectors={"Name": "python3", "ParentProcessId": "4300"})
    assert [values(item, "Handle") for item in found] == [["4312"]]
    hostile = {"Name": "x' OR Name = 'python3", "Handle": 'a"b\\'}
    assert items(dispatcher(), "Win32_Process", selectors=hostile) == []


def test_class_definitions_are_items_too() -> None:
    query = filtered(names.WQL, "SELECT * FROM meta_class WHERE __Class = 'Win32_Account'")
    for resource, inner, selectors, matches in (
        (names.CLASSES, "", {"ClassName": "Win32_Account*"}, ["Win32_Account", "Win32_AccountSID"]),
        ("*", query, {}, ["Win32_Account"]),
    ):
        found = [etree.fromstring(item) for item in items(dispatcher(), resource, inner, selectors)]
        assert [(element.tag, element.get("NAME")) for element in found] == [("CLASS", name) for name in matches]


INHERITANCE = (
    '<w:OptionSet><w:Option Name="IncludeInheritanceHierarchy" Type="xs:boolean">true</w:Option><w:Option '
    'Name="IncludeInheritedElements" Type="xs:boolean">true</w:Option><w:Option Name="IncludeQualifiers" '
    'Type="xs:boolean">true</w:Option><w:Option Name="msftwinrm:UsePreciseArrays" Type="xs:boolean">true</w:Option>'
    "</w:OptionSet>"
)
"""As Windows' clients send it with the questions for classes."""


def class_elements(action: str, given: list[tuple[str, str]], body: str = "", more: str = "") -> list["etree._Element"]:
    talk = dispatcher()
    found = list(etree.Element("none"))
    while True:
        sent = envelope(action, names.CLASSES, body, selector_set(given), more)
        answer = talk.answer(WsmanDoor(), ReceivedRequest(sent, ROOT), Deadline())
        assert answer.status == 200
        root = etree.fromstring(answer.body)
        found += root.iter("CLASS")
        # all classes together do not fit into one envelope: the rest is pulled
        context = root.findtext(".//{*}EnumerationContext")
        if not context:
            return found
        action = names.PULL
        body = f"<n:Pull><n:EnumerationContext>{context}</n:EnumerationContext></n:Pull>"
        body = body.replace("</n:Pull>", "<n:MaxElements>32000</n:MaxElements></n:Pull>")


@pytest.mark.parametrize("space", ["root/cimv2", "ROOT\\CIMV2", "root/logonscope"])
@pytest.mark.parametrize("options", ["", INHERITANCE])
def test_get_class(space: str, options: str) -> None:
    name = "LS_Process" if "logonscope" in space else "Win32_Process"
    declared = schema().get(name, schema().namespace(space))
    given = [("__cimnamespace", space), ("ClassName", name.lower())]
    (cls,) = class_elements(names.GET, given, more=options)
    assert (cls.get("NAME"), cls.get("SUPERCLASS")) == (name, declared.superclass)
    assert cls.get("DERIVATION") == (",".join(declared.derivation) if options else None)
    tags = {"PROPERTY", "PROPERTY.ARRAY", "PROPERTY.REFERENCE"}
    assert [part.get("NAME") for part in cls if part.tag in tags] == list(declared.properties)
    assert [part.get("NAME") for part in cls.iter("METHOD")] == list(declared.methods)


@pytest.mark.parametrize("given", [[], [("ClassName", "")], [("ClassName", "*")], [("classname", "Win32_*Process")]])
@pytest.mark.parametrize("options", ["", INHERITANCE])
def test_enumerate_classes(given: list[tuple[str, str]], options: str) -> None:
    asked = "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements></n:Enumerate>"
    found = class_elements(names.ENUMERATE, [("__cimnamespace", "root/cimv2"), *given], asked, options)
    told = [cls.get("NAME") or "" for cls in found]
    if given and "Win32" in given[0][1]:
        assert {"Win32_Process", "Win32_SessionProcess"} <= set(told)
        assert all(name.startswith("Win32_") and name.endswith("Process") for name in told)
    else:
        assert len(told) == len(set(told)) > 20
        assert {"Win32_Process", "Win32_LogonSession", "CIM_ManagedSystemElement"} <= set(told)
    derived = {cls.get("NAME"): cls.get("DERIVATION") for cls in found}
    expected = "CIM_Process,CIM_LogicalElement,CIM_ManagedSystemElement" if options else None
    assert derived["Win32_Process"] == expected


def test_a_class_that_is_not_there_or_not_named() -> None:
    for lines, fault in (
        (
            f"Get {names.CLASSES} ClassName=Win32_Proces",
            "s:Sender a:DestinationUnreachable InvalidResourceURI 0x80041010",
        ),
        (
            f"Get {names.CLASSES}",
            "s:Sender w:InvalidSelectors InsufficientSelectors 0x8033805A: the selector ClassName",
        ),
        (f"Get {names.CLASSES} __cimnamespace=root/no ClassName=Win32_Process", "s:Sender a:DestinationUnreachable"),
    ):
        status, told = said(dispatcher(), (lines,), [])
        assert status.startswith("500 ")
        assert told.startswith(fault)


def test_one_association_and_all() -> None:
    process = (
        f"<b:Object><a:Address/><a:ReferenceParameters><w:ResourceURI>{uri('Win32_Process')}</w:ResourceURI>"
        f"{selector_set([('Handle', '4312')])}</a:ReferenceParameters></b:Object>"
    )
    of_one = "<b:AssociationClassName>Win32_SessionProcess</b:AssociationClassName>"
    for narrowed, count in (("", 2), (of_one, 1)):
        content = f"<b:AssociationInstances>{process}{narrowed}</b:AssociationInstances>"
        assert len(items(dispatcher(), "*", filtered(names.ASSOCIATION_FILTER, content))) == count


@given(crowds(), st.sampled_from(PEOPLE[1:]))
def test_every_caller_gets_their_rows_and_no_trace_of_others(crowd: Crowd, uid: int) -> None:
    request = Memory(crowd.snapshot).request(user(uid))
    for name in ("Win32_SessionProcess", "Win32_LogonSession", "Win32_Process", "Win32_LoggedOnUser"):
        told = items(dispatcher(request.source), name, caller=request.caller)
        rows = [row for result in enumerate_instances(request, name) for row in result.rows]
        assert len(told) == len(rows)
        assert not [mark for mark in crowd.secrets(uid) for item in told if mark in item]


WHERE = Resource("root/cimv2", "Win32_LogonSession")
SESSION = schema().get("Win32_LogonSession")


@given(
    st.lists(st.integers(1, 3000), max_size=60),
    st.integers(0, 30),
    st.integers(1, 70),
    st.integers(8192, 60_000),
)
def test_all_items_come_with_the_enumeration_or_none_and_no_row_is_lost(
    lengths: list[int], small: int, most: int, size: int
) -> None:
    names_told, expected = list[str](), ["s"] * small + ["x" * length for length in lengths]
    result = ClassRows(SESSION, ("Name",), ((name,) for name in expected))
    rows = Enumeration(Enumerations(1, 1, 60.0), Memory(SNAPSHOT).request(ROOT), Deadline(), Rows(iter([result])))
    begin, more = Enumerate(WHERE, optimized=True, max_elements=most), Pull(WHERE, "", most)
    for message in itertools.chain([begin], itertools.repeat(more)):
        asked = Operation("", options=SoapRequest(Envelope({}, None), message))
        reply = WsmanDoor().render(asked, rows, size)
        found = values(reply.body.decode(), "Name")
        assert len(reply.body) <= size
        assert reply.items == len(found) <= most
        assert message is more or found == [] or rows.is_complete
        names_told += [str(name) for name in found]
        if rows.is_complete:
            break
    assert names_told == expected


@pytest.mark.parametrize("size", [102_400, 153_600, 512_000])
@pytest.mark.parametrize("optimize", ["", "<w:OptimizeEnumeration/>"])
@pytest.mark.parametrize("name", ["Win32_Process", "root/logonscope/LS_Process"])
def test_a_process_with_hostile_arguments_hides_no_row(size: int, optimize: str, name: str) -> None:
    talk, contexts, found = dispatcher(hostile()), list[str](), list[str | None]()
    header = f"MaxEnvelopeSize: {size}"
    begin = f"<n:Enumerate>{optimize}<w:MaxElements>20</w:MaxElements></n:Enumerate>"
    lines = said(talk, (f"Enumerate {name}", header, begin), contexts)
    while True:
        assert lines[0].startswith("200 ")
        found += values(
            "\n".join(["<x xmlns:p='p' xmlns:w='w' xmlns:n='n' xmlns:xsi='i' xmlns:cim='c'>", *lines[1:], "</x>"]),
            "Handle",
        )
        if any("EndOfSequence" in line for line in lines):
            break
        pull = (
            "<n:Pull><n:EnumerationContext>CONTEXT-1</n:EnumerationContext><n:MaxElements>50</n:MaxElements></n:Pull>"
        )
        lines = said(talk, (f"Pull {name}", header, pull), contexts)
    assert len(found) == len(set(found)) == len(tuple(SNAPSHOT.processes))


def test_one_instance_and_one_property_of_it_fit_as_well() -> None:
    for lines in (
        ("Get Win32_Process Handle=4312", "MaxEnvelopeSize: 102400"),
        ("Get Win32_Process Handle=4312", "MaxEnvelopeSize: 102400", "FragmentTransfer: CommandLine"),
        ("Get Win32_Process Handle=4312", "MaxEnvelopeSize: 102400", "FragmentTransfer: CommandLine/text()"),
    ):
        answer = said(dispatcher(hostile()), lines, [])
        assert answer[0] == "200 GetResponse"
        assert max(map(len, answer)) > 60_000


def test_a_row_that_is_larger_than_the_answer_comes_with_a_larger_pull() -> None:
    talk, contexts = dispatcher(hostile()), list[str]()
    query = filtered("WQL", "SELECT Handle, CommandLine FROM Win32_Process WHERE SessionId = 41")
    said(talk, ("Enumerate *", f"<n:Enumerate>{query}</n:Enumerate>"), contexts)
    pull = "<n:Pull><n:EnumerationContext>CONTEXT-1</n:EnumerationContext><n:MaxElements>50</n:MaxElements></n:Pull>"
    small = ("Pull *", "MaxEnvelopeSize: 8192", pull)
    assert sum("<Handle>" in line for line in said(talk, small, contexts)) == 4
    for _ in range(2):
        answer = said(talk, small, contexts)
        assert answer[0] == "500 wsman/fault"
        assert answer[1].startswith("s:Sender w:EncodingLimit MaxEnvelopeSize 0x80338048: an item of ")
    answer = said(talk, ("Pull *", "MaxEnvelopeSize: 102400", pull), contexts)
    assert any("<Handle>4312</Handle>" in line for line in answer)
    assert any("EndOfSequence" in line for line in answer)


class Broken(Memory):
    """A host whose processes cannot be read, for a reason that nobody thought of."""

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        del look, query
        raise ZeroDivisionError("a secret")


def test_an_unexpected_error_is_one_fault_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    told = said(dispatcher(Broken(SNAPSHOT)), ("Get Win32_LogonSession LogonId=41",), [])
    assert told == (
        "500 wsman/fault",
        "s:Receiver w:InternalError 0x80338003: internal error; see the server's log",
    )
    assert "ZeroDivisionError: a secret" in caplog.text


def test_a_method_that_is_refused_is_written_down_as_well() -> None:
    lines: list[str] = []
    audit = Audit(lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for allow in (False, True):
        talk = dispatcher(allow_methods=allow, audit=audit)
        for asked in ("Terminate Win32_Process Handle=4312", "Delete Win32_Process Handle=4312"):
            said(talk, (asked,), [], Caller("bob", 1001, administrator=False))
    told = [json.loads(line) for line in lines]
    assert {(entry["user"], entry["method"], entry["path"]) for entry in told} == {
        ("bob", "Win32_Process.Terminate", 'Win32_Process.Handle="4312"')
    }
    assert [entry["outcome"] for entry in told] == ["WBEM_E_ACCESS_DENIED"] * 2 + ["begun", "2"] * 2
