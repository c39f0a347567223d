"""Tests of sources/live/doubt.py: when a process differs from what was read, and when children can."""

import pytest

from logonscope.sources.live.doubt import MIXED, UNKNOWN, can_differ, differs_from
from logonscope.sources.live.entries import Entry, Place, ReadFacts

PLACE = Place(7, 1000, "/a")
FACTS = ReadFacts(5, 1, 7, 1000, "/a")


def process(place: Place = PLACE, doubt: int = 0) -> Entry:
    entry = Entry(50, 5, 0, 1, place)
    entry.doubt = doubt
    return entry


def test_what_was_read_of_the_same_process_is_no_difference() -> None:
    assert not differs_from(process(), FACTS)
    assert not differs_from(None, None)


@pytest.mark.parametrize(
    "facts",
    [
        None,
        FACTS._replace(start=6),
        FACTS._replace(parent=2),
        FACTS._replace(ses=8),
        FACTS._replace(loginuid=1001),
        FACTS._replace(cgroup="/b"),
        FACTS._replace(is_zombie=True),
    ],
)
def test_every_fact_can_be_a_difference(facts: ReadFacts | None) -> None:
    assert differs_from(process(), facts)
    assert differs_from(None, FACTS)


def test_a_zombie_that_is_known_to_have_ended_is_no_difference() -> None:
    ended = process()
    ended.ended = 1
    assert not differs_from(ended, FACTS._replace(is_zombie=True))


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        (process(), process(), False),
        (process(Place(7, 1001, "/a")), process(), False),  # the login uid does not decide the owner
        (process(Place(8, 1000, "/a")), process(), True),
        (process(Place(7, 1000, "/b")), process(), True),
        (process(doubt=UNKNOWN), process(), True),
        (process(), process(doubt=UNKNOWN), True),
        (process(doubt=MIXED), process(), True),
        (process(), process(doubt=MIXED), False),
    ],
)
def test_children_differ_by_what_decides_the_owner(child: Entry, parent: Entry, expected: bool) -> None:
    assert can_differ(child, parent) is expected
