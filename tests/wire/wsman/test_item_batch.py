"""Tests of wire/wsman/item_batch.py: a batch has the items that fit, in their order, and the first that does not."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logonscope.wire.wsman.item_batch import Item, render_batch
from logonscope.wire.wsman.row_cutter import ROW_OCTETS
from logonscope.wire.xml import utf_8_octets


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
    assert written == "".join(texts[: batch.rows])
    assert batch.free == free - utf_8_octets(written) >= 0
    if batch.rows < len(texts):
        assert batch.surplus[0] == ("all", texts[batch.rows])
        assert batch.octets == utf_8_octets(texts[batch.rows]) > batch.free
    else:
        assert batch.surplus == ()


def test_only_items_that_can_be_shortened_are() -> None:
    large = "x" * (ROW_OCTETS + 1)
    shortened = render_batch(Texts(bulk=False), iter([("short", large)]), 10 * ROW_OCTETS, utf_8_octets)
    whole = render_batch(Texts(bulk=False), iter([("long", large)]), 10 * ROW_OCTETS, utf_8_octets)
    assert [list(map(len, batch.texts)) for batch in (shortened, whole)] == [[10], [len(large)]]
