"""The data of the index: what a process costs."""

import sys

from logonscope.sources.live.entries import Counts, Entry, Place


def test_a_process_costs_little() -> None:
    entry = Entry(7, 1, 2, 1, Place(41, 1000, "/a"))
    assert not hasattr(entry, "__dict__")
    assert sys.getsizeof(entry) <= 104
    assert (entry.doubt, entry.ended, entry.status) == (0, 0, None)


def test_counts_begin_with_nothing() -> None:
    assert set(vars(Counts()).values()) == {0}
