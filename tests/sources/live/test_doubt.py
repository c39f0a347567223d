"""Doubt: when children of a process can have another owner than the process."""

import pytest

from logonscope.sources.live.doubt import MIXED, UNKNOWN, differs
from logonscope.sources.live.entries import Entry, Place

PARENT = 41, 1000, "/a"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [(PARENT, 0), ((42, 1000, "/a"), 1), ((41, 1000, "/b"), 1), ((41, 1001, "/a"), 0)],
)
def test_a_child_differs_by_kernel_id_and_cgroup(ids: tuple[int, int, str], expected: int) -> None:
    assert differs(Entry(8, 2, 0, 7, Place(*ids)), Entry(7, 1, 0, 1, Place(*PARENT))) == bool(expected)


@pytest.mark.parametrize("doubt", [UNKNOWN, MIXED])
def test_a_child_differs_if_its_logon_is_not_certain(doubt: int) -> None:
    place = Place(*PARENT)
    child = Entry(8, 2, 0, 7, place)
    child.doubt = doubt
    assert differs(child, Entry(7, 1, 0, 1, place))
