"""Tests of wire/wsman/render_items.py: rows become the requested kind of item, and a renderer is made once."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.wire.wsman.names import ADDRESSING, WSMAN
from logonscope.wire.wsman.render_items import Item, ItemRenderer, render_batch
from logonscope.wire.wsman.requests import EPR, OBJECT, OBJECT_AND_EPR
from logonscope.wire.wsman.resource import ALL, Resource
from logonscope.wire.wsman.row_cutter import ROW_OCTETS
from logonscope.wire.xml import utf_8_octets

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


class Texts:
    """Renders texts as they are; ``bulk``: many at once."""

    def __init__(self, *, bulk: bool) -> None:
        self.bulk = bulk

    def renderer(self, _: Any) -> Callable[[Any], str]:
        return str

    def render_all(self, items: Sequence[Item]) -> str | None:
        return "".join(str(row) for _, row in items) if self.bulk else None

    def can_shorten(self, result: Any) -> bool:
        return str(result) == "short"

    def render_shortened(self, _: Any, row: Any, octets: Callable[[str], int]) -> str:
        del octets
        return str(row)[:10]


@given(st.lists(st.text(max_size=9), max_size=200), st.integers(0, 500), st.booleans())
def test_what_fits_is_the_longest_beginning_that_does(texts: list[str], free: int, bulk: bool) -> None:
    batch = render_batch(Texts(bulk=bulk), iter([("all", text) for text in texts]), free, utf_8_octets)
    written = "".join(batch.texts)
    assert written == "".join(texts[: batch.item_count])
    assert batch.free == free - utf_8_octets(written) >= 0
    if batch.item_count < len(texts):
        assert batch.surplus[0] == ("all", texts[batch.item_count])
        assert batch.surplus_octets == utf_8_octets(texts[batch.item_count]) > batch.free
    else:
        assert batch.surplus == ()


def test_only_items_that_can_be_shortened_are() -> None:
    large = "x" * (ROW_OCTETS + 1)
    shortened = render_batch(Texts(bulk=False), iter([("short", large)]), 10 * ROW_OCTETS, utf_8_octets)
    whole = render_batch(Texts(bulk=False), iter([("long", large)]), 10 * ROW_OCTETS, utf_8_octets)
    assert [list(map(len, batch.texts)) for batch in (shortened, whole)] == [[10], [len(large)]]
