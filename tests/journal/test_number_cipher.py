"""journal/number_cipher.py: a permutation that shows nothing of the order and the distance of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from logonscope.journal.number_cipher import NUMBER_BITS, NumberCipher

CIPHER = NumberCipher(bytes(32))


@given(st.integers(0, (1 << NUMBER_BITS) - 1))
def test_every_number_is_revealed(number: int) -> None:
    hidden = CIPHER.hide(number)
    assert 0 <= hidden < 1 << NUMBER_BITS
    assert CIPHER.reveal(hidden) == number


def test_what_is_no_number_reveals_none() -> None:
    assert CIPHER.reveal(1 << NUMBER_BITS) is None
    assert CIPHER.reveal(-1) is None


def test_neighbours_are_as_far_apart_as_any() -> None:
    hidden = [CIPHER.hide(number) for number in range(1000)]
    assert len(set(hidden)) == 1000
    rises = sum(later > earlier for earlier, later in pairwise(hidden))
    # of random numbers about half rise; 400 to 600 of 999 are six standard deviations
    assert 400 < rises < 600
    distances = sorted(abs(later - earlier) for earlier, later in pairwise(hidden))
    assert distances[0] > 1 << 30
    # each bit of a number depends on all bits of the other
    assert all(200 < sum(number >> bit & 1 for number in hidden) < 800 for bit in range(NUMBER_BITS))


def test_another_key_gives_other_numbers() -> None:
    other = NumberCipher(bytes([1]) + bytes(31))
    assert not {CIPHER.hide(number) for number in range(100)} & {other.hide(number) for number in range(100)}
