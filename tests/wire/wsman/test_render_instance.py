"""Tests of wire/wsman/render_instance.py: rows look as Windows renders them, for all values."""

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.cim.paths import ObjectPath
from logonscope.cim.schema import CIMV2, schema
from logonscope.cim.types import Value
from logonscope.wire.wsman import render_instance
from logonscope.wire.wsman.names import ADDRESSING, CIM, WSMAN, XSI
from logonscope.wire.wsman.resource import Resource, parse_reference
from logonscope.wire.xml import clark_name, parse

WMI, DMTF = Resource("root/cimv2", "*"), Resource("root/cimv2", "*", is_wmi=False)
PROCESS = schema().get("Win32_Process", CIMV2)


def parsed(text: str) -> "etree._Element":
    return etree.fromstring(f'<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">{text}</e>')[0]


def told(class_name: str, values: dict[str, Value], resource: Resource = WMI) -> dict[str, "etree._Element"]:
    """Render a row and return its elements by name."""
    cls = schema().get(class_name, CIMV2)
    element = parsed(render_instance.instance_renderer(cls, tuple(values), resource)(tuple(values.values())))
    return {etree.QName(part).localname: part for part in element}


def path_in(element: "etree._Element") -> ObjectPath:
    """Return the path that an endpoint reference has, as it is read."""
    return parse_reference(parse(etree.tostring(element))[0])


def test_an_instance_is_an_element_of_its_class_with_properties_in_the_order_of_names() -> None:
    element = parsed(render_instance.instance_renderer(PROCESS, ("Name", "CSName", "Caption"), WMI)(("a", "b", None)))
    space = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Process"
    assert element.tag == clark_name(space, "Win32_Process")
    assert element.get(clark_name(XSI, "type")) == "p:Win32_Process_Type"
    assert [part.tag for part in element] == [clark_name(space, name) for name in ("Caption", "CSName", "Name")]
    assert element[0].get(clark_name(XSI, "nil")) == "true"


def test_the_namespace_is_that_of_the_uri_that_was_requested() -> None:
    element = parsed(render_instance.instance_renderer(PROCESS, ("Name",), DMTF)(("a",)))
    assert element.tag == clark_name("http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/Win32_Process", "Win32_Process")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2013, 4, 15, 16, 28, 47, 735170, UTC), "2013-04-15T16:28:47.73517Z"),
        (datetime(2013, 3, 9, 2, 57, 32, tzinfo=UTC), "2013-03-09T02:57:32Z"),
        (datetime(2013, 3, 9, 2, 0, tzinfo=timezone(timedelta(hours=2))), "2013-03-09T00:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_in_utc_without_needless_zeros(moment: datetime, text: str) -> None:
    assert told("Win32_Process", {"CreationDate": moment})["CreationDate"].findtext(clark_name(CIM, "Datetime")) == text


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (timedelta(days=1, seconds=2, microseconds=500_000), "P1DT2.5S"),
        (timedelta(seconds=10), "P0DT10S"),
        (timedelta(), "P0DT0S"),
    ],
)
def test_intervals_are_durations(interval: timedelta, text: str) -> None:
    assert (
        told("Win32_Process", {"CreationDate": interval})["CreationDate"].findtext(clark_name(CIM, "Interval")) == text
    )


def test_types() -> None:
    of_computer = told("Win32_ComputerSystem", {"PartOfDomain": True, "Roles": ("a", "<b>"), "OEMStringArray": None})
    assert of_computer["PartOfDomain"].text == "true"
    assert of_computer["OEMStringArray"].get(clark_name(XSI, "nil")) == "true"
    cls = schema().get("Win32_ComputerSystem", CIMV2)
    roles = parsed(render_instance.instance_renderer(cls, ("Roles",), WMI)((("a", "<b>"),)))
    assert [role.text for role in roles] == ["a", "<b>"]
    assert told("Win32_Process", {"VirtualSize": (1 << 64) - 1})["VirtualSize"].text == "18446744073709551615"


@pytest.mark.parametrize("resource", [WMI, DMTF])
def test_a_reference_is_an_endpoint_reference_without_its_wrapper(resource: Resource) -> None:
    row: dict[str, Value] = {
        "Antecedent": ("Win32_Account", "web<1>", 'a"b'),
        "Dependent": ("Win32_LogonSession", "41"),
    }
    parts = told("Win32_LoggedOnUser", row, resource)
    assert path_in(parts["Antecedent"]).keys == (("Domain", "web<1>"), ("Name", 'a"b'))
    assert str(path_in(parts["Dependent"])) == 'root/cimv2:Win32_LogonSession.LogonId="41"'


@pytest.mark.parametrize("resource", [WMI, DMTF])
@pytest.mark.parametrize(
    "value",
    [
        ("Win32_LogonSession", "41"),
        ("Win32_Account", "web1", "alice"),
        ("Win32_OperatingSystem",),
        ("Win32_SessionProcess", ("Win32_LogonSession", "41"), ("Win32_Process", "7")),
    ],
)
def test_a_reference_has_as_many_selectors_as_its_class_has_keys(value: tuple[Value, ...], resource: Resource) -> None:
    reference = path_in(told("Win32_LoggedOnUser", {"Antecedent": value}, resource)["Antecedent"])
    cls = schema().get(str(value[0]), CIMV2)
    assert reference.class_name == cls.name
    assert [name for name, _ in reference.keys or ()] == list(cls.keys)


def test_a_reference_that_is_not_known_is_null() -> None:
    assert told("Win32_LoggedOnUser", {"Antecedent": None})["Antecedent"].get(clark_name(XSI, "nil")) == "true"


def test_the_cache_of_references_keeps_no_text_of_clients() -> None:
    cls, row = schema().get("Win32_LoggedOnUser", CIMV2), (("Win32_LogonSession", "41"),)
    tracemalloc.start()
    for at in range(100):
        render_instance.instance_renderer(cls, ("Dependent",), Resource("root/cimv2", f"{at}" * 50_000))(row)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1 << 20


def test_a_projection_has_no_namespace_and_the_order_that_was_requested() -> None:
    def system(row: Sequence[Value], name: str) -> str:
        return f"{name} of {row[0]!s}"

    shown = ("__PATH", "Name", "Handle")
    element = parsed(render_instance.fragment_renderer(PROCESS, ("Handle", "Name"), shown, WMI, system)(("7", None)))
    assert element.tag == clark_name(WSMAN, "XmlFragment")
    assert [(part.tag, part.text) for part in element] == [("__PATH", "__PATH of 7"), ("Name", None), ("Handle", "7")]


def test_object_and_reference_stand_in_one_item() -> None:
    one, other = (
        render_instance.instance_renderer(PROCESS, ("Handle",), WMI),
        render_instance.reference_renderer(PROCESS, ("Name", "Handle"), WMI),
    )
    element = parsed(render_instance.pair_renderer(one, lambda row: other(("x", row[0])))(("7",)))
    assert [etree.QName(part).localname for part in element] == ["Win32_Process", "EndpointReference"]


@given(st.lists(st.none() | st.text(max_size=10), min_size=3, max_size=3))
def test_no_text_can_make_an_answer_unreadable(values: list[str | None]) -> None:
    element = parsed(render_instance.instance_renderer(PROCESS, ("CommandLine", "Handle", "Name"), WMI)(values))
    assert len(element) == 3
    assert [part.get(clark_name(XSI, "nil")) == "true" for part in element] == [value is None for value in values]


def test_what_a_method_returned() -> None:
    returned = [("User", "string", "a<b"), ("Domain", "string", None), ("ReturnValue", "uint32", 0)]
    text = render_instance.render_parameters(returned, WMI, schema())
    element = etree.fromstring(f'<e xmlns:p="p" xmlns:xsi="{XSI}">{text}</e>')
    assert [part.text for part in element] == ["a<b", None, "0"]
