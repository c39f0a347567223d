"""broker/cursors.py: cursors hide how much happened, and only those of this run are positions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.broker.cursors import read_cursor, write_cursor


@given(st.integers(0, (1 << 64) - 1))
def test_a_cursor_is_read_back(position: int) -> None:
    assert read_cursor(write_cursor(position)) == position
    assert len(write_cursor(position)) == 16


@pytest.mark.parametrize("text", ["", "0", "x" * 16, "0" * 17, "²" * 16, "-" + "0" * 15, "0" * 16])
def test_other_texts_are_beyond_every_stream(text: str) -> None:
    assert read_cursor(text) > 1 << 40
