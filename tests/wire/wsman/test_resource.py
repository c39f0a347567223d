"""Tests of wire/wsman/resource.py: all forms of URIs and endpoint references are read, and others rejected."""

import xml.etree.ElementTree as ET

import pytest

from logonscope.cim.paths import ObjectPath
from logonscope.wire.wsman.faults import (
    HEADER_REQUIRED,
    INSUFFICIENT_SELECTORS,
    INVALID_RESOURCE,
    UNEXPECTED_SELECTORS,
    FaultError,
    FaultKind,
)
from logonscope.wire.wsman.names import ADDRESSING, CIM_ALL, CIM_SCHEMA, CLASSES, WMI, WSMAN
from logonscope.wire.wsman.resource import (
    Resource,
    check_keys,
    instance_path,
    parse_reference,
    parse_resource,
    parse_selectors,
)
from logonscope.wire.xml import Element, parse

SPACES = f'xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}"'


@pytest.mark.parametrize(
    ("uri", "selectors", "meant"),
    [
        (f"{WMI}/root/cimv2/Win32_Process", {}, Resource("root/cimv2", "Win32_Process")),
        (f"{WMI.upper()}/ROOT/CIMV2/win32_process/", {}, Resource("root/cimv2", "win32_process")),
        (f"{WMI}/root\\cimv2\\Win32_Process", {}, Resource("root/cimv2", "Win32_Process")),
        (f"{WMI}/root/cimv2/*", {}, Resource("root/cimv2", "*")),
        (f"{WMI}/root/LS_Process", {}, Resource("root", "LS_Process")),
        (f"{CIM_SCHEMA}/Win32_Process", {}, Resource("root/cimv2", "Win32_Process", is_wmi=False)),
        (
            f"{CIM_SCHEMA}/LS_Process",
            {"__cimnamespace": "root\\Logonscope"},
            Resource("root/logonscope", "LS_Process", is_wmi=False),
        ),
        (
            f"{CIM_SCHEMA}/LS_Process",
            {"__CIMNamespace": "root/logonscope"},
            Resource("root/logonscope", "LS_Process", is_wmi=False),
        ),
        (CIM_ALL, {}, Resource("root/cimv2", "*", is_wmi=False)),
        (CLASSES, {}, Resource("root/cimv2", "*", is_wmi=False, is_class=True)),
        (CLASSES, {"ClassName": "X"}, Resource("root/cimv2", "X", is_wmi=False, is_class=True)),
    ],
)
def test_uris(uri: str, selectors: dict[str, str], meant: Resource) -> None:
    assert parse_resource(uri, selectors) == meant


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("", HEADER_REQUIRED),
        ("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd", INVALID_RESOURCE),
        (f"{WMI}/Win32_Process", INVALID_RESOURCE),
        (f"{WMI}/", INVALID_RESOURCE),
        (f"{CIM_SCHEMA}/a/b", INVALID_RESOURCE),
        ("x" * 100_000, INVALID_RESOURCE),
    ],
)
def test_what_is_no_resource(uri: str, kind: FaultKind) -> None:
    with pytest.raises(FaultError) as refused:
        parse_resource(uri, {})
    assert refused.value.kind is kind
    assert len(str(refused.value)) < 500


def epr(uri: str, selectors: str, *, wrapped: bool) -> Element:
    inner = (
        f"<a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>{uri}</w:ResourceURI><w:SelectorSet>{selectors}"
        "</w:SelectorSet></a:ReferenceParameters>"
    )
    text = f"<a:EndpointReference>{inner}</a:EndpointReference>" if wrapped else inner
    return parse(f"<o {SPACES}>{text}</o>".encode())[0]


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_endpoint_reference_is_an_object_path(wrapped: bool) -> None:
    element = epr(f"{WMI}/root/cimv2/Win32_Process", '<w:Selector Name="Handle"> 7 </w:Selector>', wrapped=wrapped)
    assert parse_reference(element) == ObjectPath("Win32_Process", (("Handle", "7"),), "root/cimv2")


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_key_that_is_a_reference_is_the_text_of_its_path(wrapped: bool) -> None:
    inner = epr(f"{WMI}/root/cimv2/Win32_Process", '<w:Selector Name="Handle">7</w:Selector>', wrapped=wrapped)
    text = "".join(ET.tostring(part, encoding="unicode") for part in inner)
    outer = epr(f"{CIM_SCHEMA}/Win32_SessionProcess", f'<w:Selector Name="Dependent">{text}</w:Selector>', wrapped=True)
    ((name, value),) = parse_reference(outer).keys or ()
    assert (name, value) == ("Dependent", 'root/cimv2:Win32_Process.Handle="7"')


def test_the_namespace_is_no_key() -> None:
    where = Resource("root/cimv2", "Win32_Process", is_wmi=False)
    assert instance_path(where, {"__CIMNamespace": "x", "Handle": "7"}).keys == (("Handle", "7"),)


@pytest.mark.parametrize(
    "text",
    [
        '<w:Selector Name="">x</w:Selector>',
        '<w:Selector Name="a">x</w:Selector><w:Selector Name="A">x</w:Selector>',
        "".join(f'<w:Selector Name="a{at}">x</w:Selector>' for at in range(100)),
        '<w:Selector Name="a"><a:EndpointReference/></w:Selector>',
        '<w:Selector Name="a"><a:EndpointReference><a:ReferenceParameters/></a:EndpointReference></w:Selector>',
    ],
)
def test_what_are_no_selectors(text: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse_selectors(parse(f"<w:SelectorSet {SPACES}>{text}</w:SelectorSet>".encode())[0])
    assert refused.value.kind is UNEXPECTED_SELECTORS


def test_references_in_references_have_an_end() -> None:
    text = '<w:Selector Name="Handle">7</w:Selector>'
    for _ in range(9):
        inner = ET.tostring(epr(f"{CIM_SCHEMA}/C", text, wrapped=True)[0], encoding="unicode")
        text = f'<w:Selector Name="k">{inner}</w:Selector>'
    with pytest.raises(FaultError, match="nested more than 3 deep"):
        parse_selectors(parse(f"<w:SelectorSet {SPACES}>{text}</w:SelectorSet>".encode())[0])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"Handle": "1"}, None),
        ({"HANDLE": "1"}, None),
        ({}, INSUFFICIENT_SELECTORS),
        ({"Name": "x"}, UNEXPECTED_SELECTORS),
    ],
)
def test_selectors_are_the_keys_and_nothing_else(given: dict[str, str], kind: FaultKind | None) -> None:
    path = instance_path(Resource("root/cimv2", "Win32_Process"), given)
    if kind is None:
        check_keys(path, ("Handle",))
    else:
        with pytest.raises(FaultError) as refused:
            check_keys(path, ("Handle",))
        assert refused.value.kind is kind
