"""Tests of broker/cursors.py: cursors hide how much happened, and only those of this run are positions."""

import pytest

from logonscope.broker.cursors import DRAWN_NAMES, NAME_BYTES, UNKNOWN_POSITION, CursorNames, read_cursor, write_cursor


def test_a_cursor_is_read_back_and_stays_the_same() -> None:
    cursors = {position: write_cursor(position) for position in (0, 1, 2, 1 << 40)}
    assert {read_cursor(cursor): cursor for cursor in cursors.values()} == cursors
    assert {position: write_cursor(position) for position in cursors} == cursors
    assert len(set(cursors.values())) == len(cursors)


@pytest.mark.parametrize("text", ["", "0", "1", "x" * 16, "0" * 17, "²" * 16, "-" + "0" * 15, "0" * 16])
def test_other_texts_are_beyond_every_stream(text: str) -> None:
    assert read_cursor(text) == UNKNOWN_POSITION


def test_the_oldest_names_are_forgotten() -> None:
    names = CursorNames(max_positions=3)
    cursors = [names.write(position) for position in range(5)]
    assert [names.read(cursor) for cursor in cursors] == [UNKNOWN_POSITION, UNKNOWN_POSITION, 2, 3, 4]
    assert repr(names) == "<CursorNames of 3 positions>"


def test_names_that_are_drawn_together_are_all_different() -> None:
    names = CursorNames()
    count = 2 * DRAWN_NAMES + 3
    cursors = [names.write(position) for position in range(count)]
    assert len(set(cursors)) == count
    assert {len(cursor) for cursor in cursors} == {2 * NAME_BYTES}
    assert [names.read(cursor) for cursor in cursors] == list(range(count))
