"""Places and children: they are shared, and nothing stays of processes that have left."""

from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.live.places import Children, Places, memberships_in

PIDS = st.integers(1, 5)


def test_processes_with_the_same_ids_share_a_place() -> None:
    places = Places()
    first = places.add(places.get((41, 1000, "/a")), 7)
    assert places.add(places.get((41, 1000, "/a")), 8) is first
    other = places.add(places.get((41, 1000, "/b")), 9)
    assert sorted(memberships_in(places.of_kernel_id(41))) == [(7, 41, "/a"), (8, 41, "/a"), (9, 41, "/b")]
    places.remove(first, 7)
    places.remove(first, 8)
    places.remove(other, 9)
    assert (list(places), list(places.of_kernel_id(41))) == ([], [])


def test_a_place_that_was_dropped_is_replaced_by_the_one_that_is_kept() -> None:
    places = Places()
    old = places.get((41, 1000, "/a"))
    kept = places.add(places.get((41, 1000, "/a")), 7)
    assert places.add(old, 8) is kept


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "pop"]), PIDS, PIDS)))
def test_children_are_those_that_were_added_and_not_removed(steps: list[tuple[str, int, int]]) -> None:
    children, expected = Children(), set[tuple[int, int]]()
    for name, parent, child in steps:
        if name == "add":
            children.add(parent, child)
            expected.add((parent, child))
        elif name == "remove":
            assert children.remove(parent, child) == ((parent, child) in expected)
            expected.discard((parent, child))
        else:
            assert {(parent, pid) for pid in children.pop(parent)} == {pair for pair in expected if pair[0] == parent}
            expected = {pair for pair in expected if pair[0] != parent}
        assert {(pid, child) for pid in range(1, 6) for child in children.of(pid)} == expected
        assert set(children.by_parent) == {parent for parent, _ in expected}


def test_places_that_came_or_went_are_listed_once_asked_for() -> None:
    places = Places()
    place = places.add(places.get((41, 1000, "/a")), 7)
    assert places.take_changes() is None  # nobody had asked
    places.add(place, 8)
    assert places.take_changes() == []
    places.remove(place, 7)
    assert places.take_changes() == []
    places.remove(place, 8)
    assert places.take_changes() == [place]
    other = places.add(places.get((41, 1000, "/a")), 9)
    assert places.take_changes() == [other]
