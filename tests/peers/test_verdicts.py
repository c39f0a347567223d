"""tests/peers/verdicts.py: is an answer judged, and are the verdicts counted?"""

from tests.peers.verdicts import ENDED, NONE, RIGHT, WRONG, all_right, count, markdown, verdict


def test_an_answer_is_right_if_the_login_has_it_and_no_other_login() -> None:
    assert verdict(41, 41, [42]) == RIGHT
    assert verdict(42, 41, [42]) == WRONG
    assert verdict(41, 41, [41]) == WRONG
    assert verdict(None, None, [42]) == NONE


def test_what_has_ended_is_not_counted() -> None:
    assert count({"a": RIGHT, "b": WRONG, "c": ENDED}) == "1 of 2"


def test_all_is_right_if_only_logout_ends_a_process() -> None:
    assert all_right({"a": RIGHT, "b": RIGHT}, {"a": RIGHT, "b": ENDED})
    assert not all_right({"a": RIGHT, "b": NONE}, {"a": RIGHT, "b": ENDED})
    assert not all_right({"a": RIGHT, "b": ENDED}, {"a": RIGHT, "b": ENDED})
    assert not all_right({"a": RIGHT, "b": RIGHT}, {"a": RIGHT, "b": WRONG})
    assert not all_right({"a": RIGHT, "b": RIGHT}, {"a": ENDED, "b": ENDED})


def test_a_cell_has_one_word_where_nothing_changes() -> None:
    before = {"x": {"a": RIGHT, "b": RIGHT}}
    after = {"x": {"a": RIGHT, "b": ENDED}}
    assert list(markdown(["x"], ["a", "b"], before, after)) == [
        "| process | x |",
        "|---|---|",
        "| a | right |",
        "| b | right, ended |",
        "| before logout | 2 of 2 |",
        "| after logout | 1 of 1 |",
    ]
