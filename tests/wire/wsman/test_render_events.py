"""Tests of wire/wsman/render_events.py: events of every class are well-formed, and their values are the event's."""

from typing import Any

import pytest
from lxml import etree

from logonscope.cim.instances import Instance, Shape, column_indexes
from logonscope.cim.schema import CIMV2, schema
from logonscope.cim.types import Value
from logonscope.wire.wsman import names
from logonscope.wire.wsman.render_events import EVENTS, EventRenderer, LostEvents
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.wsman.row_cutter import ROW_OCTETS
from logonscope.wire.xml import clark_name, utf_8_octets, utf_16_octets

RESOURCE = Resource("root/cimv2", "*")
_DECLARED = f'xmlns:w="{names.WSMAN}" xmlns:a="{names.ADDRESSING}"'


def instance(class_name: str, shown: tuple[str, ...] | None = None, **values: Any) -> Instance:
    cls = schema().get(class_name, CIMV2)
    columns = tuple(cls.properties)
    row: tuple[Value, ...] = tuple(values.get(column) for column in columns)
    return Instance(Shape(cls, column_indexes(columns), "web1", shown or columns), row)


def parsed(text: str) -> "etree._Element":
    return next(iter(etree.fromstring(f"<x {_DECLARED}>{text}</x>")))


def local(element: "etree._Element") -> dict[str, "etree._Element"]:
    return {etree.QName(part).localname: part for part in element}


def test_the_instances_in_an_event_have_their_own_class_and_namespace() -> None:
    before, after = (instance("Win32_Service", Name="ssh", State=state) for state in ("Stopped", "Running"))
    event = instance("__InstanceModificationEvent", TargetInstance=after, PreviousInstance=before, TIME_CREATED=5)
    element = parsed(EventRenderer(RESOURCE).render(event))
    values = local(element)
    assert values["TIME_CREATED"].text == "5"
    assert values["SECURITY_DESCRIPTOR"].get(clark_name(names.XSI, "nil")) == "true"
    for name, state in (("TargetInstance", "Running"), ("PreviousInstance", "Stopped")):
        assert etree.QName(values[name]).namespace == f"{names.WMI}/root/cimv2/__InstanceModificationEvent"
        inner = local(values[name])
        assert (inner["Name"].text, inner["State"].text) == ("ssh", state)
        assert {etree.QName(part).namespace for part in values[name]} == {f"{names.WMI}/root/cimv2/Win32_Service"}


def test_references_in_an_instance_are_endpoint_references() -> None:
    target = instance(
        "Win32_SessionProcess", Antecedent=("Win32_LogonSession", "41"), Dependent=("Win32_Process", "4312")
    )
    element = parsed(EventRenderer(RESOURCE).render(instance("__InstanceCreationEvent", TargetInstance=target)))
    selectors = [selector.text for selector in element.iter(clark_name(names.WSMAN, "Selector"))]
    assert selectors == ["41", "4312"]


def test_selected_properties_are_a_fragment() -> None:
    target = instance("Win32_Process", Handle="7")
    event = instance("__InstanceCreationEvent", ("TargetInstance", "__CLASS"), TargetInstance=target)
    element = parsed(EventRenderer(RESOURCE).render(event))
    assert element.tag == clark_name(names.WSMAN, "XmlFragment")
    assert [part.tag for part in element] == ["TargetInstance", "__CLASS"]
    assert element[1].text == "__InstanceCreationEvent"
    assert element[0].findtext(clark_name(f"{names.WMI}/root/cimv2/Win32_Process", "Handle")) == "7"


def test_lost_events_are_an_item_with_their_number() -> None:
    assert parsed(EventRenderer(RESOURCE).render(LostEvents(12))).text == "12"
    assert parsed(EventRenderer(RESOURCE).render(LostEvents(None))).get(clark_name(names.XSI, "nil")) == "true"


@pytest.mark.parametrize("octets", [utf_8_octets, utf_16_octets])
def test_the_values_of_the_instances_are_cut_until_the_event_fits(octets: Any) -> None:
    target = instance("Win32_Process", Handle="7", CommandLine="<" * 40_000, ExecutablePath="\u2603" * 40_000)
    event = instance("__InstanceCreationEvent", TargetInstance=target)
    renderer = EventRenderer(RESOURCE)
    assert octets(renderer.render(event)) > ROW_OCTETS
    text = renderer.render_shortened(EVENTS, event, octets)
    assert octets(text) <= ROW_OCTETS
    values = local(local(parsed(text))["TargetInstance"])
    assert (values["Handle"].text, set(values["CommandLine"].text or "")) == ("7", {"<"})
    assert renderer.can_shorten(EVENTS)
