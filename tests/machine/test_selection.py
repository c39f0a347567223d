"""Tests of machine/selection.py: widening and narrowing selections never loses an item."""

from hypothesis import given
from hypothesis import strategies as st

from logonscope.machine import EVERYTHING, Selection

some = st.none() | st.frozensets(st.integers(1, 4))
selections = st.builds(Selection, pids=some, login_uids=some, inodes=some)


def means(selection: Selection, item: tuple[int, int, int]) -> bool:
    """Return whether a selection means what has this pid, this login uid and this inode."""
    parts = (selection.pids, selection.login_uids, selection.inodes)
    return all(part is None or one in part for part, one in zip(parts, item, strict=True))


@given(selections, selections, st.tuples(*[st.integers(1, 4)] * 3))
def test_what_both_mean_is_narrowed_to_and_what_either_means_is_not_lost(
    one: Selection, other: Selection, item: tuple[int, int, int]
) -> None:
    assert means(one.intersection(other), item) is (means(one, item) and means(other, item))
    assert means(one.union(other), item) or not (means(one, item) or means(other, item))


def test_an_empty_set_is_none_and_none_is_any() -> None:
    assert Selection(pids=frozenset()).is_empty
    assert Selection(pids=frozenset({1}), groups=frozenset()).is_empty
    assert not EVERYTHING.is_empty
    assert not Selection(pids=frozenset({1})).is_empty


def test_logon_sessions_are_named_by_id_by_user_and_by_uid() -> None:
    for selection in (
        Selection(logon_ids=frozenset()), Selection(login_users=frozenset({"x"})), Selection(login_uids=frozenset({1})),
    ):  # fmt: skip
        assert selection.names_sessions
    assert not Selection(pids=frozenset({1}), users=frozenset({"x"}), process_names=frozenset({"x"})).names_sessions


def test_names_that_differ_only_in_case_are_in_both() -> None:
    one, other = Selection(users=frozenset({"Alice", "bob"})), Selection(users=frozenset({"ALICE", "carol"}))
    assert one.intersection(other).users == frozenset({"Alice"})
    assert other.intersection(one).users == frozenset({"ALICE"})
