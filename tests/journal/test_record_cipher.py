"""journal/record_cipher.py: keys that only their journal reads, and that show nothing of the order of records."""

import operator
import os
from itertools import pairwise
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.journal.record_cipher import RecordCipher
from logonscope.machine.events import EventMark
from logonscope.machine.history import RecordKind

KEY = os.urandom(32)
KINDS = get_args(RecordKind)


@given(st.integers(0, 2**63 - 1), st.sampled_from(KINDS))
def test_a_key_is_read_by_its_journal_and_for_its_kind_alone(number: int, kind: RecordKind) -> None:
    key = RecordCipher(KEY, "journal-1").hide(kind, number)
    again = RecordCipher(KEY, "journal-1")
    # after a restart, and in any case, too
    assert again.hide(kind, number) == key
    assert again.reveal(kind, key) == again.reveal(kind, key.upper()) == number
    assert [again.reveal(other, key) for other in KINDS if other != kind] == [None] * (len(KINDS) - 1)
    assert RecordCipher(KEY, "journal-2").reveal(kind, key) is None
    assert RecordCipher(os.urandom(32), "journal-1").reveal(kind, key) is None
    assert RecordCipher(None, "journal-1").reveal(kind, key) is None


@given(st.text(max_size=60) | st.text("0123456789abcdef ", min_size=48, max_size=48) | st.just("7"))
def test_other_texts_are_none(text: str) -> None:
    assert RecordCipher(KEY, "journal-1").reveal("process", text) is None


def test_a_cursor_is_no_key() -> None:
    cursor = CursorCipher(KEY, "journal-1").write(EventMark(1, 7))
    assert RecordCipher(KEY, "journal-1").reveal("process", cursor) is None


def test_neighbours_have_nothing_in_common() -> None:
    cipher = RecordCipher(KEY, "journal-1")
    keys = [cipher.hide("process", number) for number in range(1000)]
    assert len(set(keys)) == 1000
    rises = sum(later > earlier for earlier, later in pairwise(keys))
    # of random texts about half rise; 400 to 600 of 999 are six standard deviations
    assert 400 < rises < 600
    same = [sum(map(operator.eq, first, second)) for first, second in pairwise(keys)]
    # of 48 random digits, one in 16 is the same by chance
    assert sum(same) / len(same) < 4
