"""Tests of wire/wsman/parse_instance.py: instances written here and by Windows are read to the right values.

Windows' own answers, of 2003 to 2012, are in the source distribution of txwinrm, which is fetched for this test: each
instance of a class of ours is read, and written again to the letter.
"""

import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.cim.classes import Class, Property
from logonscope.cim.mof.read import read_mof
from logonscope.cim.schema import CIMV2, schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import TransportFailureError
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.names import ADDRESSING, ENUMERATION, WSMAN
from logonscope.wire.wsman.parse_instance import parse_row, parse_value
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.xml import clark_name
from tests.lab.fixtures import skip_or_fail
from tests.providers.asked import web1

PACKAGE, ANSWERS = "txwinrm==1.1.18", "txwinrm-*/txwinrm/test/data/*/Win32_*_star_*.xml"
QUANTUM = {"QuantumLength", "QuantumType"}
"""Properties that Windows has lost since 2003."""


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("windows")
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", PACKAGE]
    if subprocess.run(fetch, cwd=folder, capture_output=True, check=False).returncode:
        skip_or_fail(f"{PACKAGE} cannot be fetched")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4 and newer
        archive.extractall(folder, **safely)  # type: ignore[arg-type]  # noqa: S202 -- a string, and it is our own choice
    return sorted(folder.glob(ANSWERS))


def instances(path: Path) -> Iterator[tuple["etree._Element", Class]]:
    root = etree.parse(path).getroot()
    for holder in (clark_name(WSMAN, "Items"), clark_name(ENUMERATION, "Items")):
        for element in root.iterfind(f".//{holder}/*"):
            cls = schema().find(etree.QName(element).localname, CIMV2)
            if cls is not None:
                yield element, cls


def canonical(element: "etree._Element") -> bytes:
    """Return an element by itself, as C14N has it."""
    alone = etree.fromstring(etree.tostring(element, method="c14n2"))
    etree.cleanup_namespaces(alone, keep_ns_prefixes=["p", "xsi", "cim"])
    return etree.tostring(alone, method="c14n2")


def test_what_windows_says_is_read_and_written_again_to_the_letter(windows: list[Path]) -> None:
    count = 0
    for path in windows:
        for element, cls in instances(path):
            for part in [part for part in element if etree.QName(part).localname in QUANTUM]:
                element.remove(part)
            there = {etree.QName(part).localname for part in element}
            row = dict(zip(cls.properties, parse_row(ET.fromstring(etree.tostring(element)), cls), strict=True))
            values = {name: value for name, value in row.items() if name in there}
            text = render_instance.instance_renderer(cls, tuple(values), Resource("root/cimv2", cls.name))(
                tuple(values.values())
            )
            assert canonical(etree.fromstring(text)) == canonical(element), path.name
            count += 1
    assert count > 100


@pytest.mark.parametrize("name", ["Win32_Process", "Win32_LogonSession", "Win32_LoggedOnUser", "Win32_ComputerSystem"])
@pytest.mark.parametrize("is_wmi", [True, False])
def test_what_we_write_is_read_back(name: str, is_wmi: bool) -> None:
    cls = schema().get(name, CIMV2)
    render = render_instance.instance_renderer(cls, tuple(cls.properties), Resource("root/cimv2", name, is_wmi))
    for instance in web1().enumerate(name):
        row = instance._row  # noqa: SLF001 -- a reference as it is, before it is text
        element = ET.fromstring(f'<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">{render(row)}</e>')[0]
        assert parse_row(element, cls) == row


def test_a_reference_to_a_class_that_is_not_known_is_its_path() -> None:
    text = f"""<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}"><Antecedent><a:ReferenceParameters>
        <w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Share</w:ResourceURI>
        <w:SelectorSet><w:Selector Name="Name">sshd</w:Selector></w:SelectorSet>
        </a:ReferenceParameters></Antecedent></e>"""
    found = parse_row(ET.fromstring(text), schema().get("Win32_SessionProcess", CIMV2))
    assert found == (r'\\.\root\cimv2:Win32_Share.Name="sshd"', None)


def test_a_reference_to_a_class_of_the_schema_is_bound_there() -> None:
    (declared,) = read_mof("class Win32_Share { [key] string Name; };")
    other = schema().copy()
    other.add(declared, CIMV2)
    text = f"""<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}"><Antecedent><a:ReferenceParameters>
        <w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Share</w:ResourceURI>
        <w:SelectorSet><w:Selector Name="Name">sshd</w:Selector></w:SelectorSet>
        </a:ReferenceParameters></Antecedent></e>"""
    found = parse_row(ET.fromstring(text), other.get("Win32_SessionProcess", CIMV2))
    assert found == (("Win32_Share", "sshd"), None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ProcessId", "<ProcessId>many</ProcessId>"),
        ("CreationDate", "<CreationDate>yesterday</CreationDate>"),
        ("CreationDate", "<CreationDate><d>yesterday</d></CreationDate>"),
    ],
)
def test_an_invalid_value_is_reported(name: str, text: str) -> None:
    with pytest.raises(TransportFailureError, match=f"invalid {name} .*: expected the type "):
        parse_row(ET.fromstring(f"<e>{text}</e>"), schema().get("Win32_Process", CIMV2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), (" TRUE ", True), ("1", True), ("false", False), ("False", False), ("0", False)],
)
def test_the_texts_of_a_boolean(text: str, expected: bool) -> None:
    element = ET.fromstring(f"<On>{text}</On>")
    assert parse_value([element], Property("On", "boolean", False, None, ()), schema()) is expected


@pytest.mark.parametrize("text", ["", "maybe", "yes", "2"])
def test_another_text_is_no_boolean(text: str) -> None:
    with pytest.raises(TransportFailureError, match=r"invalid On .*: expected the type boolean"):
        parse_value([ET.fromstring(f"<On>{text}</On>")], Property("On", "boolean", False, None, ()), schema())


@pytest.mark.parametrize("text", ["300", "-1", "many"])
def test_an_invalid_octet_is_reported(text: str) -> None:
    octets = Property("Data", "uint8", True, None, ())
    elements = [ET.fromstring(f"<Data>{part}</Data>") for part in ("1", "255", text)]
    with pytest.raises(TransportFailureError, match=r"invalid Data .*: expected the type uint8"):
        parse_value(elements, octets, schema())
    assert parse_value(elements[:2], octets, schema()) == b"\1\xff"


PLAIN = {
    "string": st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    "uint64": st.integers(0, (1 << 64) - 1),
}


@given(st.data())
def test_texts_and_numbers_are_unchanged(data: st.DataObject) -> None:
    cls = schema().get("Win32_Process", CIMV2)
    nothing: st.SearchStrategy[Value] = st.none()
    row: list[Any] = [data.draw(nothing | PLAIN.get(known.type, nothing)) for known in cls.properties.values()]
    element = ET.fromstring(
        render_instance.instance_renderer(cls, tuple(cls.properties), Resource("root/cimv2", cls.name))(row)
    )
    assert parse_row(element, cls) == tuple(row)
    assert {known.type for known in cls.properties.values()} <= set(TYPES)
