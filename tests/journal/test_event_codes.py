"""Codes of events: whatever was added, in whichever batches, is read in its order, each at a place of its own."""

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.journal import rows
from logonscope.journal.event_codes import FOLDED, EventCodes, read_codes

steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 3), st.integers(1, 4)),
        st.tuples(st.just("found"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("folded"), st.just(0), st.integers(1, 4)),
        st.tuples(st.just("second look"), st.integers(1, 2), st.just(0)),
        st.tuples(st.just("batch"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
def test_what_was_added_is_read(script: list[tuple[str, int, int]]) -> None:
    codes, numbers, seq, position = EventCodes(), array("q"), 0, 0
    batches, expected = [], list[tuple[int, int, int]]()
    for kind, count, step in [*script, ("batch", 0, 0)]:
        if kind == "batch":
            batches.append(codes.take(numbers))
            numbers = array("q")
            continue
        codes.add_found(numbers)
        position += step
        for _ in range(count):
            seq += 1
            numbers.extend([seq << 3 | rows.STARTED, 0])
        new = [(position, rows.STARTED, row) for row in range(seq - count + 1, seq + 1)]
        if kind == "event":
            codes.add_event(numbers, position)
        elif kind == "folded":
            codes.add_folded(seq, position)
            codes.add_event(numbers, position)
            new = [(position, FOLDED, seq)]
        elif kind == "second look":
            codes.add_event(numbers, 0)
            new = []
        expected += new
    found = [code for stream in batches for code in read_codes(stream.first, stream.codes.tobytes())]
    assert [(code.position, code.kind, code.row) for code in found] == expected
    # each place is its own, also over batches: a reader can continue after any of them
    assert all(first[:2] < second[:2] for first, second in pairwise(found))
    assert all(first.last == second.first for first, second in pairwise(batches))
    assert batches[-1].last == position


@pytest.mark.parametrize("has_code", [True, False])
def test_parts_begin_with_1_if_the_event_has_no_code(has_code: bool) -> None:
    codes, parts = EventCodes(), list[int]()
    for batch in ([7, 8], [9], [10]):
        numbers = array("q", [7 << 3 | rows.STARTED] if has_code and batch[0] == 7 else [])
        if batch[0] == 7:
            codes.add_event(numbers, 5)
        for row in batch:
            numbers.append(row << 3 | rows.STARTED)
            codes.add_found(numbers)
        stream = codes.take(numbers)
        parts += [code.part for code in read_codes(stream.first, stream.codes.tobytes())]
    assert parts == ([0, 1, 2, 3, 4] if has_code else [1, 2, 3, 4])
