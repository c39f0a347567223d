"""Cursors: each is read by the journal that wrote it, and shows nobody how far apart two of them are."""

import base64
import operator
import os
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.machine.events import EventMark

KEY = os.urandom(32)
marks = st.builds(EventMark, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))


@given(marks)
def test_a_cursor_is_read_by_its_journal_alone(mark: EventMark) -> None:
    text = CursorCipher(KEY, "journal-1").write(mark)
    # after a restart, too
    assert CursorCipher(KEY, "journal-1").read(text) == mark
    assert CursorCipher(KEY, "journal-2").read(text) is None
    assert CursorCipher(os.urandom(32), "journal-1").read(text) is None
    assert len(text) <= 64


@given(st.text(max_size=100) | st.binary(max_size=80).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_other_texts_are_none(text: str) -> None:
    assert CursorCipher(KEY, "journal-1").read(text) is None


def test_neighbours_have_nothing_in_common() -> None:
    cipher = CursorCipher(KEY, "journal-1")
    raw = [base64.urlsafe_b64decode(cipher.write(EventMark(1, position)) + "==") for position in range(500)]
    assert len(set(raw)) == 500
    same = [sum(map(operator.eq, first, second)) for first, second in pairwise(raw)]
    # of 32 random bytes, one in 256 is the same by chance
    assert sum(same) / len(same) < 1
