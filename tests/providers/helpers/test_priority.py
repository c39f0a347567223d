"""Tests of providers/helpers/priority.py: priorities and nice values are mapped as in libuv."""

import pytest

from logonscope.providers.helpers.priority import CLASSES, NICE_OF, base_priority

IDLE, BELOW_NORMAL, NORMAL, ABOVE_NORMAL, HIGH, REALTIME = 64, 16384, 32, 32768, 128, 256


def test_every_number_that_windows_documents_has_the_nice_value_that_libuv_gives_it() -> None:
    assert NICE_OF == {IDLE: 19, BELOW_NORMAL: 10, NORMAL: 0, ABOVE_NORMAL: -7, HIGH: -14, REALTIME: -20}


@pytest.mark.parametrize(
    ("nice", "base"),
    [(19, 4), (18, 6), (10, 6), (9, 8), (0, 8), (-1, 10), (-7, 10), (-8, 13), (-14, 13), (-15, 24), (-20, 24)],
)
def test_every_nice_value_has_the_base_priority_of_its_class(nice: int, base: int) -> None:
    assert base_priority(nice) == base


def test_what_is_set_is_what_is_read() -> None:
    assert [base_priority(known.nice) for known in CLASSES] == [4, 6, 8, 10, 13, 24]


def test_the_lower_the_nice_value_the_higher_the_priority() -> None:
    bases = [base_priority(nice) for nice in range(-20, 20)]
    assert bases == sorted(bases, reverse=True)
    assert base_priority(19, realtime=True) == 24
