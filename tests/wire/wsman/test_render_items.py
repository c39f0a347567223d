"""Tests of wire/wsman/render_items.py: rows become the requested kind of item, and a renderer is made once."""

import pytest
from lxml import etree

from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.wire.wsman.names import ADDRESSING, WSMAN
from logonscope.wire.wsman.render_items import ItemRenderer
from logonscope.wire.wsman.requests import EPR, OBJECT, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import ALL, Resource

WHERE = Resource("root/cimv2", ALL)
ACCOUNT, USER = (schema().get(name) for name in ("Win32_Account", "Win32_UserAccount"))
RESULT = ClassRows(USER, ("Domain", "Name"), iter(()), ("Name", "__SERVER"))
ROW = "web1", "alice"


def elements(text: str) -> list[str]:
    """Return the names of the elements of an item, the outermost first."""
    root = etree.fromstring(f'<e xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">{text}</e>')
    return [etree.QName(part).localname for part in root.iter()][1:]


@pytest.mark.parametrize(
    ("mode", "first", "inner"),
    [
        (OBJECT, "Win32_UserAccount", {"Domain", "Name"}),
        ("EnumerateObject", "Win32_UserAccount", {"Domain", "Name"}),
        (EPR, "EndpointReference", {"SelectorSet"}),
        (OBJECT_AND_EPR, "Item", {"Win32_UserAccount", "EndpointReference"}),
    ],
)
def test_each_mode_has_its_item(mode: str, first: str, inner: set[str]) -> None:
    found = elements(ItemRenderer(WHERE, mode).renderer(RESULT)(ROW))
    assert found[0] == first
    assert inner <= set(found)


def test_all_are_shown_as_the_class_that_was_requested() -> None:
    assert elements(ItemRenderer(WHERE, OBJECT, ACCOUNT).renderer(RESULT)(ROW))[0] == "Win32_Account"


def test_a_projection_has_what_was_chosen_and_the_systems_properties() -> None:
    writer = ItemRenderer(WHERE, OBJECT, server="web1")
    assert elements(writer.renderer(RESULT)(ROW)) == ["XmlFragment", "Name", "__SERVER"]
    assert "<__SERVER>web1</__SERVER>" in writer.renderer(RESULT)(ROW)


def test_the_definition_of_a_class_is_an_item() -> None:
    assert ItemRenderer(WHERE, OBJECT).renderer(ACCOUNT)(()).startswith('<CLASS NAME="Win32_Account" ')


def test_what_renders_is_made_once_a_result() -> None:
    writer = ItemRenderer(WHERE, OBJECT)
    first = writer.renderer(RESULT)
    assert writer.renderer(RESULT) is first
    assert writer.renderer(ACCOUNT) is not first
